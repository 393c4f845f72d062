// Quantile loss ("pinball") of the residual r = z - y, y any real number:  (1 - q) r where r > 0, else -q r. The constant
// that minimises it is the quantile q of the labels; q = 1/2 is half the absolute error, the median.
// Subgradient in z: 1 - q where r > 0, -q where r < 0, 0 at r = 0. Implicit: r / reach clamped to [-q, 1 - q], which ends at
// r = 0. Conjugate: s y for s in [-q, 1 - q].
// Source: Koenker, Bassett, Regression quantiles (Econometrica 1978).
#include <algorithm>

#include "objectives/catalogue.h"
#include "objectives/linear.h"

namespace sounder {
namespace {

struct Quantile {
  float below;  // -q
  float above;  // 1 - q

  double value(float margin, float label) const {
    const double residual = double{margin} - label;
    return residual * (residual > 0 ? above : below);
  }
  float slope(float margin, float label) const { return margin > label ? above : margin < label ? below : 0; }
  float implicit_slope(float margin, float label, float reach) const {
    const float residual = margin - label;
    return residual == 0 ? 0 : std::clamp(residual / reach, below, above);
  }
  double conjugate(float slope, float label) const {
    return slope >= below && slope <= above ? double{slope} * label : HUGE_VAL;
  }
  bool smooth() const { return false; }
  // Slope by distance, of residuals of both signs.
  double curvature_at(double loss) const { return (below * below + above * above) / (2 * loss); }
};

}  // namespace

std::unique_ptr<Objective> make_quantile(const ObjectiveParameters& parameters) {
  const double q = real_parameter(parameters, "quantile", 0.5, 1e-6, 1 - 1e-6);
  return make_linear("quantile", LabelKind::kReal,
                     Quantile{.below = -static_cast<float>(q), .above = static_cast<float>(1 - q)},
                     {{"quantile", q}});
}

}  // namespace sounder
