#pragma once

#include <cstdint>
#include <span>
#include <stop_token>
#include <utility>

#include "engine/blocks.h"
#include "engine/discipline.h"
#include "engine/graph.h"
#include "engine/layout.h"
#include "engine/parameters.h"
#include "objectives/objective.h"

namespace sounder {

// The one place where samples meet the shared parameters: Algorithm 1 of HOGWILD! (Niu, Recht, Re, Wright
// 2011, section 3) with a block for an edge. Holds references only; each call keeps its local copy to itself,
// so any number of calls may run at once.
class GradientTask {
 public:
  GradientTask(const Objective& objective, const Layout& layout, std::span<Block> blocks, Writer& writer,
               std::stop_token stop = {})
      : objective_(objective), layout_(layout), blocks_(blocks), writer_(writer), stop_(std::move(stop)) {}

  // Pull, step, push, for each block of the task until a stop is requested.
  void run(const Task& task) const;

 private:
  void run_block(Block& block, const Task& task, const Step& step, LocalCopy& copy) const;

  const Objective& objective_;
  const Layout& layout_;
  std::span<Block> blocks_;
  Writer& writer_;
  std::stop_token stop_;
};

// Pulls, and evaluates the block's samples.
Evaluation evaluate_block(const Objective& objective, const Layout& layout, const Parameters& parameters,
                          const Block& block);

}  // namespace sounder
