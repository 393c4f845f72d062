#include "engine/plan.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <vector>

namespace sounder {
namespace {

constexpr std::size_t kSampleFraction = 64;  // the sample is one row in so many
constexpr std::size_t kMostBlockRows = 1024;
constexpr std::size_t kRoundBlocks = 4;  // of a discipline that is the same for any number of threads
constexpr double kSmoothStep = 1.0 / 3;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

Schedule schedule_of(const Options& options) {
  if (options.schedule != Schedule::kAuto) return options.schedule;
  return traits_of(options.rule).fades ? Schedule::kAnneal : Schedule::kConstant;
}

// Rows [first, first + count) of `all`.
Samples slice(const Samples& all, std::size_t first, std::size_t count) {
  const std::uint64_t skip = all.offsets[first] - all.offsets[0];
  Samples part = all;
  part.offsets = all.offsets.subspan(first, count + 1);
  std::visit([&](const auto* positions) { part.positions = positions + skip; }, all.positions);
  part.values += skip;
  part.labels += first;
  part.squared_norms += first;
  if (part.memory != nullptr) part.memory += first;
  if (part.weights != nullptr) part.weights += first;
  return part;
}

// Some of the rows, on which steps are tried out and curvature is measured, with a model of their own.
class Trial {
 public:
  Trial(const Dataset& data, const Layout& layout, const Objective& objective, const Options& options)
      : layout_(layout),
        objective_(objective),
        options_(options),
        rows_(std::max<std::size_t>(1, data.rows() / kSampleFraction)),
        sample_(make_sample(data, layout, rows_, options)),
        local_(sample_.support.size() * layout.cell_floats()) {
    const double sum = std::accumulate(sample_.squared_norms.begin(), sample_.squared_norms.end(), 0.0);
    mean_squared_norm_ = sum > 0 ? sum / static_cast<double>(rows_) : 1;
  }

  std::size_t rows() const { return rows_; }
  // The step that moves a typical sample's margin by its own slope.
  double natural_step() const { return 1 / (objective_.curvature() * mean_squared_norm_); }

  // Objective of the sample after kPasses passes over it as the options' schedule has it, from w = 0 and
  // `step`.
  double objective_after(double step);

  // Largest eigenvalue of X'X / rows, times the loss's curvature: how fast a step moves all margins together.
  double top_curvature() const;

 private:
  static constexpr std::size_t kChunk = 16;  // rows that share one step size

  static Block make_sample(const Dataset& data, const Layout& layout, std::size_t rows,
                           const Options& options) {
    const BlockMaker maker(data, layout, traits_of(options.rule).memory);
    return maker.make(std::span<const std::uint32_t>(shuffled_rows(data.rows(), options.seed)).first(rows));
  }

