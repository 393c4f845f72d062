#pragma once

#include <cstddef>

#include "objectives/objective.h"
#include "objectives/proximal.h"

namespace sounder {

// Sparse SVRG: KroMagnon (Mania, Pan, Papailiopoulos, Recht, Ramchandran, Jordan: Perturbed iterate analysis for
// asynchronous stochastic optimization, 2015, section 4), with a proximal step for L1 and L2.
//
// At a snapshot y: slope_i = l'(y.x_i), kept for each sample, and z = mean of slope_i x_i, kept for each coordinate. A
// step on sample i, on its support alone, D = n / degree:
//
//   w <- prox( w - eta (l'(w.x_i) - slope_i) x_i - eta D z )
//
// whose mean is a full gradient step and whose noise vanishes at the optimum, so eta stays where it is. Snapshots are
// taken before every second pass of updates, as in section 5 of the paper. L2 is in the prox, reweighted by D as z is:
// the decaying scale of rule_sgd.h would leave the two to cancel on average only.
struct SvrgRule {
  static constexpr RuleTraits kTraits{.name = "svrg",
                                      .help = "SVRG, sparse as KroMagnon: to many digits; smooth losses",
                                      .state = 1,
                                      .reweights = true,
                                      .memory = 1,
                                      .l1 = true,
                                      .smooth = true,
                                      .snapshots = true,
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
    if (step.pass == Pass::kSnapshot) return take_snapshot(loss, samples, local, step);
    const Regulariser prox(step);
    for_each_row(samples, [&](std::size_t i, const auto& row) {
      const float weight = samples.weight(i);
      if (weight == 0) return;
      const float change = loss.slope(margin_of(row, local), samples.labels[i]) - samples.memory[i];
      const float factor = step.size * weight * change;
      const auto moved = [&](std::size_t p, float value) {
        return local.weights[p] - factor * value - step.size * local.reweight[p] * local.state[0][p];
      };
      proximal_step(row, local, prox, moved);
    });
  }

  // What is zero at the optimum becomes exactly zero: z is the gradient at these weights after a snapshot.
  static void turn(Turn turn, const LocalWeights& local, std::size_t count, const Step& step) {
    if (turn == Turn::kEnd && step.pass == Pass::kSnapshot) settle_zeros(local, count, step);
  }

 private:
  template <class Loss>
  static void take_snapshot(const Loss& loss, const Samples& samples, const LocalWeights& local,
                            const Step& step) {
    for_each_row(samples, [&](std::size_t i, const auto& row) {
      samples.memory[i] = loss.slope(margin_of(row, local), samples.labels[i]);
      const auto share = static_cast<float>(double{samples.weight(i)} * samples.memory[i] / step.rows);
      row.add_to(local.state[0], share);
      if (local.bias != nullptr) local.state[0][local.bias_position()] += share;
    });
  }
};

}  // namespace sounder
