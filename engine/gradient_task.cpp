#include "engine/gradient_task.h"

#include <algorithm>
#include <memory>

namespace sounder {

void GradientTask::run(const Task& task) const {
  const Block& block = *task.block;
  const std::size_t size = block.support.size() * layout_.cell_floats();
  const auto memory = std::make_unique_for_overwrite<float[]>(2 * size);
  float* const before = memory.get();
  float* const local = before + size;

  parameters_.pull(block.support, before);
  std::copy_n(before, size, local);
  objective_.step(block.samples(), {.weights = local, .bias = layout_.bias() ? local : nullptr}, task.step);
  parameters_.push(block.support, before, local, discipline_);
}

Evaluation GradientTask::evaluate(const Block& block, float scale) const {
  const auto local = std::make_unique_for_overwrite<float[]>(block.support.size() * layout_.cell_floats());
  parameters_.pull(block.support, local.get());
  return objective_.evaluate(
      block.samples(),
      {.weights = local.get(), .bias = layout_.bias() ? local.get() : nullptr, .scale = scale});
}

}  // namespace sounder
