#pragma once

#include "engine/options.h"
#include "engine/source.h"
#include "objectives/objective.h"

namespace sounder {

// For the arena of a run: with as many threads as it should have, where the options leave that open.
Options with_worthwhile_threads(Options options, const Source& data, const Objective& objective);

// The same cores and priority, but so many threads.
Options with_threads(Options options, int threads);

}  // namespace sounder
