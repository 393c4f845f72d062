#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "engine/blocks.h"
#include "engine/graph.h"
#include "engine/options.h"
#include "io/random.h"

namespace sounder {

// eta as a function of the samples processed. A small value; all its numbers are in force for a whole run.
struct StepClock {
  Schedule schedule = Schedule::kAnneal;
  double step = 1;                                       // eta0
  double cap = std::numeric_limits<double>::infinity();  // no eta is larger
  double decay = 1;                                      // kGeometric
  double l2 = 0;                                         // kAnneal, kInverse
  double rows = 1;                                       // n, samples an epoch
  double epochs = 1;

  double at(double samples) const;
  double shape(double samples) const;  // of the schedule: eta / eta0
};

// Which block next, with which step: a fresh permutation of the blocks each epoch, and the clock of samples
// *dispatched*, by which a task's step and the scale of the weights are told. Samples are so numbered when
// they are drawn, as the analysis of asynchronous SGD wants it (Mania et al., 2015), and the
// scale is a function of that number alone: it needs no shared write. Serial; no threads.
class Sampler {
 public:
  Sampler(std::span<const Block> blocks, StepClock clock, double l2, Rule rule, std::uint64_t seed);

  void begin_epoch(int epoch);
  bool epoch_done() const { return next_ == order_.size(); }

  // The next task; false at the end of the epoch, or when the scale has become so small that it must be
  // folded into the weights first.
  bool next(Task& task);

  // The weights of the model are scale() times those in the array. fold() is told that they have been
  // multiplied.
  double scale() const;
  void fold() { log_scale_ = 0; }

  double step_of_epoch(int epoch) const { return clock_.at((epoch - 1) * clock_.rows); }
  double initial_step() const { return std::min(clock_.step, clock_.cap); }

  // All steps to come times `factor`.
  void scale_steps(double factor) {
    clock_.step *= factor;
    clock_.cap *= factor;
  }

 private:
  std::span<const Block> blocks_;
  StepClock clock_;
  double l2_;
  Rule rule_;
  Random random_;
  std::vector<std::uint32_t> order_;
  std::size_t next_ = 0;
  double samples_ = 0;
  double log_scale_ = 0;
};

}  // namespace sounder
