#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/blocks.h"
#include "engine/conflicts.h"
#include "engine/layout.h"
#include "io/dataset.h"
#include "objectives/objective.h"

namespace sounder {

class Arena;

// The gradient of one sample's loss, weight and all but without l1, l2 and what all samples share: `floats` for each cell of
// the support, zeros where the cell holds no weights.
struct SampleGradient {
  std::vector<Cell> support;
  std::vector<float> values;
};

double dot(const SampleGradient& a, const SampleGradient& b);
double squared_norm(const SampleGradient& gradient);

// Gradients where training starts, by plain small steps of the rule kSgd, which the objective must suit. Any
// number of threads may ask at once. Layout, weights and objective must outlive it.
class SampleGradients {
 public:
  // `step`: so small that a step does not change the gradient noticeably.
  SampleGradients(const Dataset& data, const Layout& layout, std::span<const float> weights,
                  const Objective& objective, double step);

  SampleGradient of(std::uint32_t row) const;

 private:
  BlockMaker maker_;
  const Layout& layout_;
  std::span<const float> weights_;
  const Objective& objective_;
  double step_;
};

// E |<g_i, g_j>| / E |g|^2 of two different samples i and j: of Dbar / n, what is left when conflicts count
// by how much the two gradients have to do with each other (1 when all are the same, at most about Dbar / n
// when all are equally long). On the first draws of the conflicts, and on random samples.
Estimate weighted_conflict_chance(const SampleGradients& gradients, const ConflictDraws& conflicts,
                                  std::size_t rows, std::uint64_t seed, Arena& arena);

}  // namespace sounder
