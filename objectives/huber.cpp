// Huber loss of the residual r = z - y, y any real number:  r^2 / 2 where |r| <= delta, else delta (|r| -
// delta / 2). Derivative in z: r clamped to [-delta, delta], continuous; curvature at most 1. Implicit: r /
// (1 + reach) clamped to [-delta, delta], exactly. Source: Huber, Robust estimation of a location parameter
// (1964).
#include <algorithm>

#include "objectives/catalogue.h"
#include "objectives/linear.h"

namespace sounder {
namespace {

struct Huber {
  float delta;

  double value(float margin, float label) const {
    const double size = std::fabs(double{margin} - label);
    return size <= delta ? size * size / 2 : delta * (size - double{delta} / 2);
  }
  float slope(float margin, float label) const { return std::clamp(margin - label, -delta, delta); }
  float implicit_slope(float margin, float label, float reach) const {
    return std::clamp((margin - label) / (1 + reach), -delta, delta);
  }
  // What ends at r = 0 at most: along the tails the loss's parabola would end far before.
  float safe_slope(float margin, float label, float reach) const {
    const float residual = margin - label;
    const float most = std::fabs(residual) / reach;
    return std::clamp(slope(margin, label), -most, most);
  }
  double curvature() const { return 1; }
  double curvature_at(double loss) const {
    const double size = loss / delta + double{delta} / 2;  // of a residual beyond delta
    return std::min(1.0, delta / size);
  }
  double conjugate(float slope, float label) const {
    return std::fabs(slope) <= delta ? slope * (label + double{slope} / 2) : HUGE_VAL;
  }
};

}  // namespace

std::unique_ptr<Objective> make_huber(const ObjectiveParameters& parameters) {
  const double delta = real_parameter(parameters, "huber_delta", 1, 1e-30, 1e30);
  return make_linear("huber", LabelKind::kReal, Huber{static_cast<float>(delta)}, {{"huber_delta", delta}});
}

}  // namespace sounder
