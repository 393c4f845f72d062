// Compiled twice: as it is, which must work, and with NOT_A_LOSS, which must not.
#include "objectives/linear.h"

struct Loss {
  double value(float margin, float label) const { return double{margin} * label; }
#ifndef NOT_A_LOSS
  float slope(float, float label) const {
    return label;
  }
#endif
};

int main() {
  return sounder::make_linear("own", sounder::LabelKind::kReal, Loss{})->name() == "own" ? 0 : 1;
}