  const Layout& layout_;
  const Objective& objective_;
  const Options& options_;
  std::size_t rows_;
  Block sample_;
  std::vector<float> local_;
  double mean_squared_norm_ = 1;
};

double Trial::objective_after(double step) {
  constexpr int kPasses = 2;
  const auto rows = static_cast<double>(rows_);
  const StepClock clock{.schedule = schedule_of(options_),
                        .step = step,
                        .decay = options_.decay,
                        .l2 = options_.l2,
                        .rows = rows,
                        .epochs = kPasses};
  const Samples samples = sample_.samples();
  std::ranges::fill(sample_.memory, 0.0F);
  layout_.start(sample_.support, local_);
  double scale = 1;
  for (int pass = 0; pass < kPasses; ++pass) {
    for (std::size_t first = 0; first < rows_; first += kChunk) {
      const std::size_t count = std::min(kChunk, rows_ - first);
      const double eta = clock.at(pass * rows + static_cast<double>(first));
      const double shrink = traits_of(options_.rule).scales ? 1 / (1 + eta * options_.l2) : 1;
      objective_.step(slice(samples, first, count), layout_.local(local_.data()),
                      {.rule = options_.rule,
                       .size = static_cast<float>(eta),
                       .scale = scale,
                       .shrink = shrink,
                       .l1 = options_.l1,
                       .l2 = options_.l2,
                       .rows = rows,
                       .before = pass * rows + static_cast<double>(first)});
      scale *= std::pow(shrink, count);
    }
  }
  const Evaluation sums =
      objective_.evaluate(samples, layout_.weights(local_.data(), static_cast<float>(scale)));
  const Layout::Norms norms = layout_.norms(local_);
  const double value = sums.loss / sums.weight + options_.l1 * scale * norms.l1 +
                       options_.l2 / 2 * scale * scale * norms.squared;
  return std::isfinite(value) ? value : kInfinity;
}

double Trial::top_curvature() const {
  constexpr std::size_t kMostRows = 512;
  constexpr int kRounds = 5;
  const std::size_t count = std::min(rows_, kMostRows);
  const Samples samples = slice(sample_.samples(), 0, count);
  std::vector<double> vector(local_.size(), 1.0);
  double norm = 1;
  for (int round = 0; round < kRounds; ++round) {
    std::vector<double> image(vector.size(), 0.0);
    for_each_row(samples, [&](std::size_t, const auto& row) {
      double dot = 0;
      for (std::size_t k = 0; k < row.size; ++k) dot += row.values[k] * vector[row.positions[k]];
      for (std::size_t k = 0; k < row.size; ++k) image[row.positions[k]] += dot * row.values[k];
    });
    norm = std::sqrt(std::inner_product(image.begin(), image.end(), image.begin(), 0.0));
    if (norm == 0) return 0;
    for (std::size_t i = 0; i < vector.size(); ++i) vector[i] = image[i] / norm;
  }
  return objective_.curvature() * norm / static_cast<double>(count);
}

// Tries natural_step() x 4^k for k = 1, 2, ... until two in a row are no better, then downwards if the best
// is near the start. Takes the smallest that is within 1 % of the best: on text every step above a knee does
// equally well.
double find_step(Trial& trial, std::size_t rows) {
  constexpr double kTie = 1.01;
  constexpr int kStart = 1;
  constexpr int kReach = 14;
  constexpr double kBudget = 0.9;  // epochs; a trial is two passes and an evaluation over the sample
  const double price = 2.5 * static_cast<double>(trial.rows()) / static_cast<double>(rows);
  const auto most = static_cast<std::size_t>(kBudget / price);

  std::map<int, double> scores;
  const auto best = [&] {
    return std::ranges::min_element(scores, {}, [](const auto& s) { return s.second; });
  };
  const auto walk = [&](int from, int direction) {
    int worse = 0;
    for (int k = from; worse < 2 && std::abs(k) <= kReach && scores.size() < most; k += direction) {
      const double before = scores.empty() ? kInfinity : best()->second;
      scores[k] = trial.objective_after(trial.natural_step() * std::pow(4, k));
      worse = scores[k] < before ? 0 : worse + 1;
    }
  };
  walk(kStart, 1);
  if (!scores.empty() && best()->first < kStart + 2) walk(kStart - 1, -1);
  if (scores.empty()) return trial.natural_step() * std::pow(4, kStart);
  const double enough = best()->second * kTie;
  const int chosen = std::ranges::find_if(scores, [&](const auto& s) { return s.second <= enough; })->first;
  return trial.natural_step() * std::pow(4, chosen);
}

// Deltas of P blocks that started from the same weights add up. If one alone closes the fraction a of the gap
// along the direction all samples share, P together close P a: beyond 2 they overshoot and diverge. Two
// threads are always safe; for more, blocks are kept so small, and the step so low, that 1 - exp(-eta
// curvature rows) stays near 2 / P.
class Overshoot {
 public:
  Overshoot(const Trial& trial, int threads)
      : natural_(trial.natural_step()),
        curvature_(threads > 2 ? trial.top_curvature() : 0),
        allowance_(threads > 2 ? -kSlack * std::log(1 - 2.0 / threads) : kInfinity) {}

  double rows_at(double step) const {
    const double effective = step / (1 + step / natural_);  // an implicit step moves a margin no further
    return curvature_ > 0 ? allowance_ / (effective * curvature_) : kInfinity;
  }

  double step_at(double rows) const {
    if (curvature_ == 0) return kInfinity;
    const double effective = allowance_ / (rows * curvature_);
    return effective < natural_ ? effective / (1 - effective / natural_) : kInfinity;
  }

