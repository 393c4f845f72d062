#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "engine/blocks.h"
#include "engine/choice.h"
#include "engine/discipline.h"
#include "engine/layout.h"
#include "engine/options.h"
#include "engine/parameters.h"
#include "engine/report.h"
#include "engine/sampler.h"
#include "engine/source.h"
#include "objectives/objective.h"

namespace sounder {

class Trial;

// What a run settles before its first update: block size, staleness bound and step, each as the options say
// or, where they leave it open, from the data. DECISIONS.md has the measurements behind the constants.
struct Plan {
  std::size_t block_rows = 1;
  std::size_t task_blocks = 1;
  std::size_t task_part = 0;    // Units::task_part
  std::size_t round_tasks = 1;  // of a discipline with rounds
  std::string note = {};        // for the report
  std::size_t window = 1;       // tasks sampled ahead of the oldest unfinished one
  Strides strides = {};
  Support support = Support::kTouched;  // of blocks that are made
  int workers = 0;                      // the threads that train, if not all
  int simulated = 0;                    // workers
  bool alone = false;                   // one worker trains, and nobody else looks at the weights
  StepClock clock = {};
  bool cap_grows = false;  // StepLimit
  bool settles = false;    // Course
  std::optional<Theorem> theorem = {};
  double others = 0;    // RuleTraits::shares, and
  double proximal = 0;  // RuleTraits::dual: as Step has them
  double damping = 1;
  float bias_square = 1;
  Choices why = {};

  std::size_t tau() const {
    return simulated > 0 ? static_cast<std::size_t>(simulated - 1) * block_rows
                         : window * task_blocks * block_rows;
  }
};

// What options and plan say in the terms of others.
Problem problem_of(const Options& options, const Objective& objective, const Plan& plan);
std::unique_ptr<Writer> writer_of(const Options& options, const Plan& plan, const Layout& layout,
                                  Parameters& parameters);
// Where a unit is a block; these in order of Block::node.
Units units_of(std::span<const Block> blocks, const Plan& plan);

// Settles what the options leave open, on a sample of the rows: one in 64, but at least 128 of them or a quarter of all,
// whichever is less; 512 or all where no steps are tried out. `start` is what training starts from. The same for the same
// seed. Costs less than one epoch, or than a tenth of all if these are many.
Plan make_plan(const Source& data, const Layout& layout, std::span<const float> start,
               const Objective& objective, const Options& options, int threads);

// Returns the plan. Throws InputError if its window is smaller than that: each NUMA node needs tasks of its own in flight,
// for which a small tau leaves no room.
const Plan& checked(const Plan& plan, std::size_t least_window);

// Of options with an l2 and an accuracy, for a linear model: Schedule::kTheorem's.
Theorem theorem_of(const Trial& trial, const Options& options);

}  // namespace sounder
