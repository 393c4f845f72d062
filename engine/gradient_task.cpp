#include "engine/gradient_task.h"

#include <tbb/enumerable_thread_specific.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "engine/sampler.h"

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
Step later(Step step, double samples) {
  step.scale *= samples == 1 ? step.shrink : std::pow(step.shrink, samples);
  step.before += samples;
  return step;
}

// A coordinate that a block of these rows meets with chance p, at most rows / reweight, was changed at the same time by
// so many others x p blocks: of the sum, each takes its part.
void share(const Layout& layout, std::size_t cells, std::size_t rows, double others, const LocalCopy& copy) {
  const LocalWeights local = layout.local(copy.after());
  const bool averages = layout.planes().average;
  const std::size_t reweights = layout.state_floats();  // a cell: of wide coordinates one
  const auto take = [](float part, float before, float& after) { after = before + part * (after - before); };
  for (std::size_t cell = 0; cell < cells; ++cell) {
    const std::size_t first = cell * layout.cell_floats();
    for (std::size_t i = first; i < first + layout.weight_floats(); ++i) {
      const float met =
          std::min(1.0F, static_cast<float>(rows) / local.reweight[std::min(i, first + reweights - 1)]);
      const float part = 1 / (1 + static_cast<float>(others) * met);
      take(part, copy.before()[i], local.weights[i]);
      if (averages) take(part, layout.average(copy.before())[i], layout.average(copy.after())[i]);
    }
  }
}

// See Step::damping.
void damp(const LocalCopy& copy, double damping) {
  const auto share = static_cast<float>(1 / damping);
  float* const after = copy.after();
  for (std::size_t i = 0; i < copy.size(); ++i)
    after[i] = copy.before()[i] + share * (after[i] - copy.before()[i]);
}

// Calls body(place, shared) for each float of the local array that the row may change, and says whether it is one that all samples
// share; these come first.
template <class Body>
void for_each_place(const Layout& layout, const Samples& row, Body&& body) {
  for (std::size_t k = 0; k < layout.common(); ++k)
    for (std::size_t j = 0; j < layout.width(); ++j) body(k * layout.cell_floats() + j, true);
  for_each_support(row, [&](std::size_t, auto positions) {
    for (const std::size_t position : positions)
      for (std::size_t j = 0; j < layout.width(); ++j) body(position + j, false);
  });
}

// One more sample.
void pass(Step& step, Elapsed& elapsed) {
  step.scale *= step.shrink;
  step.before += 1;
  elapsed.scales += step.scale;
  elapsed.samples += 1;
}

// body(samples, weights): those of the block, and what their positions are of.
template <class Body>
auto with_weights(const Layout& layout, const Parameters& parameters, const Block& block, Body&& body) {
  if (block.support.size() == layout.cells())
    return body(block.samples(), layout.weights(parameters.all().data()));
  const auto cells = std::make_unique_for_overwrite<float[]>(block.support.size() * layout.cell_floats());
  parameters.pull(block.support, cells.get());
  return body(block.samples(), layout.weights(cells.get()));
}

// Each row by itself, at its place in its batch.
void evaluate_rows(const Objective& objective, const Samples& samples, const ConstWeights& weights,
                   std::vector<Evaluation>& rows) {
  std::size_t place = 0;
  for (std::size_t i = 0; i < samples.rows(); ++i, ++place) {
    place += samples.gap(i);
    rows.resize(std::max(rows.size(), place + 1));
    rows[place] = objective.evaluate(samples.part(i, 1), weights);
  }
}

Evaluation sum_of(std::span<const Evaluation> parts) {
  Evaluation sum;
  for (const Evaluation& part : parts) sum += part;
  return sum;
}

void fold_average(const Sampler::Average& average, const Layout& layout, Parameters& parameters) {
  float* const all = parameters.all().data();
  for (std::size_t cell = 0; cell < layout.cells(); ++cell) {
    float* const weights = all + cell * layout.cell_floats();
    const double since = cell < layout.common() ? average.since.samples : average.since.scales;
    for (std::size_t i = 0; i < layout.weight_floats(); ++i)
      layout.average(weights)[i] += static_cast<float>(since * weights[i]);
  }
}

}  // namespace

