#pragma once

#include <memory>
#include <span>
#include <vector>

#include "engine/blocks.h"
#include "engine/parameters.h"
#include "engine/sampler.h"
#include "engine/turns.h"

namespace sounder {

// What a run goes back to when it explodes: the array, and what the rule keeps for each weight and sample. Taken and restored
// with no task in flight.
class Checkpoint {
 public:
  // Once for an epoch: in the memory of the one before, unless somebody else holds its array.
  void take(const Parameters& parameters, const Sampler& sampler, const Turns& turns,
            std::span<const Block> blocks);

  // Of the run that it was taken from.
  void restore(Parameters& parameters, Sampler& sampler, Turns& turns, std::span<Block> blocks) const;

  // Of the last one. It does not change while it is held.
  std::shared_ptr<const std::vector<float>> array() const { return array_; }

 private:
  std::shared_ptr<std::vector<float>> array_;
  std::vector<float> anchors_;
  std::vector<float> memory_;  // of block after block; empty: all zero, and blocks may be built later
  double averaged_ = 0;        // samples in the mean of all iterates
};

}  // namespace sounder
