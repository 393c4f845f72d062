#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>

#include "objectives/objective.h"
#include "objectives/rule_sgd.h"

namespace sounder {

// A loss l with a known convex conjugate, conjugate(s, y) = sup over z of s z - l(z, y), infinite where s is
// the slope of no margin. It must solve its proximal step exactly: by implicit_slope() (rule_sgd.h) or, where
// that only comes near, by dual_slope(z, y, reach, now), which may start its search from `now`, the slope
// that the sample had.
template <class Loss>
concept HasDual = requires(const Loss& loss, float slope, float label) {
  { loss.conjugate(slope, label) } -> std::convertible_to<double>;
}
&&(HasImplicitSlope<Loss> || requires(const Loss& loss, float slope, float label) {
  { loss.dual_slope(slope, label, slope, slope) } -> std::convertible_to<float>;
});

// The s with s = l'(z - reach s).
template <HasDual Loss>
float dual_slope(const Loss& loss, float margin, float label, float reach, float now) {
  if constexpr (requires { loss.dual_slope(margin, label, reach, now); }) {
    return loss.dual_slope(margin, label, reach, now);
  } else {
    return loss.implicit_slope(margin, label, reach);
  }
}

// Stochastic dual coordinate ascent (Hsieh et al., 2008; Shalev-Shwartz, Zhang, JMLR 2013), asynchronous as
// in PASSCoDe (Hsieh, Yu, Dhillon, ICML 2015). Each sample keeps a slope s_i, weights c_i have the mean 1,
// and
//
//     D(s) = -(1/n) sum c_i l*(s_i) - (l2/2) |u|^2,    u = -1/(l2 n) sum c_i s_i x_i
//
// is a lower bound of the minimum. A sample sets its slope to what maximises D with the other slopes fixed:
//
//     q = c_i |x|^2 / (l2 n),    s' = l'(z - q s'),  z = w.x + q s_i,    w -= (s' - s_i) c_i x / (l2 n)
//
// There is no step to choose, and no fading.
//
// Proximal point (Shalev-Shwartz, Zhang, Accelerated proximal SDCA, 2014, without the momentum). An epoch
// minimises the objective + (kappa/2) |w - c|^2, which is better conditioned: l2 + kappa stands for l2 in q
// and w. The next one begins with c at the w that this one ended with. The slopes stay where they are, so (l2
// + kappa) w = l2 u + kappa c says how w moves with c, and what u is.
//
// Damping (CoCoA+: Ma et al., ICML 2015). Tasks that start from the same weights do not see each other's
// changes, and their sum may overshoot. So a task takes its own changes sigma times as they are, in q and in
// its local weights, and the engine brings one part in sigma of them into the shared ones (Step::damping).
//
// Shrinking (Hsieh et al., 2008, section 3.2), but never for good, and not at a bound of the slope alone: a sample that
// k >= 2 visits in a row have left as it was rests for k - 1 epochs, at most three. The duality gap is over all
// samples.
struct SdcaRule {
  static constexpr RuleTraits kTraits{
      .name = "sdca",
      .help = "dual coordinate ascent: no step to choose, a duality gap to stop at",
      .memory = 3,
      .anchors = 1,
      .dual = true,
      .begins = true,
      .step = StepChoice::kNone,
      .fade = Fade::kNone};

  template <class Loss>
  static constexpr bool suits() {
    return HasDual<Loss>;
  }

  // Returns the non-zeros of the samples at rest.
  template <HasDual Loss>
  static std::uint64_t step(const Loss& loss, const Samples& samples, const LocalWeights& local,
                            const Step& step) {
    const auto unit = static_cast<float>(step.damping / ((step.l2 + step.proximal) * step.rows));
    const auto epoch = static_cast<float>(std::floor(step.before / step.rows));
    std::uint64_t rested = 0;
    for_each_row(samples, [&](std::size_t i, const auto& row) {
      Kept kept(samples, i);
      if (epoch < kept.due) {
        rested += row.size;
        return;
      }
      const float factor = unit * samples.weight(i);
      const float reach = factor * samples.squared_norm(i);
      const float now = kept.slope;
      const float margin = row.dot(local.weights) + reach * now;
      kept.slope = dual_slope(loss, margin, samples.labels[i], reach, now);
      kept.set_rest(kept.slope == now, epoch);
      if (kept.slope != now) row.add_to(local.weights, -factor * (kept.slope - now));
    });
    return rested;
  }

  // Anchor: the centre c.
  static void turn(Turn turn, const LocalWeights& local, std::size_t count, const Step& step) {
    const double move = turn == Turn::kBegin  ? step.proximal / (step.l2 + step.proximal)
                        : turn == Turn::kDual ? step.proximal / step.l2
                                              : 0;
    for (std::size_t i = 0; i < count; ++i) {
      const double w = local.weights[i];
      local.weights[i] = static_cast<float>(w + move * (w - local.anchors[i]));
      if (turn == Turn::kBegin) local.anchors[i] = static_cast<float>(w);
    }
  }

 private:
  // What a sample keeps: its slope, the visits in a row that left it as it was, the epoch of its next visit.
  struct Kept {
    Kept(const Samples& samples, std::size_t i)
        : slope(samples.memory[i]),
          still(samples.memory[samples.memory_stride + i]),
          due(samples.memory[2 * samples.memory_stride + i]) {}

    void set_rest(bool unmoved, float epoch) {
      constexpr float kLongest = 4;
      still = unmoved ? std::min(still + 1, kLongest) : 0;
      due = epoch + std::max(still, 1.0F);
    }

    float& slope;
    float& still;
    float& due;
  };
};

}  // namespace sounder
