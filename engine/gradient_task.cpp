#include "engine/gradient_task.h"

#include <cmath>
#include <memory>

namespace sounder {
namespace {

// Ends a visit, also when the step throws.
class Leaving {
 public:
  Leaving(Writer& writer, Visit& visit) : writer_(writer), visit_(visit) {}
  ~Leaving() { writer_.leave(visit_); }
  Leaving(const Leaving&) = delete;
  Leaving& operator=(const Leaving&) = delete;

 private:
  Writer& writer_;
  Visit& visit_;
};

// As after so many samples more.
Step later(Step step, std::size_t rows) {
  const auto samples = static_cast<double>(rows);
  step.scale *= rows == 1 ? step.shrink : std::pow(step.shrink, samples);
  step.before += samples;
  return step;
}

// Sampler::Average says why.
void add_average(const Layout& layout, std::size_t cells, float weight, const LocalCopy& copy) {
  float* const average = layout.average(copy.after());
  for (std::size_t cell = 0; cell < cells; ++cell) {
    const std::size_t first = cell * layout.cell_floats();
    for (std::size_t i = first; i < first + layout.weight_floats(); ++i)
      average[i] += weight * (copy.after()[i] - copy.before()[i]);
  }
}

}  // namespace

void GradientTask::run(const Task& task) const {
  LocalCopy copy;
  Step step = task.step;
  for (const std::uint32_t number : task.blocks) {
    if (stop_.stop_requested()) return;
    run_block(blocks_[number], task, step, copy);
    step = later(step, blocks_[number].rows());
  }
}

void GradientTask::run_block(Block& block, const Task& task, const Step& step, LocalCopy& copy) const {
  Visit visit{.support = block.support, .slot = task.slot};
  writer_.pull(visit, copy);
  const Leaving leaving(writer_, visit);
  objective_.step(block.samples(), layout_.local(copy.after()), step);
  if (layout_.planes().average) add_average(layout_, block.support.size(), task.average, copy);
  writer_.push(visit, copy);
}

Evaluation evaluate_block(const Objective& objective, const Layout& layout, const Parameters& parameters,
                          const Block& block) {
  const auto cells = std::make_unique_for_overwrite<float[]>(block.support.size() * layout.cell_floats());
  parameters.pull(block.support, cells.get());
  return objective.evaluate(block.samples(), layout.weights(cells.get()));
}

}  // namespace sounder
