#pragma once

#include <algorithm>
#include <cmath>

namespace sounder {

// log(1 + exp(-m)), m = y z, in the usual log-sum-exp shift: it neither overflows nor loses the tail.
inline double logistic_loss(double m) {
  return std::log1p(std::exp(-std::fabs(m))) + std::max(-m, 0.0);
}

// The probability of the label 1, whose log-odds are the margin: 1 / (1 + exp(-margin)), without overflow.
inline float sigmoid(float margin) {
  const float smaller = std::exp(-std::fabs(margin));
  return (margin < 0 ? smaller : 1) / (1 + smaller);
}

}  // namespace sounder
