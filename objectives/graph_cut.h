#pragma once

#include <memory>

#include "objectives/cut_problem.h"
#include "objectives/objective.h"

namespace sounder {

// Cuts by asynchronous dual coordinate ascent on the flows of edges; see CutProblem for the problem. As h |d| is the
// largest y d over y in [-h, h], every flow y_e, a vector of `width` numbers in that box, has
//
//     r_v = b_v + sum of y over edges (v, u) - sum of y over edges (u, v)
//     D(y) = constant + sum over v of min over X of r_v . x   <=  min energy,   equal for some y if labels are relaxed
//
// A proximal point method (see rule_sdca.h): an epoch ascends the dual of
//
//     energy(x) + sum over v of (kappa / 2) |x_v - c_v|^2
//
// at
//
//     w_v = c_v - r_v / kappa,    x_v = the point of X nearest to w_v
//
// and the next one begins with c at this one's x, and with a smaller kappa. w is the shared array, c its anchor, y
// the memory of a sample. An edge moves its flow no further than until x_u and x_v meet:
//
//     y' = clamp(y + (x_u - x_v) kappa / 2, -h, h),    w_u -= (y' - y) / kappa,    w_v += (y' - y) / kappa
//
// A block is swept four times in a visit; with one, distant terminals set up waves that do not die out.
//
// The label of a node is the corner of X nearest to its w, and the objective is the energy of these labels, over the
// number of edges: so the duality gap is that of the labels, not of the relaxation.
//
// The model cannot be used without the problem, so this objective is not in the catalogue.
std::unique_ptr<Objective> make_graph_cut(const CutProblem& problem);

// The label nearest to each node's weights, as the objective has it.
std::uint32_t label_of(std::span<const float> weights);

// The point of X nearest to z, into x, which may be z. Simplex: Michelot, A finite algorithm for finding the
// projection of a point onto the canonical simplex, 1986.
void nearest_label(std::span<const float> z, std::span<float> x);

}  // namespace sounder
