#include "engine/task.h"

#include <cmath>

namespace sounder {

// A geometric series, of a ratio that may be 1 or nearly.
Elapsed Elapsed::after(const Step& step, double more) const {
  const double shrunk = -std::expm1(more * std::log(step.shrink));
  const double series = step.shrink < 1 ? step.shrink * shrunk / (1 - step.shrink) : more;
  return {.scales = this->scales + step.scale * series, .samples = samples + more};
}

}  // namespace sounder
