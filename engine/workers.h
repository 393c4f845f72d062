#pragma once

#include "engine/block_rows.h"
#include "engine/overshoot.h"

namespace sounder {

// How many of the threads reach an optimum soonest, where the options leave that open. Of data whose rows share a direction, what
// many workers may change at the same time can be so little (engine/overshoot.h) that they get less far in the planned epochs than
// fewer, who may begin with larger steps: then a half of them, a quarter and so on, the first that gets there, or two, who may take
// as large steps as they want. All of them otherwise. `all`: of all threads.
int worthwhile_workers(const Overshoot& all, const Setting& is, double first_step);

}  // namespace sounder