// What a thread has for itself; the memory of the copy serves task after task.
struct GradientTask::Local {
  LocalCopy copy;
  std::vector<float> last;  // of run_averaged(): what a row may change, as it was
  std::uint64_t nonzeros = 0;
};

struct GradientTask::Scratch {
  tbb::enumerable_thread_specific<Local> locals;
};

GradientTask::GradientTask(const Objective& objective, const Layout& layout, std::span<Block> blocks,
                           Writer& writer, Strides strides, std::stop_token stop)
    : objective_(objective),
      layout_(layout),
      blocks_(blocks),
      writer_(writer),
      strides_(std::move(strides)),
      stop_(std::move(stop)),
      scratch_(std::make_unique<Scratch>()) {}

GradientTask::~GradientTask() = default;

void GradientTask::run(const Task& task) const {
  Local& local = scratch_->locals.local();
  Step step = task.step;
  std::optional<Elapsed> elapsed = task.elapsed;
  for (const std::uint32_t number : task.blocks) {
    if (stop_.stop_requested()) return;
    run_block(blocks_[number], {.step = step, .slot = task.slot, .elapsed = elapsed}, local);
    const std::size_t rows = blocks_[number].rows();
    if (elapsed) elapsed = elapsed->after(step, static_cast<double>(rows));
    step = later(step, static_cast<double>(rows));
  }
}

void GradientTask::run_block(Block& block, const Visitor& visitor, Local& local) const {
  const auto& [step, slot, elapsed] = visitor;
  LocalCopy& copy = local.copy;
  Visit visit{.support = block.support,
              .samples = block.rows(),
              .slot = slot,
              .scale = step.scale,
              .compared = step.others > 0 || step.damping != 1};
  writer_.pull(visit, copy);
  const Leaving leaving(writer_, visit);
  local.nonzeros +=
      elapsed ? run_averaged(block, step, *elapsed, local) : run_samples(block, visit, step, copy);
  if (step.others > 0) share(layout_, block.support.size(), block.rows(), step.others, copy);
  if (step.damping != 1) damp(copy, step.damping);
  writer_.push(visit, copy);
}

// All of the block's, stride by stride. Returns the non-zeros gone through.
std::uint64_t GradientTask::run_samples(Block& block, Visit& visit, Step step, LocalCopy& copy) const {
  const LocalWeights weights = layout_.local(copy.after());
  const Samples samples = block.samples();
  if (strides_.rows == 0 || block.rows() <= strides_.rows) return objective_.step(samples, weights, step);
  const auto hot = static_cast<std::size_t>(std::ranges::lower_bound(visit.support, strides_.hot_end) -
                                            visit.support.begin());
  std::uint64_t nonzeros = 0;
  for (std::size_t first = 0; first < block.rows(); first += strides_.rows) {
    if (first > 0) writer_.refresh(visit, copy, hot);
    const std::size_t rows = std::min(strides_.rows, block.rows() - first);
    nonzeros += objective_.step(samples.part(first, rows), weights, step);
    step = later(step, static_cast<double>(rows));
  }
  return nonzeros;
}

// Row by row, and what each changes in the mean of all iterates (Sampler::Average).
std::uint64_t GradientTask::run_averaged(Block& block, Step step, Elapsed elapsed, Local& local) const {
  float* const after = local.copy.after();
  float* const average = layout_.average(after);
  const Samples samples = block.samples();
  std::uint64_t nonzeros = 0;
  for (std::size_t i = 0; i < block.rows(); ++i) {
    const Samples row = samples.part(i, 1);
    local.last.clear();
    for_each_place(layout_, row, [&](std::size_t place, bool) { local.last.push_back(after[place]); });
    nonzeros += objective_.step(row, layout_.local(after), step);
    for (std::uint32_t gap = samples.gap(i); gap > 0; --gap) pass(step, elapsed);
    const auto scales = static_cast<float>(elapsed.scales);
    const auto count = static_cast<float>(elapsed.samples);
    const float* last = local.last.data();
    for_each_place(layout_, row, [&](std::size_t place, bool shared) {
      average[place] -= (shared ? count : scales) * (after[place] - *last++);
    });
    pass(step, elapsed);
  }
  return nonzeros;
}

