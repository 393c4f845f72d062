#pragma once

#include <cstddef>

#include "engine/blocks.h"
#include "engine/options.h"
#include "engine/sampler.h"
#include "objectives/objective.h"

namespace sounder {

// What a run settles before its first update: block size, staleness bound and step, each as the options say
// or, where they leave it open, from the data. DECISIONS.md has the measurements behind the constants.
struct Plan {
  std::size_t block_rows = 1;
  std::size_t task_blocks = 1;
  std::size_t round_tasks = 1;  // of a discipline with rounds
  std::size_t window = 1;       // tasks sampled ahead of the oldest unfinished one
  StepClock clock = {};

  std::size_t tau() const { return window * task_blocks * block_rows; }
};

// Finds the missing parts on a sample of the rows (one in 64). Deterministic for a seed; costs less than one
// epoch.
Plan make_plan(const Dataset& data, const Layout& layout, const Objective& objective, const Options& options,
               int threads);

}  // namespace sounder
