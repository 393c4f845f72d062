#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "objectives/objective.h"

namespace sounder {

// What the mean of all iterates asks for (Sampler::Average): since the last fold, the sum of the scales that the weights had
// after each sample, and the samples.
struct Elapsed {
  double scales = 0;
  double samples = 0;

  // After so many more, the first of which begins with the step's scale.
  Elapsed after(const Step& step, double more) const;
};

// One gradient task, as it travels through the graph: one block, or several, one after the other.
struct Task {
  std::span<const std::uint32_t> blocks;  // their numbers
  Step step;                              // of the first of them
  std::optional<Elapsed> elapsed = {};    // before the first of them, where iterates are averaged
  std::size_t slot = 0;                   // among the tasks of its round
  bool ends_round = true;                 // it is the last of its round
  std::size_t node = 0;                   // of the arena, whose workers run it, and
  std::uint64_t number = 0;               // in the order of sampling; both are the graph's
};

}  // namespace sounder
