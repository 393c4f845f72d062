#pragma once

#include <algorithm>
#include <concepts>

#include "objectives/objective.h"

namespace sounder {

// A loss that can solve its own proximal step: implicit_slope(z, y, reach) is the slope at z', where z' = z -
// reach slope(z') and reach = eta weight |x|^2 is how far a unit slope moves the margin.
template <class Loss>
concept HasImplicitSlope = requires(const Loss& loss, float margin, float label, float reach) {
  { loss.implicit_slope(margin, label, reach) } -> std::convertible_to<float>;
};

// A loss that lies below a parabola of known curvature, wherever that touches it.
template <class Loss>
concept HasCurvature = requires(const Loss& loss) {
  { loss.curvature() } -> std::convertible_to<double>;
};

// What a step of that reach takes for the slope: it makes no loss of its own sample larger, however far it reaches.
template <class Loss>
float safe_slope(const Loss& loss, float margin, float label, float reach) {
  if constexpr (requires { loss.safe_slope(margin, label, reach); }) {
    return loss.safe_slope(margin, label, reach);
  } else if constexpr (HasCurvature<Loss>) {
    const float part = 1 / std::max(1.0F, reach * static_cast<float>(loss.curvature()));
    return loss.slope(margin, label) * part;
  } else if constexpr (HasImplicitSlope<Loss>) {
    return loss.implicit_slope(margin, label, reach);
  } else {
    return static_cast<float>(loss.slope(margin, label));
  }
}

// Stochastic gradient descent on a linear model, w <- w / (1 + eta l2) - eta weight loss'(z) x, in the scaled
// form w = s v of Shalev-Shwartz, Singer, Srebro, Cotter (Pegasos, 2011, section 2.3) and Bottou's svmsgd:
// shrinking moves s alone, so a sample with no slope writes nothing, and the others write on their support
// only.
//
// The large steps that weak regularisation wants are safe, as none overshoots its own sample, whatever eta. Where the
// loss has a curvature, a margin moves at most to the lowest point of the parabola that touches the loss there and
// bounds it from above (majorisation); else, where the loss can tell it, the slope is taken after the move (implicit
// SGD: Kulis, Bartlett 2010; Karampatziakis, Langford, Online importance weight aware updates, 2011). Small steps are
// plain SGD's.
struct SgdRule {
  static constexpr RuleTraits kTraits{
      .name = "sgd",
      .help = "stochastic gradient descent, with steps that overshoot no sample",
      .scales = true};

  template <class Loss>
  static constexpr bool suits() {
    return true;
  }

  template <class Loss>
  static void step(const Loss& loss, const Samples& samples, const LocalWeights& local, const Step& step) {
    DecayingScale scale(samples, step);
    const float bias_square = local.bias == nullptr ? 0.0F : step.bias_square;
    for_each_row(samples, [&](std::size_t i, const auto& row) {
      const float bias = local.bias == nullptr ? 0.0F : *local.bias;
      const auto [dot, squared_norm] = measure(samples, i, row, local.weights);
      const float margin = static_cast<float>(scale.before(i)) * dot + bias;
      const float eta = step.size * samples.weight(i);
      const float slope = safe_slope(loss, margin, samples.labels[i], eta * (squared_norm + bias_square));
      const float factor = -eta / static_cast<float>(scale.after());
      if (eta * slope == 0) return;
      row.add_to(local.weights, factor * slope);
      if (local.bias != nullptr) *local.bias -= eta * bias_square * slope;
    });
  }
};

}  // namespace sounder