 private:
  static constexpr double kSlack = 2;  // blocks do not really start together

  double natural_;
  double curvature_;
  double allowance_;
};

std::size_t choose_block_rows(std::size_t rows, int threads, double step, const Overshoot& overshoot) {
  constexpr std::size_t kLeast = 32;
  constexpr double kLaterStep = 1.0 / 16;  // of the first: so far have steps fallen by the time it matters
  const std::size_t parts = (threads > 2 ? 32 : 24) * static_cast<std::size_t>(threads);
  const std::size_t most = std::clamp<std::size_t>(rows / parts, 1, kMostBlockRows);
  const double safe = overshoot.rows_at(step * kLaterStep);
  return safe < static_cast<double>(most) ? std::max(static_cast<std::size_t>(safe), std::min(kLeast, most))
                                          : most;
}

double choose_step(Trial& trial, const Options& options, std::size_t rows) {
  if (options.step) return *options.step;
  switch (traits_of(options.rule).step) {
    case StepChoice::kTrial:
      return find_step(trial, rows);
    case StepChoice::kSmoothness:
      return kSmoothStep * trial.natural_step();
    case StepChoice::kNone:
      break;
  }
  return 1;
}

// How many blocks may step from the same weights.
int parallel_blocks(const DisciplineTraits& discipline, int threads) {
  if (discipline.disjoint) return 1;
  return discipline.any_threads_same ? static_cast<int>(kRoundBlocks) : threads;
}

// Staleness is window x task_blocks x block_rows.
void fit_tau(Plan& plan, const Options& options) {
  if (options.block_rows == 0)
    plan.block_rows = std::clamp<std::size_t>(options.tau / plan.window, 1, plan.block_rows);
  plan.task_blocks =
      std::clamp<std::size_t>(options.tau / (plan.window * plan.block_rows), 1, plan.task_blocks);
  plan.window = options.tau / (plan.task_blocks * plan.block_rows);
}

// Rows of small blocks that make one task, so that its message costs little beside it.
std::size_t choose_task_blocks(std::size_t rows, std::size_t block_rows, int threads) {
  constexpr std::size_t kTaskRows = 256;
  const std::size_t most =
      std::clamp<std::size_t>(rows / (16 * static_cast<std::size_t>(threads)), 1, kTaskRows);
  return std::max<std::size_t>(1, most / block_rows);
}

}  // namespace

Plan make_plan(const Dataset& data, const Layout& layout, const Objective& objective, const Options& options,
               int threads) {
  const DisciplineTraits& discipline = traits_of(options.discipline);
  const int parallel = parallel_blocks(discipline, threads);
  Plan plan{.block_rows = options.block_rows, .window = 2 * static_cast<std::size_t>(threads)};
  plan.clock = {.schedule = schedule_of(options),
                .decay = options.decay,
                .l2 = options.l2,
                .rows = static_cast<double>(data.rows()),
                .epochs = static_cast<double>(options.epochs)};
  Trial trial(data, layout, objective, options);
  const Overshoot overshoot(trial, parallel);
  plan.clock.step = choose_step(trial, options, data.rows());
  if (plan.block_rows == 0) {
    plan.block_rows =
        discipline.by_sample ? 1 : choose_block_rows(data.rows(), parallel, plan.clock.step, overshoot);
  }
  if (discipline.rounds) {
    plan.round_tasks = static_cast<std::size_t>(parallel);
    plan.window = plan.round_tasks;
  } else {
    plan.task_blocks = choose_task_blocks(data.rows(), plan.block_rows, threads);
  }
  if (options.tau > 0) fit_tau(plan, options);
  plan.block_rows = std::min(plan.block_rows, data.rows());
  if (!options.step && parallel > 1) {
    const auto rows = static_cast<double>(plan.block_rows);
    plan.clock.cap = overshoot.step_at(rows);
    // The decays of the blocks in flight add up like their gradients.
    if (options.l2 > 0) plan.clock.cap = std::min(plan.clock.cap, 0.5 / (options.l2 * parallel * rows));
  }
  return plan;
}

}  // namespace sounder
