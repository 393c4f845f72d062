// Squared hinge loss  l(z) = max(0, 1 - y z)^2,  y in {-1, +1}  (no factor 1/2, as LIBLINEAR's L2-loss SVM
// has it). Derivative in z: -2 y max(0, 1 - y z), continuous; curvature at most 2. Implicit: slope / (1 + 2
// reach), exactly. Source: Fan et al., LIBLINEAR (2008), section 2.
#include <algorithm>

#include "objectives/catalogue.h"
#include "objectives/linear.h"
#include "objectives/one_vs_rest.h"

namespace sounder {
namespace {

struct SquaredHinge {
  double value(float margin, float label) const {
    const double slack = std::max(1.0 - double{label} * margin, 0.0);
    return slack * slack;
  }
  float slope(float margin, float label) const { return -2 * label * std::max(0.0F, 1 - label * margin); }
  float implicit_slope(float margin, float label, float reach) const {
    return slope(margin, label) / (1 + 2 * reach);
  }
  double conjugate(float slope, float label) const {
    const double b = -double{label} * slope;
    return b >= 0 ? b * b / 4 - b : HUGE_VAL;
  }
  double curvature() const { return 2; }
};

}  // namespace

std::unique_ptr<Objective> make_squared_hinge(const ObjectiveParameters&) {
  return make_linear("squared_hinge", LabelKind::kTwoClass, SquaredHinge{});
}

std::unique_ptr<Objective> make_one_vs_rest_squared_hinge(const ObjectiveParameters& parameters) {
  return make_one_vs_rest("one_vs_rest_squared_hinge", parameters, SquaredHinge{});
}

}  // namespace sounder
