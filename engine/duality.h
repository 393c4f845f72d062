#pragma once

#include <cstddef>
#include <limits>
#include <span>

#include "engine/blocks.h"
#include "engine/layout.h"
#include "engine/turns.h"
#include "io/parallel.h"
#include "objectives/objective.h"

namespace sounder {

// RuleTraits::dual: how far an objective is from a lower bound of the minimum, the dual objective of the slopes that the
// rule keeps. Gaps are relative to the objective. The references must outlive it; no task may be in flight.
class Duality {
 public:
  // `one_by_one` goes through the blocks. `groups`: of them that are a batch of disjoint ones, whose rows are summed in the order
  // that they were drawn in, whatever the number of groups; else 1.
  Duality(const Objective& objective, const Layout& layout, Turns& turns, std::span<Block> blocks, double l2,
          std::size_t rows, ParallelFor one_by_one, std::size_t groups);

  // Of the best bound so far. It is looked up in `array`, all cells after a pass of `step`, which is where rounding and
  // lost adds show; a gap of `wanted` or less is worked out exactly.
  double gap(double value, std::span<const float> array, const Step& step, double wanted);

  // Of the present slopes, worked out afresh: a bound whatever happened to the array.
  double exact_gap(double value) const;

 private:
  double dual(std::span<const float> array, const Step& step) const;
  double exact_dual() const;
  double mean_conjugate() const;
  double conjugates_of(std::span<const Block> batch) const;

  const Objective& objective_;
  const Layout& layout_;
  Turns& turns_;
  std::span<Block> blocks_;
  double l2_;
  double rows_;
  ParallelFor one_by_one_;
  std::size_t groups_;
  double best_ = -std::numeric_limits<double>::infinity();
};

}  // namespace sounder
