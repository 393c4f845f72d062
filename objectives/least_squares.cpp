// Squared error  l(z) = (z - y)^2 / 2,  y any real number.
// Derivative in z: z - y; curvature 1.
// Implicit: slope / (1 + reach), exactly.
// Source: Gauss (1809); with L2 it is ridge regression.
#include "objectives/catalogue.h"
#include "objectives/linear.h"

namespace sounder {
namespace {

struct LeastSquares {
  double value(float margin, float label) const {
    const double residual = double{margin} - label;
    return residual * residual / 2;
  }
  float slope(float margin, float label) const { return margin - label; }
  float implicit_slope(float margin, float label, float reach) const {
    return slope(margin, label) / (1 + reach);
  }
  double curvature() const { return 1; }
  double conjugate(float slope, float label) const { return slope * (label + double{slope} / 2); }
};

}  // namespace

std::unique_ptr<Objective> make_least_squares(const ObjectiveParameters&) {
  return make_linear("least_squares", LabelKind::kReal, LeastSquares{});
}

}  // namespace sounder