std::uint64_t GradientTask::nonzeros() const {
  std::uint64_t sum = 0;
  for (const Local& local : scratch_->locals) sum += local.nonzeros;
  return sum;
}

void add_implied(const Objective& objective, const Layout& layout, Block& block, std::span<double> sum) {
  std::vector<double> local(block.support.size() * layout.cell_floats());
  objective.imply(block.samples(), local);
  auto from = local.begin();
  for (const Cell cell : block.support) {
    const auto to = sum.begin() + static_cast<std::ptrdiff_t>(cell * layout.cell_floats());
    std::transform(to, to + static_cast<std::ptrdiff_t>(layout.cell_floats()), from, to, std::plus());
    from += static_cast<std::ptrdiff_t>(layout.cell_floats());
  }
}

Evaluation evaluate_block(const Objective& objective, const Layout& layout, const Parameters& parameters,
                          const Block& block) {
  return with_weights(layout, parameters, block, [&](const Samples& samples, const ConstWeights& weights) {
    return objective.evaluate(samples, weights);
  });
}

Evaluation evaluate_blocks(const Objective& objective, const Layout& layout, const Parameters& parameters,
                           std::span<const Block> blocks, const ParallelFor& parallel) {
  std::vector<Evaluation> sums(blocks.size());
  parallel(blocks.size(),
           [&](std::size_t b) { sums[b] = evaluate_block(objective, layout, parameters, blocks[b]); });
  return sum_of(sums);
}

Evaluation evaluate_batches(const Objective& objective, const Layout& layout, const Parameters& parameters,
                            std::span<const Block> blocks, std::size_t groups, const ParallelFor& parallel) {
  std::vector<Evaluation> sums(blocks.size() / groups);
  parallel(sums.size(), [&](std::size_t b) {
    std::vector<Evaluation> rows;
    for (const Block& block : blocks.subspan(b * groups, groups))
      with_weights(layout, parameters, block, [&](const Samples& samples, const ConstWeights& weights) {
        evaluate_rows(objective, samples, weights, rows);
      });
    sums[b] = sum_of(rows);
  });
  return sum_of(sums);
}

double objective_of(const Evaluation& sums, const Objective& objective, const Layout& layout,
                    std::span<const float> array, const Options& options) {
  const Layout::Norms norms = layout.norms(array);
  const double loss = sums.loss / sums.weight + options.l1 * norms.l1;
  const Shape shape = objective.shape();
  if (!shape.terms) return loss + options.l2 / 2 * norms.squared;
  double terms = 0;
  layout.for_each([&](std::size_t coordinate, std::size_t place, double share) {
    terms += objective.term(coordinate, share, array.subspan(place, shape.width), options.l2);
  });
  return loss + terms;
}

std::vector<float> averaged(std::span<const float> array, const Layout& layout, double samples) {
  std::vector<float> mean(array.begin(), array.end());
  for (std::size_t cell = 0; samples > 0 && cell < layout.cells(); ++cell) {
    float* const weights = mean.data() + cell * layout.cell_floats();
    for (std::size_t i = 0; i < layout.weight_floats(); ++i)
      weights[i] = static_cast<float>(layout.average(weights)[i] / samples);
  }
  return mean;
}

void fold_scale(Sampler& sampler, const Layout& layout, Parameters& parameters) {
  if (sampler.average()) fold_average(*sampler.average(), layout, parameters);
  if (sampler.scale() == 1 && !sampler.average()) return;
  parameters.scale(layout.common(), 0, layout.weight_floats(), static_cast<float>(sampler.scale()));
  sampler.fold();
}

}  // namespace sounder
