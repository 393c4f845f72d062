#include "engine/trial.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <span>

#include "engine/sampler.h"
#include "engine/turns.h"
#include "io/error.h"

namespace sounder {
namespace {

constexpr std::size_t kSampleFraction = 64;  // the sample is one row in so many,
constexpr std::size_t kLeastRows = 128;      // but at least so many, or a quarter of all,
constexpr std::size_t kLeastToGoOn = 512;    // of which one half judges what the other learned
constexpr int kPasses = 2;                   // over it, in a trial
constexpr std::size_t kChunk = 16;           // rows that share one step size

// Where no steps are tried out, curvature is all that the sample is for.
std::size_t sample_rows(std::size_t rows, const Options& options) {
  const StepChoice choice = traits_of(options.rule).step;
  const bool tries = choice != StepChoice::kSmoothness && choice != StepChoice::kNone &&
                     options.schedule != Schedule::kTheorem;
  const std::size_t wanted = options.start ? kLeastToGoOn : kLeastRows;
  const std::size_t least = tries ? std::min(rows / 4, wanted) : std::min(rows, Trial::kCurvatureRows);
  return std::max<std::size_t>({1, rows / kSampleFraction, least});
}

double curvature_of(const Objective& objective) {
  const double curvature = objective.curvature();
  if (!(curvature >= 0 && std::isfinite(curvature)))
    throw InputError(
        fmt::format("the curvature of {} is {}, expected a number >= 0", objective.name(), curvature));
  return curvature > 0 ? curvature : 1;  // a straight line suits any scale
}

std::vector<float> cells_of(const Layout& layout, std::span<const float> array, const Block& block) {
  if (block.support.size() * layout.cell_floats() == array.size()) return {array.begin(), array.end()};
  return layout.cells_of(array, block.support);
}

double crowd_of(const Source& data) {
  const auto rows = static_cast<double>(data.rows());
  return rows / (rows + 8 * static_cast<double>(data.dimension()));
}

}  // namespace

Schedule schedule_of(const Options& options, const Objective& objective) {
  if (options.schedule != Schedule::kAuto) return options.schedule;
  const auto pace = objective.pace(options.rule);
  switch (pace ? pace->fade : traits_of(options.rule).fade) {
    case Fade::kAnneal:
      return Schedule::kAnneal;
    case Fade::kLinear:
      return Schedule::kLinear;
    case Fade::kNone:
      break;
  }
  return Schedule::kConstant;
}

Fading fading_of(const Objective& objective, const Source& data, double l2, double epochs) {
  constexpr double kPatience = 0.8;  // epochs
  constexpr double kFall = 8;
  const auto rows = static_cast<double>(data.rows());
  const double crowd = crowd_of(data);
  if (!objective.smooth())
    return {.power = 1 - (1 - crowd) / 2 * std::min(1.0, std::pow(l2 * rows, 2)), .fall = kFall};
  return {.power = crowd + (1 - crowd) / 2 * (1 - kPatience / epochs), .fall = kFall * crowd};
}

Trial::Trial(const Source& data, const Layout& layout, std::span<const float> start,
             const Objective& objective, const Options& options)
    : layout_(layout),
      objective_(objective),
      options_(options),
      fading_(fading_of(objective, data, options.l2, kPasses)),
      crowd_(crowd_of(data)),
      sample_(data.sample(layout, sample_rows(data.rows(), options), objective.memory(options.rule),
                          options.seed)),
      start_{.cells = cells_of(layout, start, sample_)},
      rows_(sample_.rows()),
      learned_(goes_on() ? (rows_ + 1) / 2 : rows_),
      curvature_(curvature_of(objective)),
      first_share_(objective.first_curvature() / curvature_) {
  const Samples samples = sample_.samples();
  double sum = 0;
  for (std::size_t i = 0; i < rows_; ++i) sum += samples.squared_norm(i);
  mean_squared_norm_ = sum > 0 ? sum / static_cast<double>(rows_) : 1;
  if (!objective.curvature_at(1)) return;
  const double found = *objective.curvature_at(mean_loss(start_, 0));
  if (found > 0 && std::isfinite(found)) curvature_ = found;
}

// Of the sample's rows from that one on.
double Trial::mean_loss(const Weights& at, std::size_t first) const {
  const Evaluation sums = objective_.evaluate(sample_.samples().part(first, rows_ - first),
                                              layout_.weights(at.cells.data(), static_cast<float>(at.scale)));
  return sums.loss / sums.weight;
}

double Trial::largest_curvature() const {
  return curvature_of(objective_);
}

// All rows have it: beside a row as long as it, a bias would take half of every step, to and fro.
float Trial::bias_square() const {
  constexpr double kShare = 0.05;
  return static_cast<float>(kShare * mean_squared_norm_);
}

Trial::Lengths Trial::lengths() const {
  double sum = 0;
  double largest = 0;
  const Samples samples = sample_.samples();
  for (std::size_t i = 0; i < rows_; ++i) {
    const double length =
        samples.weight(i) * (samples.squared_norm(i) + (layout_.common() > 0 ? bias_square() : 0.0F));
    sum += length;
    largest = std::max(largest, length);
  }
  return sum > 0 ? Lengths{.mean = sum / static_cast<double>(rows_), .largest = largest} : Lengths{};
}

double Trial::faint_share() const {
  constexpr std::size_t kRows = 256;
  constexpr std::size_t kEntries = 4;  // a float of the sample's columns
  constexpr double kFaint = 1e-4;      // of the mean square
  const Samples samples = sample_.samples().part(0, std::min(rows_, kRows));
  const std::size_t floats = start_.cells.size();
  if (samples.values == nullptr || samples.nonzeros() < kEntries * floats) return 0;
  std::vector<double> squares(floats);
  std::vector<double> counts(floats);
  for_each_row(samples, [&](std::size_t, const auto& row) {
    for (std::size_t k = 0; k < row.size; ++k) {
      squares[row.positions[k]] += double{row.values[k]} * row.values[k];
      counts[row.positions[k]] += row.values[k] != 0 ? 1 : 0;
    }
  });
  const double count = std::accumulate(counts.begin(), counts.end(), 0.0);
  const double square = std::accumulate(squares.begin(), squares.end(), 0.0) / count;
  double faint = 0;
  for (std::size_t p = 0; p < floats; ++p) faint += squares[p] < kFaint * counts[p] * square ? counts[p] : 0;
  return count > 0 ? faint / count : 0;
}

double Trial::first_step() const {
  switch (choice()) {
    case StepChoice::kUnit:
      return 1;
    case StepChoice::kReach:
      return 3 / std::sqrt(mean_squared_norm_);
    default:
      return natural_step();
  }
}

// After kPasses passes over the sample, by a rule that keeps nothing for a sample.
Trial::Weights Trial::pass(double step) const {
  assert(sample_.memory.empty());
  const auto rows = static_cast<double>(learned_);
  const StepClock clock{.schedule = schedule_of(options_, objective_),
                        .step = step,
                        .decay = decay_of(options_),
                        .fading = fading_,
                        .l2 = options_.l2,
                        .rows = rows,
                        .epochs = kPasses};
  const Samples samples = sample_.samples();
  Weights weights = start_;
  Turns turns(objective_, layout_, options_.rule);
  turns.lead(
      {.rule = options_.rule, .size = static_cast<float>(clock.at(0)), .l1 = options_.l1, .l2 = options_.l2},
      weights.cells, sample_.support);
  for (int pass = 0; pass < kPasses; ++pass) {
    for (std::size_t first = 0; first < learned_; first += kChunk) {
      const std::size_t count = std::min(kChunk, learned_ - first);
      const double eta = clock.at(pass * rows + static_cast<double>(first));
      const double shrink = traits_of(options_.rule).scales ? 1 / (1 + eta * options_.l2) : 1;
      objective_.step(samples.part(first, count), layout_.local(weights.cells.data()),
                      {.rule = options_.rule,
                       .size = static_cast<float>(eta),
                       .scale = weights.scale,
                       .shrink = shrink,
                       .l1 = options_.l1,
                       .l2 = options_.l2,
                       .rows = rows,
                       .before = pass * rows + static_cast<double>(first),
                       .bias_square = bias_square()});
      weights.scale *= std::pow(shrink, count);
    }
  }
  if (traits_of(options_.rule).derives)  // as at the end of an epoch
    turns.visit(Turn::kEnd,
                {.rule = options_.rule,
                 .size = static_cast<float>(clock.at(kPasses * rows)),
                 .l1 = options_.l1,
                 .l2 = options_.l2,
                 .before = kPasses * rows},
                weights.cells, sample_.support);
  return weights;
}

double Trial::objective_after(double step) const {
  const Weights weights = pass(step);
  const double scale = weights.scale;
  const Layout::Norms norms = layout_.norms(weights.cells);
  const double value = mean_loss(weights, learned_ < rows_ ? learned_ : 0) + options_.l1 * scale * norms.l1 +
                       options_.l2 / 2 * scale * scale * norms.squared;
  return std::isfinite(value) ? value : std::numeric_limits<double>::infinity();
}

double Trial::gradient_bound() const {
  return std::max(largest_gradient(start_), largest_gradient(pass(natural_step())));
}

// The slope in the margin is that in a bias, of which an objective need not have one of its own.
double Trial::largest_gradient(const Weights& at) const {
  constexpr float kReach = 0.01F;
  const Samples samples = sample_.samples();
  const auto loss_at = [&](std::size_t row, float bias) {
    ConstWeights weights = layout_.weights(at.cells.data(), static_cast<float>(at.scale));
    weights.bias = &bias;
    return objective_.evaluate(samples.part(row, 1), weights).loss;
  };
  double typical = 0;  // label
  for (std::size_t row = 0; row < rows_; ++row)
    typical += std::fabs(samples.labels[row]) / static_cast<double>(rows_);
  const bool real = objective_.labels() == LabelKind::kReal && typical > 0;
  double largest = 0;
  for (std::size_t row = 0; row < rows_; ++row) {
    const float reach =
        kReach * (real ? std::max(static_cast<float>(typical), std::fabs(samples.labels[row])) : 1.0F);
    const double slope = (loss_at(row, reach) - loss_at(row, -reach)) / (2 * double{reach});
    largest = std::max(largest, std::fabs(slope) * std::sqrt(samples.squared_norm(row)));
  }
  return largest + options_.l2 * at.scale * std::sqrt(layout_.norms(at.cells).squared);
}

// By power iteration. A direction that all rows share dominates soon, and where there is none, the last digits do not matter.
double Trial::top_curvature(std::size_t rows) const {
  constexpr int kRounds = 5;
  constexpr double kEnough = 1.02;
  const std::size_t count = std::min(rows_, rows);
  const Samples samples = sample_.samples().part(0, count);
  std::vector<float> vector(sample_.support.size() * layout_.cell_floats(), 1.0F);
  std::vector<float> image(vector.size());
  double norm = 1;
  for (int round = 0; round < kRounds; ++round) {
    std::ranges::fill(image, 0.0F);
    for_each_row(samples,
                 [&](std::size_t, const auto& row) { row.add_to(image.data(), row.dot(vector.data())); });
    const double before = norm;
    norm = std::sqrt(
        std::transform_reduce(image.begin(), image.end(), 0.0, std::plus(), [](double x) { return x * x; }));
    if (norm == 0) return 0;
    if (!std::isfinite(norm)) return curvature_ * mean_squared_norm_;  // no eigenvalue is larger
    if (round > 1 && norm < kEnough * before) break;
    const double share = 1 / norm;
    for (std::size_t i = 0; i < vector.size(); ++i) vector[i] = static_cast<float>(image[i] * share);
  }
  return curvature_ * norm / static_cast<double>(count);
}

}  // namespace sounder
