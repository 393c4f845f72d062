// Epsilon-insensitive loss of the residual r = z - y, y any real number:  max(0, |r| - epsilon).
// Subgradient in z: the sign of r where |r| > epsilon, else 0. Implicit: the slope is cut to what brings the margin to the
// edge of the tube, sign(r) min(1, (|r| - epsilon) / reach). Conjugate: s y + epsilon |s| for |s| <= 1.
// Source: Vapnik, The nature of statistical learning theory (1995); LIBLINEAR's L1-loss support vector regression.
#include <algorithm>

#include "objectives/catalogue.h"
#include "objectives/linear.h"

namespace sounder {
namespace {

struct EpsilonInsensitive {
  float epsilon;

  double value(float margin, float label) const {
    return std::max(std::fabs(double{margin} - label) - epsilon, 0.0);
  }
  float slope(float margin, float label) const { return implicit_slope(margin, label, 0); }
  float implicit_slope(float margin, float label, float reach) const {
    const float residual = margin - label;
    const float beyond = std::fabs(residual) - epsilon;
    return beyond > 0 ? std::copysign(beyond < reach ? beyond / reach : 1.0F, residual) : 0;
  }
  double conjugate(float slope, float label) const {
    return std::fabs(slope) <= 1 ? double{slope} * label + double{epsilon} * std::fabs(slope) : HUGE_VAL;
  }
  bool smooth() const { return false; }
  double curvature_at(double loss) const { return 1 / loss; }  // a slope of 1 to a kink so far away
};

}  // namespace

std::unique_ptr<Objective> make_epsilon_insensitive(const ObjectiveParameters& parameters) {
  const double epsilon = real_parameter(parameters, "epsilon", 0.1, 0, 1e30);
  return make_linear("epsilon_insensitive", LabelKind::kReal, EpsilonInsensitive{static_cast<float>(epsilon)},
                     {{"epsilon", epsilon}});
}

}  // namespace sounder
