#include "engine/block_supply.h"

#include <utility>

#include "engine/arena.h"
#include "engine/deal.h"
#include "engine/discipline.h"
#include "engine/gradient_task.h"

namespace sounder {

BlockSupply::BlockSupply(Source source, const Layout& layout, const Objective& objective,
                         const Options& options, const Plan& plan, Arena& arena)
    : layout_(layout), objective_(objective), plan_(plan), arena_(arena), file_(source.file()) {
  const std::size_t memory = objective.memory(options.rule);
  if (file_) {
    blocks_ = file_->make_blocks(memory);
  } else if (traits_of(discipline_of(options)).disjoint) {
    order_ = shuffled_rows(source.rows(), options.seed);
    maker_.emplace(std::move(source).data(), layout, memory, objective.shape().pairs);
    batches_.emplace(*maker_, order_, plan.block_rows, plan.round_tasks, blocks_);
  } else {
    blocks_ = std::move(source).blocks(layout, objective, options, plan.block_rows, plan.support, arena);
  }
}

Units BlockSupply::units() {
  return batches_ ? batches_->units() : units_of(blocks_, plan_);
}

void BlockSupply::look_ahead(std::span<const std::uint32_t> to_come) {
  if (file_) file_->read_ahead(to_come, unasked_);
}

void BlockSupply::prepare(const Task& task) {
  if (batches_) batches_->build(task.blocks[0]);
  for (std::size_t k = 0; file_ && k < task.blocks.size(); ++k) file_->require(task.blocks[k]);
}

void BlockSupply::let_go(const Task& task) {
  for (std::size_t k = 0; file_ && k < task.blocks.size(); ++k) file_->let_go(used_);
}

void BlockSupply::complete() {
  if (batches_) batches_->build_rest(arena_);
}

ParallelFor BlockSupply::in_turn(ParallelFor parallel) const {
  if (!file_) return parallel;
  return [this, parallel = std::move(parallel)](std::size_t, const auto& body) {
    file_->for_each(parallel, body);
  };
}

Evaluation BlockSupply::evaluate(const Parameters& parameters) const {
  const ParallelFor parallel = parallel_on(arena_);
  if (batches_)
    return evaluate_batches(objective_, layout_, parameters, blocks_, plan_.round_tasks, parallel);
  return evaluate_blocks(objective_, layout_, parameters, blocks_, in_turn(parallel));
}

}  // namespace sounder
