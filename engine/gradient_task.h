#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <vector>

#include "engine/blocks.h"
#include "engine/discipline.h"
#include "engine/layout.h"
#include "engine/options.h"
#include "engine/parameters.h"
#include "engine/task.h"
#include "io/parallel.h"
#include "objectives/objective.h"

namespace sounder {

class Sampler;

// The one place where samples meet the shared parameters: Algorithm 1 of HOGWILD! (Niu, Recht, Re, Wright
// 2011, section 3) with a block for an edge. Holds references only, and a local copy for each thread, so any
// number of calls may run at once.
class GradientTask {
 public:
  GradientTask(const Objective& objective, const Layout& layout, std::span<Block> blocks, Writer& writer,
               Strides strides = {}, std::stop_token stop = {});
  ~GradientTask();
  GradientTask(const GradientTask&) = delete;
  GradientTask& operator=(const GradientTask&) = delete;

  // Pull, step, push, for each block of the task until a stop is requested.
  void run(const Task& task) const;

  // Alone, no run() going on: the non-zeros gone through so far.
  std::uint64_t nonzeros() const;

 private:
  struct Scratch;

  struct Local;

  // What a block is run with.
  struct Visitor {
    const Step& step;
    std::size_t slot;
    const std::optional<Elapsed>& elapsed;
  };

  void run_block(Block& block, const Visitor& visitor, Local& local) const;
  std::uint64_t run_averaged(Block& block, Step step, Elapsed elapsed, Local& local) const;
  std::uint64_t run_samples(Block& block, Visit& visit, Step step, LocalCopy& copy) const;

  const Objective& objective_;
  const Layout& layout_;
  std::span<Block> blocks_;
  Writer& writer_;
  Strides strides_;
  std::stop_token stop_;
  std::unique_ptr<Scratch> scratch_;  // a Local for each thread
};

// Pulls, and evaluates the block's samples; the same for all blocks.
Evaluation evaluate_block(const Objective& objective, const Layout& layout, const Parameters& parameters,
                          const Block& block);
Evaluation evaluate_blocks(const Objective& objective, const Layout& layout, const Parameters& parameters,
                           std::span<const Block> blocks, const ParallelFor& parallel);
// The same of batches (engine/batches.h) of so many groups, a block each: row after row as they were drawn, so that the sum has
// the same bits however the rows are dealt out to groups.
Evaluation evaluate_batches(const Objective& objective, const Layout& layout, const Parameters& parameters,
                            std::span<const Block> blocks, std::size_t groups, const ParallelFor& parallel);

// mean loss + l1 |w|_1 + (l2 / 2) |w|^2, or with the objective's terms for the last, `array` being all cells.
double objective_of(const Evaluation& sums, const Objective& objective, const Layout& layout,
                    std::span<const float> array, const Options& options);

// Alone: multiplies the weights by their scale, which becomes 1.
void fold_scale(Sampler& sampler, const Layout& layout, Parameters& parameters);

// All cells, folded, with the mean of so many iterates (Sampler::Average) in place of the weights.
std::vector<float> averaged(std::span<const float> array, const Layout& layout, double samples);

// RuleTraits::dual: adds what the block's samples imply (Objective::imply) to `sum`, which is laid out as the parameters.
void add_implied(const Objective& objective, const Layout& layout, Block& block, std::span<double> sum);

}  // namespace sounder
