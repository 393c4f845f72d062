#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "objectives/objective.h"

namespace sounder {

// The proximal step of threshold |x|: towards zero by so much, and not beyond it.
inline float soft_threshold(float x, float threshold) {
  return std::copysign(std::max(std::fabs(x) - threshold, 0.0F), x);
}

// L1 and L2 as a proximal step on the support of a sample alone: a coordinate of degree d meets one sample in n / d, so
// there the regulariser counts n / d times (Mania et al., Perturbed iterate analysis, 2015, section 4; Pedregosa,
// Leblond, Lacoste-Julien, Breaking the nonsmooth barrier, 2017, section 2). With no L1, a step of size eta on (l2 / 2)
// w^2.
class Regulariser {
 public:
  explicit Regulariser(const Step& step)
      : l1_(static_cast<float>(step.l1)),
        l2_(static_cast<float>(step.l2)),
        size_(step.size),
        bias_square_(step.bias_square) {}

  float bias_square() const { return bias_square_; }

  // The step for one coordinate, whatever weights it has.
  struct Shrinking {
    float threshold;
    float factor;
    float operator()(float moved) const { return soft_threshold(moved, threshold) * factor; }
  };
  Shrinking at(float reweight, float size) const {
    const float reach = size * reweight;
    return {reach * l1_, 1 / (1 + reach * l2_)};
  }

  // Of a step of the rule's own size, or of another.
  float operator()(float moved, float reweight) const { return at(reweight, size_)(moved); }
  float operator()(float moved, float reweight, float size) const { return at(reweight, size)(moved); }

  // Asynchronous changes add up and so miss an exact zero by a little. Whether the proximal step with the gradient of
  // the whole objective leaves the weight at zero.
  bool rests_at_zero(float weight, float gradient, float reweight) const {
    const float reach = size_ * reweight;
    return l1_ > 0 && std::fabs(weight - reach * gradient) <= reach * l1_;
  }

 private:
  float l1_;
  float l2_;
  float size_;
  float bias_square_;
};

// AdaGrad's step of one coordinate, or of all that share a sum: adds to the sum of squared gradients and returns
// size / its root. A square beyond float would make the step 0 for good; as it is, there is room for 65,536 of the
// most.
inline float adagrad_size(float& sum, float squared, float size) {
  constexpr float kMost = 0x1p112F;
  sum += std::min(squared, kMost);
  return sum > 0 ? size / std::sqrt(sum) : 0;
}

// For rules that step by moved(position, value) with one size for all coordinates: the step on a sample's support, and
// on the bias, which is not regularised.
template <class Row, class Moved>
void proximal_step(const Row& row, const LocalWeights& local, const Regulariser& prox, Moved&& moved) {
  for (std::size_t k = 0; k < row.size; ++k) {
    const std::size_t p = row.positions[k];
    local.weights[p] = prox(moved(p, row.values[k]), local.reweight[p]);
  }
  if (local.bias != nullptr)
    *local.bias += prox.bias_square() * (moved(local.bias_position(), 1.0F) - *local.bias);
}

// Sets to zero the weights in places 0 ... count - 1 that rest there, state[0] being the gradient. Cells with a bias
// hold nothing else.
inline void settle_zeros(const LocalWeights& local, std::size_t count, const Step& step) {
  const Regulariser prox(step);
  for (std::size_t p = local.bias == nullptr ? 0 : count; p < count; ++p) {
    if (prox.rests_at_zero(local.weights[p], local.state[0][p], local.reweight[p])) local.weights[p] = 0;
  }
}

}  // namespace sounder
