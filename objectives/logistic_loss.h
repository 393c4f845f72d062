#pragma once

#include <cmath>

namespace sounder {

// log(1 + exp(-m)), m = y z, in the usual log-sum-exp shift: it neither overflows nor loses the tail.
inline double logistic_loss(double m) {
  return std::log1p(std::exp(-std::fabs(m))) + std::fmax(0.0, -m);
}

}  // namespace sounder
