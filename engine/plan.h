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
  std::size_t window = 1;  // blocks sampled ahead of the oldest unfinished one; tau = window x block_rows
  StepClock clock;
};

// Finds the missing parts on a sample of the rows (one in 64). Deterministic for a seed; costs less than one
// epoch.
Plan make_plan(const Dataset& data, const Layout& layout, const Objective& objective, const Options& options,
               int threads);

}  // namespace sounder
