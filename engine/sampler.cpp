#include "engine/sampler.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace sounder {
namespace {

// Weights are held divided by their scale, which must stay inside the range of a float: e^-30 before a block
// begins, and another e^-30 at most inside it.
constexpr double kLogScaleRange = 30;

// How far kAnneal falls where there is no l2 to tell: to 1/(1 + 8) before the straight line takes over.
constexpr double kAnnealing = 8;

}  // namespace

double StepClock::at(double samples) const {
  return std::min(cap, step * shape(samples));
}

double StepClock::shape(double samples) const {
  const double budget = rows * epochs;
  const double used = samples / budget;
  switch (schedule) {
    case Schedule::kAnneal:
      return std::max(0.0, 1 - used) / (1 + (l2 * step * budget + kAnnealing) * used);
    case Schedule::kGeometric:
      return std::pow(decay, std::floor(samples / rows));
    case Schedule::kInverse:
      return 1 / (1 + l2 * step * samples);
    case Schedule::kConstant:
      break;
  }
  return 1;
}

Sampler::Sampler(std::span<const Block> blocks, StepClock clock, double l2, Rule rule, std::uint64_t seed)
    : blocks_(blocks), clock_(clock), l2_(l2), rule_(rule), random_(seed), order_(blocks.size()) {
  std::iota(order_.begin(), order_.end(), 0U);
  next_ = order_.size();
}

void Sampler::begin_epoch(int epoch) {
  shuffle(std::span(order_), random_);
  next_ = 0;
  samples_ = (epoch - 1) * clock_.rows;
}

bool Sampler::next(Task& task) {
  if (epoch_done() || log_scale_ < -kLogScaleRange) return false;
  task.block = &blocks_[order_[next_++]];
  const auto rows = static_cast<double>(task.block->rows());
  // The middle of the block stands for all of it.
  double eta = clock_.at(samples_ + rows / 2);
  if (l2_ > 0) eta = std::min(eta, std::expm1(kLogScaleRange / rows) / l2_);
  task.step = {.rule = rule_,
               .size = static_cast<float>(eta),
               .scale = std::exp(log_scale_),
               .shrink = 1 / (1 + eta * l2_)};
  samples_ += rows;
  log_scale_ += rows * std::log(task.step.shrink);
  return true;
}

double Sampler::scale() const {
  return std::exp(log_scale_);
}

}  // namespace sounder
