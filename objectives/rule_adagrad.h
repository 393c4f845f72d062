#pragma once

#include <cstddef>

#include "objectives/objective.h"
#include "objectives/proximal.h"

namespace sounder {

// AdaGrad (Duchi, Hazan, Singer: Adaptive subgradient methods, JMLR 2011, diagonal form), as Downpour SGD runs it (Dean
// et al., Large scale distributed deep networks, 2012, section 4.1): each coordinate has a step of its own, eta / sqrt
// of the sum of its squared gradients. L1 and L2 are a proximal step on the support, of the coordinate's own size. A
// sample of weight w adds what w samples would.
struct AdagradRule {
  static constexpr RuleTraits kTraits{
      .name = "adagrad",
      .help = "AdaGrad: a step of its own for each column; for columns that differ in scale",
      .state = 1,
      .reweights = true,
      .l1 = true,
      .step = StepChoice::kUnit,
      .fade = Fade::kLinear};

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
      const auto slope = static_cast<float>(loss.slope(margin_of(row, local), samples.labels[i]));
      const auto size_along = [&](std::size_t p, float gradient) {
        return adagrad_size(local.state[0][p], weight * gradient * gradient, step.size);
      };
      for (std::size_t k = 0; k < row.size; ++k) {
        const std::size_t p = row.positions[k];
        const float gradient = slope * row.values[k];
        const float size = size_along(p, gradient);
        local.weights[p] = prox(local.weights[p] - size * weight * gradient, local.reweight[p], size);
      }
      if (local.bias != nullptr) *local.bias -= size_along(local.bias_position(), slope) * weight * slope;
    });
  }
};

}  // namespace sounder
