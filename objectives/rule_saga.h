#pragma once

#include <cstddef>

#include "objectives/objective.h"
#include "objectives/proximal.h"

namespace sounder {

// Sparse SAGA: ASAGA (Leblond, Pedregosa, Lacoste-Julien, 2017), with the proximal step of ProxASAGA (Pedregosa,
// Leblond, Lacoste-Julien: Breaking the nonsmooth barrier, 2017, algorithm 2) for L1 and L2.
//
// Each sample remembers its last slope, which for a linear model is its last gradient; the mean of those gradients is
// kept for each coordinate. A step on sample i, on its support alone, D = n / degree, with s = l'(w.x_i):
//
//   w <- prox( w - eta (s - slope_i) x_i - eta D mean ),   mean += (s - slope_i) x_i / n,   slope_i = s
//
// All of them start at zero. Unlike the code of the paper, weights, mean and memory are written by one push.
struct SagaRule {
  static constexpr RuleTraits kTraits{
      .name = "saga",
      .help = "SAGA, sparse as ASAGA: to many digits, no gradient passes; smooth losses",
      .state = 1,
      .reweights = true,
      .memory = 1,
      .l1 = true,
      .smooth = true,
      .shares = true,
      .ends = true,
      .step = StepChoice::kSmoothness,
      .fade = Fade::kNone};

  template <class Loss>
  static constexpr bool suits() {
    return true;
  }

  template <class Loss>
  static void step(const Loss& loss, const Samples& samples, const LocalWeights& local, const Step& step) {
    const Regulariser prox(step);
    for_each_row(samples, [&](std::size_t i, const auto& row) {
      const float weight = samples.weight(i);
      if (weight == 0) return;
      const float slope = loss.slope(margin_of(row, local), samples.labels[i]);
      const float change = weight * (slope - samples.memory[i]);
      samples.memory[i] = slope;
      const auto share = static_cast<float>(change / step.rows);
      const auto moved = [&](std::size_t p, float value) {
        const float mean = local.state[0][p];
        local.state[0][p] += share * value;
        return local.weights[p] - step.size * (change * value + local.reweight[p] * mean);
      };
      proximal_step(row, local, prox, moved);
    });
  }

  // What is zero at the optimum becomes exactly zero: the mean is close to the gradient.
  static void turn(Turn turn, const LocalWeights& local, std::size_t count, const Step& step) {
    if (turn == Turn::kEnd) settle_zeros(local, count, step);
  }
};

}  // namespace sounder
