#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <vector>

#include "engine/options.h"
#include "engine/task.h"
#include "io/random.h"

namespace sounder {

// Of Schedule::kAnneal.
struct Fading {
  double power = 1;  // p, of 1 - u
  double fall = 0;   // c, how far a step falls at least before that takes over
};

// eta as a function of the samples processed. A small value; all its numbers are in force for a whole run.
struct StepClock {
  Schedule schedule = Schedule::kAnneal;
  double step = 1;                                               // eta0
  double cap = std::numeric_limits<double>::infinity();          // no eta is larger
  double highest_cap = std::numeric_limits<double>::infinity();  // that epochs may raise it to
  double decay = 1;                                              // kGeometric, kBackoff
  Fading fading = {};                                            // kAnneal
  double l2 = 0;                                                 // kAnneal, kInverse
  double rows = 1;                                               // n, samples an epoch
  double epochs = 1;

  double at(double samples) const;
  double shape(double samples) const;  // of the schedule: eta / eta0
};

// How blocks become tasks and rounds. What is drawn at random are units; mostly a unit is a block.
struct Units {
  std::vector<std::uint32_t> rows = {};  // of each unit
  // Where each NUMA node's units end, which come one node after the other; empty: there is one node. Only where a
  // round is one task.
  std::vector<std::size_t> ends = {};

  // Either a task is up to so many units of one block, no more than that part of what is left of the epoch (0: any),
  // and a round so many tasks;
  std::size_t task_units = 1;
  std::size_t task_part = 0;
  std::size_t round_tasks = 1;

  // or, with a `begin`, a unit is a round of so many blocks in a row, each a task, with one step for all, and
  // `begin` is told of the unit before the first of them is handed out.
  std::size_t unit_blocks = 1;
  std::function<void(std::size_t unit)> begin = nullptr;
};

// What the sampler puts into every step.
struct Problem {
  Rule rule = Rule::kSgd;
  // L2 may be left to the scale of the weights, with a rule that does so; not with Shape::terms.
  bool scales = true;
  double l1 = 0;
  double l2 = 0;
  double others = 0;
  double proximal = 0;
  double damping = 1;
  float bias_square = 1;
};

// Which task next, with which step: a fresh permutation of the units each epoch, and the clock of samples
// *dispatched*, by which a task's step and the scale of the weights are told. Samples are so numbered when
// they are drawn, as the analysis of asynchronous SGD wants it (Mania et al., 2015), and the
// scale is a function of that number alone: it needs no shared write. Serial; no threads.
class Sampler {
 public:
  Sampler(Units units, StepClock clock, Problem problem, std::uint64_t seed);

  // That epoch and, if more are wanted, those after it, without an end in between: what is said of an epoch below is true
  // of all of them together.
  void begin_epoch(int epoch, Pass pass = Pass::kUpdate, int epochs = 1);
  bool epoch_done() const {
    return std::ranges::all_of(queues_, [](const Queue& queue) { return queue.next == queue.end; });
  }

  // What of the first node's epoch has not been handed out yet, in order.
  std::span<const std::uint32_t> to_come() const {
    return std::span(drawn_).subspan(queues_.front().next, queues_.front().end - queues_.front().next);
  }

  // The next task of Task::node; false at the end of its epoch, or when the scale has become so small that it must be
  // folded into the weights first. Its blocks stay valid for the epoch.
  bool next(Task& task);

  // The scale has become so small.
  bool must_fold() const;

  // The weights of the model are scale() times those in the array. fold() is told that they have been
  // multiplied.
  double scale() const;
  void fold();

  // The mean of all iterates since start_average(). Between two folds, the sum over samples t of s_t v_t is, with S the
  // sum of the scales s_t before, S v - sum over changes of S(when) change. So a plane of the array keeps the sum: every
  // task takes S times what it changes from it, a fold adds S v and begins again. A bias is not scaled.
  struct Average {
    Elapsed since = {};  // the last fold
    double all = 0;      // samples in the sum, without those
  };
  void start_average() { average_ = Average{}; }
  const std::optional<Average>& average() const { return average_; }
  void set_averaged(double samples) { average_->all = samples; }

  double step_of_epoch(int epoch) const { return clock_.at((epoch - 1) * clock_.rows); }
  double initial_step() const { return std::min(clock_.step, clock_.cap); }
  Step step() const { return step_for(0); }  // as the next task would have it

  // Of all steps to come.
  double cap() const { return clock_.cap; }
  void set_cap(double cap) { clock_.cap = std::min(cap, clock_.highest_cap); }

  // All steps to come times `factor`; where there are none, damping makes up for it.
  void scale_steps(double factor) {
    clock_.step *= factor;
    clock_.cap *= factor;
    clock_.highest_cap *= factor;
    if (traits_of(problem_.rule).step == StepChoice::kNone) problem_.damping /= factor;
  }

 private:
  struct Queue {
    std::size_t next;
    std::size_t end;
  };

  bool by_unit() const { return units_.begin != nullptr; }
  void take_unit(Task& task, Queue& queue);
  void take_blocks(Task& task, Queue& queue);
  void fill_queues();
  Step step_for(double rows) const;
  double scale_range() const;
  void advance(double rows, const Step& step);

  Units units_;
  StepClock clock_;
  Problem problem_;
  Random random_;
  Pass pass_ = Pass::kUpdate;
  std::vector<std::uint32_t> order_;   // of the units
  std::vector<std::uint32_t> drawn_;   // the orders of the epochs that have begun, one behind the other
  std::vector<std::uint32_t> blocks_;  // by_unit(): 0, 1, 2, ...
  std::vector<Queue> queues_;          // in drawn_, one a node
  std::size_t slot_ = 0;               // in the round
  double samples_ = 0;
  double log_scale_ = 0;
  std::optional<Average> average_;
};

}  // namespace sounder
