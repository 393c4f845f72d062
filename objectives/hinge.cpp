// Hinge loss  l(z) = max(0, 1 - y z),  y in {-1, +1}.
// Subgradient in z: -y where y z < 1, else 0 (0 at the kink y z = 1, so a sample on the margin writes
// nothing). Implicit: the slope is cut to what brings the margin to the kink, -y min(1, (1 - y z) / reach).
// Conjugate, with b = -y s: -b for b in [0, 1].
// Source: Cortes, Vapnik, Support-vector networks (1995); HOGWILD! section 2, "Sparse SVM".
#include <algorithm>

#include "objectives/catalogue.h"
#include "objectives/linear.h"
#include "objectives/one_vs_rest.h"

namespace sounder {
namespace {

struct Hinge {
  double value(float margin, float label) const { return std::max(1.0 - double{label} * margin, 0.0); }
  float slope(float margin, float label) const { return label * margin < 1 ? -label : 0; }
  float implicit_slope(float margin, float label, float reach) const {
    const float slack = 1 - label * margin;
    return slack > 0 ? -label * std::min(1.0F, slack / reach) : 0;
  }
  double conjugate(float slope, float label) const {
    const float b = -label * slope;
    return b >= 0 && b <= 1 ? -b : HUGE_VAL;
  }
  bool smooth() const { return false; }
};

}  // namespace

std::unique_ptr<Objective> make_hinge(const ObjectiveParameters&) {
  return make_linear("hinge", LabelKind::kTwoClass, Hinge{});
}

std::unique_ptr<Objective> make_one_vs_rest_hinge(const ObjectiveParameters& parameters) {
  return make_one_vs_rest("one_vs_rest_hinge", parameters, Hinge{});
}

}  // namespace sounder
