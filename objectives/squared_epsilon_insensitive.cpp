// Squared epsilon-insensitive loss of the residual r = z - y, y any real number:  max(0, |r| - epsilon)^2  (no factor 1/2, as
// LIBLINEAR's L2-loss support vector regression has it). Derivative in z: 2 sign(r) max(0, |r| - epsilon), continuous;
// curvature at most 2. Implicit: slope / (1 + 2 reach), exactly. Conjugate: s y + epsilon |s| + s^2 / 4.
// Source: Ho, Lin, Large-scale linear support vector regression (JMLR 2012), section 2.
#include <algorithm>

#include "objectives/catalogue.h"
#include "objectives/linear.h"

namespace sounder {
namespace {

struct SquaredEpsilonInsensitive {
  float epsilon;

  double value(float margin, float label) const {
    const double beyond = std::max(std::fabs(double{margin} - label) - epsilon, 0.0);
    return beyond * beyond;
  }
  float slope(float margin, float label) const {
    const float residual = margin - label;
    return std::copysign(2 * std::max(0.0F, std::fabs(residual) - epsilon), residual);
  }
  float implicit_slope(float margin, float label, float reach) const {
    return slope(margin, label) / (1 + 2 * reach);
  }
  double curvature() const { return 2; }
  double conjugate(float slope, float label) const {
    const double s = slope;
    return s * label + epsilon * std::fabs(s) + s * s / 4;
  }
};

}  // namespace

std::unique_ptr<Objective> make_squared_epsilon_insensitive(const ObjectiveParameters& parameters) {
  const double epsilon = real_parameter(parameters, "epsilon", 0.1, 0, 1e30);
  return make_linear("squared_epsilon_insensitive", LabelKind::kReal,
                     SquaredEpsilonInsensitive{static_cast<float>(epsilon)}, {{"epsilon", epsilon}});
}

}  // namespace sounder
