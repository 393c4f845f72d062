#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "engine/blocks.h"
#include "engine/layout.h"
#include "engine/options.h"
#include "engine/sampler.h"
#include "engine/source.h"
#include "objectives/objective.h"

namespace sounder {

// The options' schedule, kAuto settled by the rule.
Schedule schedule_of(const Options& options, const Objective& objective);

// How kAnneal goes to zero. That takes the noise out of the last iterate, at the price of progress, which few epochs need
// more. Smooth losses have noise where there are many more samples than coordinates to fit them with; those with kinks have
// it everywhere, the less so the more l2 says.
Fading fading_of(const Objective& objective, const Source& data, double l2, double epochs);

// Some of the rows, on which steps are tried out and curvature is measured. Any number of threads may do so at once.
class Trial {
 public:
  static constexpr std::size_t kCurvatureRows = 512;

  // `start` is what training starts from, all of it. References to the last three of the others are kept.
  Trial(const Source& data, const Layout& layout, std::span<const float> start, const Objective& objective,
        const Options& options);

  std::size_t rows() const { return rows_; }
  std::size_t learned() const { return learned_; }  // of them, steps are tried on
  bool smooth() const { return objective_.smooth(); }
  double largest_curvature() const;  // of the loss, at any margin
  double loss_at_start() const { return mean_loss(start_, learned_ < rows_ ? learned_ : 0); }
  bool goes_on() const { return options_.start != nullptr; }  // from a model
  double crowd() const { return crowd_; }  // near 1 with many more samples than coordinates, else near 0
  double mean_squared_norm() const { return mean_squared_norm_; }  // of |x|^2; 1 if all are 0
  // Step::bias_square, small beside the rows'.
  float bias_square() const;
  // Of weight (|x|^2, + bias_square() with a bias), the curvature along a sample where the loss has curvature 1.
  struct Lengths {
    double mean = 1;
    double largest = 1;
  };
  Lengths lengths() const;
  // Of the values, the part in columns whose values are typically a hundredth of a typical one, or less; 0 where the sample has too few
  // a column to tell.
  double faint_share() const;
  StepChoice choice() const { return traits_of(options_.rule).step; }
  // The rule has steps of its own for each coordinate, and one for all of them by the scale of weights and losses alone.
  bool adapts() const { return choice() == StepChoice::kUnit || choice() == StepChoice::kReach; }
  // Of those to be tried, one in the middle.
  double first_step() const;
  // The step that moves a typical sample's margin by its own slope.
  double natural_step() const { return 1 / (curvature_ * mean_squared_norm_); }

  // Of the curvature, what there is where a model begins.
  double first_share() const { return first_share_; }

  // Objective of the sample after kPasses passes over it as the options' schedule has it, from the start and with
  // `step`. Where training goes on from a model, of one half after passes over the other: that model may have fitted both
  // as far as is good for rows that are not in the sample.
  double objective_after(double step) const;

  // Theorem::gradient_bound.
  double gradient_bound() const;

  // Largest eigenvalue of X'X / rows, times the loss's curvature: how fast a step moves all margins together.
  // Measured on so many rows, or all that there are.
  double top_curvature(std::size_t rows = kCurvatureRows) const;

 private:
  struct Weights {
    std::vector<float> cells;  // of the sample's support
    double scale = 1;
  };

  double mean_loss(const Weights& at, std::size_t first) const;
  Weights pass(double step) const;
  double largest_gradient(const Weights& at) const;

  const Layout& layout_;
  const Objective& objective_;
  const Options& options_;
  Fading fading_;
  double crowd_;
  Block sample_;
  Weights start_;
  std::size_t rows_;
  std::size_t learned_;  // of them, from the first on, to try steps on
  double mean_squared_norm_ = 1;
  double curvature_;  // of the loss, in the margin
  double first_share_;
};

}  // namespace sounder
