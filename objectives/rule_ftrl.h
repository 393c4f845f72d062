#pragma once

#include <cmath>
#include <cstddef>
#include <vector>

#include "objectives/objective.h"
#include "objectives/proximal.h"

namespace sounder {

// FTRL-Proximal (McMahan, Holt, Sculley et al.: Ad click prediction, a view from the trenches, KDD 2013, algorithm 1)
// with L1 and L2 counted once a sample, so that several passes minimise the same objective as every other rule
// (McMahan, Follow-the-regularized-leader and mirror descent, AISTATS 2011, section 2). With alpha the step's size,
// after t samples:
//
//   w = -soft(z, t l1) / ((1 + sqrt(n)) / alpha + t l2)
//   n += g^2,   z += g - (sqrt(n) - sqrt(n - g^2)) / alpha w
//
// z and n are what is kept and pushed; the weights follow from them, and are written at the end of an epoch only.
struct FtrlRule {
  static constexpr RuleTraits kTraits{
      .name = "ftrl",
      .help = "FTRL-proximal: with --l1, models with few columns, in few passes",
      .state = 2,
      .l1 = true,
      .derives = true,
      .ends = true,
      .step = StepChoice::kReach,
      .fade = Fade::kNone};

  template <class Loss>
  static constexpr bool suits() {
    return true;
  }

  template <class Loss>
  static void step(const Loss& loss, const Samples& samples, const LocalWeights& local, const Step& step) {
    std::vector<float> weights;
    double time = step.before;
    for_each_row(samples, [&](std::size_t i, const auto& row) {
      const float sample_weight = samples.weight(i);
      time += samples.gap(i);
      const Leader leader(local, step, time++);
      if (sample_weight == 0) return;
      weights.resize(row.size);
      float margin = 0;
      for (std::size_t k = 0; k < row.size; ++k) {
        weights[k] = leader.weight(row.positions[k]);
        margin += weights[k] * row.values[k];
      }
      const float bias = local.bias == nullptr ? 0 : leader.bias(local.bias_position());
      const float slope = sample_weight * static_cast<float>(loss.slope(margin + bias, samples.labels[i]));
      for (std::size_t k = 0; k < row.size; ++k)
        leader.follow(row.positions[k], weights[k], slope * row.values[k]);
      if (local.bias != nullptr) leader.follow(local.bias_position(), bias, slope);
    });
  }

  static void turn(Turn turn, const LocalWeights& local, std::size_t count, const Step& step) {
    if (turn == Turn::kBegin) return;
    // A bias follows from z and n as a weight without a regulariser does.
    const Leader leader(local, step, local.bias == nullptr ? step.before : 0);
    for (std::size_t p = 0; p < count; ++p) {
      if (turn == Turn::kEnd) local.weights[p] = leader.weight(p);
      if (turn == Turn::kLead) leader.lead_to(p, local.weights[p]);
    }
  }

 private:
  // The formulas above, after so many samples.
  class Leader {
   public:
    Leader(const LocalWeights& local, const Step& step, double time)
        : z_(local.state[0]),
          n_(local.state[1]),
          alpha_(step.size),
          l1_(static_cast<float>(time * step.l1)),
          l2_(static_cast<float>(time * step.l2)) {}

    float weight(std::size_t p) const {
      return -soft_threshold(z_[p], l1_) / ((1 + std::sqrt(n_[p])) / alpha_ + l2_);
    }
    float bias(std::size_t p) const { return -z_[p] * alpha_ / (1 + std::sqrt(n_[p])); }

    void follow(std::size_t p, float weight, float gradient) const {
      const float before = std::sqrt(n_[p]);
      n_[p] += gradient * gradient;
      z_[p] += gradient - (std::sqrt(n_[p]) - before) / alpha_ * weight;
    }

    // Where z is for that weight; a weight of 0 has many, and keeps its own.
    void lead_to(std::size_t p, float weight) const {
      if (weight == 0) return;
      z_[p] = -weight * ((1 + std::sqrt(n_[p])) / alpha_ + l2_) - std::copysign(l1_, weight);
    }

   private:
    float* z_;
    float* n_;
    float alpha_;
    float l1_;
    float l2_;
  };
};

}  // namespace sounder
