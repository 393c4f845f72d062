#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "engine/batches.h"
#include "engine/block_file.h"
#include "engine/blocks.h"
#include "engine/layout.h"
#include "engine/options.h"
#include "engine/parameters.h"
#include "engine/plan.h"
#include "engine/sampler.h"
#include "engine/source.h"
#include "engine/task.h"
#include "io/parallel.h"
#include "objectives/objective.h"

namespace sounder {

// The blocks of a run, wherever they come from: all made of a data set before the first update; the batches of a discipline
// whose blocks are disjoint, made as they are drawn; or those of a file, which is read as they are needed.
//
// prepare() is for the workers, for each task one of them; look_ahead() and let_go() for whoever draws tasks and whoever is told
// that they are done, one call at a time each; all else with no task in flight. The references must outlive it.
class BlockSupply {
 public:
  BlockSupply(Source source, const Layout& layout, const Objective& objective, const Options& options,
              const Plan& plan, Arena& arena);
  BlockSupply(const BlockSupply&) = delete;
  BlockSupply& operator=(const BlockSupply&) = delete;

  std::span<Block> blocks() { return blocks_; }
  Units units();  // what a sampler draws
  // Blocks, one behind the other, that are a batch of disjoint ones; 1 if they are no batches.
  std::size_t groups() const { return batches_ ? plan_.round_tasks : 1; }

  void begin_epoch() { unasked_ = blocks_.size(); }
  // Of the tasks that are still to be drawn in the epoch, the blocks, in order.
  void look_ahead(std::span<const std::uint32_t> to_come);
  // Before a task is run. Throws InputError when a block of a file is corrupt.
  void prepare(const Task& task);
  // Behind it.
  void let_go(const Task& task);
  // Makes what nobody has drawn yet.
  void complete();

  // How to go through all blocks, and what they sum up to.
  ParallelFor in_turn(ParallelFor parallel) const;
  Evaluation evaluate(const Parameters& parameters) const;

 private:
  const Layout& layout_;
  const Objective& objective_;
  const Plan& plan_;
  Arena& arena_;
  std::shared_ptr<const BlockFile> file_;  // that the blocks lie in; null if they are made
  std::size_t unasked_ = 0;                // BlockFile::read_ahead() in this epoch,
  std::size_t used_ = 0;                   // and BlockFile::let_go()
  std::vector<Block> blocks_;
  std::vector<std::uint32_t> order_;  // of the rows, where they come in batches,
  std::optional<BlockMaker> maker_;   // and what makes
  std::optional<Batches> batches_;    // these
};

}  // namespace sounder
