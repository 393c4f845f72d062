#pragma once

#include <span>
#include <string>

#include "engine/tune.h"

namespace sounder {

// Where the best l2, or step, is the least or the largest of those tried, and clearly better than the next: values that go on from
// there. Mostly empty. `ranking` is Tuned::ranking.
std::string note_on_edges(std::span<const Tried> ranking);

}  // namespace sounder
