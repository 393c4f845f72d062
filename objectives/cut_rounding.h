#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "objectives/cut_problem.h"

namespace sounder {

// Labels for a problem from the weights that graph_cut was trained to, `width` a node. Of two labels, the best of all
// cuts { v : w_v > t }, in O(nodes log(nodes) + edges): its energy is no larger than that of the relaxed labels,
// which are a mixture of these cuts. Of more, the largest weight. A node whose costs outweigh its edges has the label
// that they ask for.
std::vector<std::uint32_t> round_cut(const CutProblem& problem, std::span<const float> weights);

}  // namespace sounder
