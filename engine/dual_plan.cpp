#include "engine/dual_plan.h"

#include <algorithm>
#include <bit>

namespace sounder {
namespace {

constexpr double kFree = 5;

}  // namespace

DualPlan::DualPlan(const Trial& trial, int parallel)
    : natural_(trial.natural_step()), rho_(trial.top_curvature() * natural_), others_(parallel - 1) {}

// Small blocks cost time, the less so the sooner their rows fill the weights there are. Large blocks, whose
// rows come in the same order in every epoch, cost epochs, also where they are alone.
std::size_t DualPlan::block_rows(const Source& data) const {
  constexpr double kAlone = 0.25;
  constexpr std::size_t kParts = 24;
  const auto rows = static_cast<double>(data.rows());
  const double full = rows * static_cast<double>(data.dimension()) / static_cast<double>(data.nonzeros() + 1);
  const double safe = kFree / (rho_ * std::max(others_, kAlone));
  const auto fit = static_cast<std::size_t>(std::clamp(safe, std::clamp(full, 16.0, 64.0), 256.0));
  const auto most = static_cast<std::size_t>(rows / (kParts * (others_ + 1)));
  return std::bit_floor(std::clamp<std::size_t>(fit, 1, std::max<std::size_t>(most, 1)));
}

double DualPlan::damping(std::size_t block_rows) const {
  return std::clamp(others_ * static_cast<double>(block_rows) * rho_ / kFree, 1.0, others_ + 1);
}

// A small part of the mean curvature of a coordinate, and for a loss with kinks, whose dual has no
// curvature of its own, some of l2 besides.
double DualPlan::proximal(const Objective& objective, double l2, std::size_t dimension) const {
  constexpr double kShare = 0.02;
  constexpr double kOfL2 = 1.5;
  const double spread = kShare / (natural_ * static_cast<double>(std::max<std::size_t>(dimension, 1)));
  return objective.smooth() ? spread : kOfL2 * l2 + spread / 2;
}

}  // namespace sounder
