#include "engine/sampler.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

namespace sounder {
namespace {

// Weights are held divided by their scale, which must stay inside the range of a float: e^-30 before a block
// begins, and another e^-30 at most inside it.
constexpr double kLogScaleRange = 30;
// Sums of such weights lose as many digits.
constexpr double kLogAverageRange = 2;

// Phase i of kBackoff ends after n (1 + 1/decay + ... + 1/decay^i) samples.
double phase_of(double epochs, double decay) {
  constexpr double kRounding = 1e-9;
  if (decay == 1) return 0;
  return std::floor(std::log1p(epochs * (1 / decay - 1)) / -std::log(decay) + kRounding);
}

}  // namespace

double StepClock::at(double samples) const {
  return std::min(cap, step * shape(samples));
}

double StepClock::shape(double samples) const {
  const double budget = rows * epochs;
  const double used = samples / budget;
  switch (schedule) {
    case Schedule::kAnneal:
      return std::pow(std::max(0.0, 1 - used), fading.power) /
             (1 + std::max(l2 * step * budget, fading.fall) * used);
    case Schedule::kLinear:
      return std::max(0.0, 1 - used);
    case Schedule::kGeometric:
      return std::pow(decay, std::floor(samples / rows));
    case Schedule::kInverse:
      return 1 / (1 + l2 * step * samples);
    case Schedule::kBackoff:
      return std::pow(decay, phase_of(samples / rows, decay));
    case Schedule::kTheorem:
    case Schedule::kAuto:  // settled by the plan
    case Schedule::kConstant:
      break;
  }
  return 1;
}

Sampler::Sampler(Units units, StepClock clock, Problem problem, std::uint64_t seed)
    : units_(std::move(units)), clock_(clock), problem_(problem), random_(seed), order_(units_.rows.size()) {
  std::iota(order_.begin(), order_.end(), 0U);
  if (by_unit()) {
    units_.round_tasks = units_.unit_blocks;
    blocks_.resize(order_.size() * units_.unit_blocks);
    std::iota(blocks_.begin(), blocks_.end(), 0U);
  }
  if (units_.ends.empty()) units_.ends = {order_.size()};
  queues_.resize(units_.ends.size());
}

// What is shuffled stays so among the units of each node.
void Sampler::fill_queues() {
  auto begin = drawn_.begin();
  for (std::size_t node = 0; node < queues_.size(); ++node) {
    const auto end = node + 1 == queues_.size()
                         ? drawn_.end()
                         : std::stable_partition(begin, drawn_.end(), [&](std::uint32_t unit) {
                             return unit < units_.ends[node];
                           });
    queues_[node] = {static_cast<std::size_t>(begin - drawn_.begin()),
                     static_cast<std::size_t>(end - drawn_.begin())};
    begin = end;
  }
}

void Sampler::begin_epoch(int epoch, Pass pass, int epochs) {
  drawn_.clear();
  for (int e = 0; e < epochs; ++e) {
    shuffle(std::span(order_), random_);
    drawn_.insert(drawn_.end(), order_.begin(), order_.end());
  }
  fill_queues();
  pass_ = pass;
  slot_ = 0;
  samples_ = (epoch - 1) * clock_.rows;
}

bool Sampler::next(Task& task) {
  Queue& queue = queues_[task.node];
  if (queue.next == queue.end || must_fold()) return false;
  task.slot = slot_;
  if (by_unit()) {
    take_unit(task, queue);
  } else {
    take_blocks(task, queue);
  }
  slot_ = task.ends_round ? 0 : slot_ + 1;
  return true;
}

bool Sampler::must_fold() const {
  return slot_ == 0 && log_scale_ < -scale_range();
}

// One of the blocks of a unit. Time stands still until the last of them is handed out.
void Sampler::take_unit(Task& task, Queue& queue) {
  const std::size_t unit = drawn_[queue.next];
  if (slot_ == 0) units_.begin(unit);
  task.blocks = std::span(blocks_).subspan(unit * units_.unit_blocks + slot_, 1);
  task.step = step_for(units_.rows[unit]);
  task.elapsed = average_ ? std::optional(average_->since) : std::nullopt;
  task.ends_round = slot_ + 1 == units_.unit_blocks;
  if (!task.ends_round) return;
  advance(units_.rows[unit], task.step);
  ++queue.next;
}

void Sampler::take_blocks(Task& task, Queue& queue) {
  const std::size_t left = queue.end - queue.next;
  const std::size_t most = units_.task_part > 0 ? std::max<std::size_t>(left / units_.task_part, 1) : left;
  task.blocks = std::span(drawn_).subspan(queue.next, std::min(units_.task_units, most));
  double rows = 0;
  for (const std::uint32_t unit : task.blocks) rows += units_.rows[unit];
  task.step = step_for(rows);
  task.elapsed = average_ ? std::optional(average_->since) : std::nullopt;
  advance(rows, task.step);
  queue.next += task.blocks.size();
  task.ends_round = queue.next == queue.end || slot_ + 1 == units_.round_tasks;
}

// The middle of the samples stands for all of them.
Step Sampler::step_for(double rows) const {
  const bool scaled = problem_.scales && traits_of(problem_.rule).scales && pass_ == Pass::kUpdate;
  double eta = clock_.at(samples_ + rows / 2);
  if (scaled && problem_.l2 > 0) eta = std::min(eta, std::expm1(kLogScaleRange / rows) / problem_.l2);
  return {.rule = problem_.rule,
          .pass = pass_,
          .size = static_cast<float>(eta),
          .scale = std::exp(log_scale_),
          .shrink = scaled ? 1 / (1 + eta * problem_.l2) : 1,
          .l1 = problem_.l1,
          .l2 = problem_.l2,
          .rows = clock_.rows,
          .proximal = problem_.proximal,
          .others = problem_.others,
          .damping = problem_.damping,
          .before = samples_,
          .bias_square = problem_.bias_square};
}

double Sampler::scale_range() const {
  return average_ ? kLogAverageRange : kLogScaleRange;
}

void Sampler::advance(double rows, const Step& step) {
  if (average_) average_->since = average_->since.after(step, rows);
  samples_ += rows;
  log_scale_ += rows * std::log(step.shrink);
}

double Sampler::scale() const {
  return std::exp(log_scale_);
}

void Sampler::fold() {
  if (average_) average_ = Average{.since = {}, .all = average_->all + average_->since.samples};
  log_scale_ = 0;
}

}  // namespace sounder
