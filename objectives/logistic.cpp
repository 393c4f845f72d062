// Logistic loss  l(z) = log(1 + exp(-y z)),  y in {-1, +1}.
// Derivative in z: -y / (1 + exp(y z)); curvature at most 1/4.
// Stable form: with m = y z, log1p(exp(-|m|)) + max(0, -m), which neither overflows nor loses the tail.
// Implicit: slope / (1 + reach / 4), one Newton step with the largest curvature: never beyond the exact
// solution. Source: Cox (1958); the stable form is the usual log-sum-exp shift.
#include "objectives/catalogue.h"
#include "objectives/linear.h"

namespace sounder {
namespace {

struct Logistic {
  double value(float margin, float label) const {
    const double m = double{label} * margin;
    return std::log1p(std::exp(-std::fabs(m))) + std::fmax(0.0, -m);
  }
  float slope(float margin, float label) const { return -label / (1 + std::exp(label * margin)); }
  float implicit_slope(float margin, float label, float reach) const {
    return slope(margin, label) / (1 + reach / 4);
  }
  double curvature() const { return 0.25; }
};

}  // namespace

std::unique_ptr<Objective> make_logistic(const ObjectiveParameters&) {
  return make_linear("logistic", LabelKind::kTwoClass, Logistic{});
}

}  // namespace sounder
