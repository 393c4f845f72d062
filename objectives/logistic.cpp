// Logistic loss  l(z) = log(1 + exp(-y z)),  y in {-1, +1}.
// Derivative in z: -y / (1 + exp(y z)); curvature at most 1/4.
// Stable form: objectives/logistic_loss.h.
// Source: Cox (1958).
#include <algorithm>

#include "objectives/catalogue.h"
#include "objectives/linear.h"
#include "objectives/logistic_loss.h"
#include "objectives/one_vs_rest.h"

namespace sounder {
namespace {

double xlogx(double x) {
  return x > 0 ? x * std::log(x) : 0;
}

struct Logistic {
  double value(float margin, float label) const { return logistic_loss(double{label} * margin); }
  float probability(float margin) const { return sigmoid(margin); }
  float slope(float margin, float label) const { return -label / (1 + std::exp(label * margin)); }
  // b = sigmoid(-(m + reach b)) by Newton's method. It lies between 1/2 and `even`, where the sigmoid's
  // argument is 0; kept on that side, the method does not cycle. Comparisons with `even` are false where it
  // is no number.
  float dual_slope(float margin, float label, float reach, float now) const {
    constexpr int kMost = 16;
    constexpr float kClose = 0.1F;  // of a margin
    const float m = label * margin;
    const float even = -m / reach;
    float b = -label * now;
    for (int k = 0; k < kMost; ++k) {
      b = even < 0.5F ? std::max(b, even) : std::min(b, even);
      const float target = 1 / (1 + std::exp(m + reach * b));
      const float change = (target - b) / (1 + reach * target * (1 - target));
      b = std::clamp(b + change, 0.0F, 1.0F);
      if (std::fabs(change) * reach < kClose) break;
    }
    return -label * b;
  }
  double conjugate(float slope, float label) const {
    const double b = -double{label} * slope;
    return b >= 0 && b <= 1 ? xlogx(b) + xlogx(1 - b) : HUGE_VAL;
  }
  double curvature() const { return 0.25; }
};

}  // namespace

std::unique_ptr<Objective> make_logistic(const ObjectiveParameters&) {
  return make_linear("logistic", LabelKind::kTwoClass, Logistic{});
}

std::unique_ptr<Objective> make_one_vs_rest_logistic(const ObjectiveParameters& parameters) {
  return make_one_vs_rest("one_vs_rest_logistic", parameters, Logistic{});
}

}  // namespace sounder
