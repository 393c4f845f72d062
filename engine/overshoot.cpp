#include "engine/overshoot.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace sounder {
namespace {

constexpr double kMost = 0.75;           // of a
constexpr double kSlack = 2;             // blocks do not really start together
constexpr double kLaterStep = 1.0 / 16;  // of the first: so far have steps fallen by the time it matters
constexpr std::size_t kFewRows = 128;    // two threads need not know the curvature so well
constexpr double kInfinity = std::numeric_limits<double>::infinity();

double allowance_of(int threads) {
  return threads > 1 ? -kSlack * std::log(1 - std::min(kMost, 2.0 / threads)) : kInfinity;
}

}  // namespace

Overshoot::Overshoot(const Trial& trial, int threads)
    : threads_(threads),
      natural_(trial.natural_step()),
      first_share_(trial.first_share()),
      shared_(threads > 1 ? trial.top_curvature(threads > 2 ? Trial::kCurvatureRows : kFewRows) * natural_
                          : 0),
      curvature_(shared_ / natural_ * first_share_),
      allowance_(allowance_of(threads)) {}

Overshoot Overshoot::among(int threads) const {
  Overshoot other = *this;
  other.threads_ = threads;
  other.allowance_ = allowance_of(threads);
  return other;
}

double Overshoot::rows_at(double first_step) const {
  const double step = kLaterStep * first_step;
  const double effective = step / (1 + step / natural_);  // a safe step moves a margin no further
  return curvature_ > 0 ? allowance_ / (effective * curvature_) : kInfinity;
}

// Two threads may begin with more, as they cannot diverge.
double Overshoot::step_at(double rows) const {
  if (curvature_ == 0) return kInfinity;
  const double effective = allowance_ / (rows * curvature_);
  const double step = effective < natural_ ? effective / (1 - effective / natural_) : kInfinity;
  return threads_ > 2 ? step : step / kLaterStep;
}

}  // namespace sounder
