#include "engine/inspection.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>
#include <span>

#include "engine/arena.h"
#include "engine/check.h"
#include "engine/components.h"
#include "engine/evaluate.h"
#include "engine/layout.h"
#include "engine/plan.h"
#include "engine/sample_gradients.h"
#include "engine/source.h"
#include "engine/theory.h"
#include "engine/threads.h"
#include "engine/trial.h"
#include "io/counted.h"
#include "io/error.h"

namespace sounder {
namespace {

constexpr int kMostWorkers = 1024;

// What is inspected.
struct Subject {
  const Dataset& data;
  const Objective& objective;
  const Options& options;
  const InspectionOptions& how;
  Arena& arena;
  Source source{data};
  Layout layout = ranked_layout(data, objective, options);
  std::vector<float> start = source.start(layout, objective, options);
};

ConflictFigures exact_figures(const Incidence& incidence, Arena& arena) {
  const std::vector<std::uint32_t> degrees = conflict_degrees(incidence, arena);
  const double mean =
      std::accumulate(degrees.begin(), degrees.end(), 0.0) / static_cast<double>(degrees.size());
  const std::uint64_t most = std::ranges::max(degrees);
  return {.average = {mean, mean, mean}, .largest = {most, most}};
}

ConflictFigures conflicts_of(const Incidence& incidence, const ConflictDraws& conflicts, const Subject& is) {
  ConflictFigures figures = is.how.exact
                                ? exact_figures(incidence, is.arena)
                                : ConflictFigures{.average = average_conflict_degree(incidence, conflicts),
                                                  .largest = largest_conflict_degree(incidence, is.arena)};
  figures.tau_safe = safe_staleness(figures.average.value / static_cast<double>(incidence.rows()));
  return figures;
}

ConflictFigures conflicts_of(const Incidence& incidence, const Subject& is) {
  return conflicts_of(incidence, draw_conflicts(incidence, kUsualDraws, is.options.seed, is.arena), is);
}

std::vector<HotCoordinate> hottest_of(std::span<const std::uint32_t> degrees, std::size_t count) {
  std::vector<std::uint32_t> order(degrees.size());
  std::iota(order.begin(), order.end(), 0U);
  const auto end = order.begin() + static_cast<std::ptrdiff_t>(std::min(count, order.size()));
  std::ranges::partial_sort(order, end, std::ranges::greater(), [&](std::uint32_t c) { return degrees[c]; });
  std::vector<HotCoordinate> hottest;
  for (auto c = order.begin(); c != end; ++c) hottest.push_back({*c, degrees[*c]});
  return hottest;
}

std::vector<OrderFigures> in_order(const Incidence& incidence, const Subject& is) {
  std::vector<OrderFigures> figures;
  for (const std::size_t window : {16U, 256U, 4096U}) {
    if (window >= incidence.rows()) break;
    figures.push_back({window, chance_in_order(incidence, window, is.options.seed, is.arena)});
  }
  return figures;
}

// Small against the step that moves the margin of any sample by its own slope, or what the objective starts with.
double small_step(const Subject& is) {
  constexpr double kSmall = 1e-3;
  if (const auto pace = is.objective.pace(Rule::kSgd)) return kSmall * pace->step;
  const Trial trial(is.source, is.layout, is.start, is.objective, is.options);
  return kSmall / (trial.largest_curvature() * std::max(trial.mean_squared_norm(), is.source.longest_row()));
}

std::optional<Estimate> weighted_chance(const ConflictDraws& conflicts, const Subject& is) {
  if (!is.objective.suits(Rule::kSgd) || is.objective.shape().turns() || is.options.rule != Rule::kSgd)
    return {};
  const SampleGradients gradients(is.source.data(), is.layout, is.start, is.objective, small_step(is));
  return weighted_conflict_chance(gradients, conflicts, is.data.rows(), is.options.seed, is.arena);
}

bool has_theorem(const Objective& objective, const Options& options) {
  return options.rule == Rule::kSgd && objective.shape().linear() && options.l2 > 0 && !options.bias;
}

void check_how(const Objective& objective, const Options& options, const InspectionOptions& how) {
  if (!(how.hot_share > 0 && how.hot_share <= 1))
    throw InputError(fmt::format("hot_share = {}: must be > 0 and <= 1", how.hot_share));
  if (!how.accuracy) return;
  if (!(*how.accuracy > 0 && std::isfinite(*how.accuracy)))
    throw InputError(fmt::format("accuracy = {}: must be > 0", *how.accuracy));
  if (!has_theorem(objective, options))
    throw InputError(
        "accuracy: the theorem is about linear models with an l2 > 0 and without a bias, trained by sgd");
}

// |w*|^2 <= 2 (mean loss of w = 0) / l2, or the objective of w = 0 were lower.
std::optional<ConstantFigures> constants_of(const Subject& is) {
  if (!has_theorem(is.objective, is.options)) return {};
  constexpr double kShare = 0.01;
  const double start = loss_of_zero(is.data, is.objective);
  if (start == 0) return {};  // it is the optimum
  Options options = is.options;
  options.schedule = Schedule::kTheorem;
  options.accuracy = is.how.accuracy.value_or(kShare * 2 * start / options.l2);
  Trial trial(is.source, is.layout, is.start, is.objective, options);
  const double curvature = is.objective.curvature() * trial.lengths().largest;
  return ConstantFigures{.smoothness = curvature + options.l2,
                         .accuracy = *options.accuracy,
                         .theorem = theorem_of(trial, options)};
}

std::vector<InflationFigures> inflation_of(const Inspection& found) {
  const double contraction =
      found.constants ? found.constants->theorem.step * found.constants->theorem.strong_convexity : 0;
  std::vector<InflationFigures> figures;
  for (int workers = 1; workers <= kMostWorkers; workers *= 2) {
    const auto at = [&](double chance) { return predicted_inflation(workers - 1, chance, contraction); };
    figures.push_back({.workers = workers,
                       .raw = at(found.chance(found.raw.average)),
                       .without_hot = at(found.chance(found.without_hot.average)),
                       .weighted = {}});
    if (found.weighted_chance) figures.back().weighted = at(found.weighted_chance->value);
  }
  return figures;
}

// --- Advice

// What the analysis says to so many samples in flight.
std::string verdict_on_tau(const Inspection& found) {
  const auto tau = static_cast<double>(found.advice.tau);
  if (tau <= found.raw.tau_safe) return fmt::format("within n / (2 Dbar) = {:.4g}", found.raw.tau_safe);
  const std::string beyond = fmt::format("beyond n / (2 Dbar) = {:.3g}, ", found.raw.tau_safe);
  if (tau <= found.without_hot.tau_safe)
    return beyond + fmt::format("but without the {} hot coordinates that is {:.4g}", found.hot,
                                found.without_hot.tau_safe);
  const double weighted = found.weighted_chance ? safe_staleness(found.weighted_chance->value) : 0;
  if (tau <= weighted)
    return beyond + fmt::format("but weighted by how far gradients agree that is {:.4g}", weighted);
  return beyond + "which is sufficient, not necessary (docs/theory.md)";
}

// Whether CYCLADES' batches fall apart, which would make staleness none.
std::string verdict_on_exclusive(const Subject& is) {
  if (is.objective.shape().common > 0 || is.options.bias)
    return "exclusive would not do, as all samples share a coordinate";
  const BatchChoice batch = choose_batch(is.data, is.options.seed);
  return batch.largest_share <= kLargestShare
             ? fmt::format(
                   "exclusive would do, as no component holds more than {:.0f} % of the non-zeros of {}",
                   100 * kLargestShare, counted(batch.rows, "sample"))
             : fmt::format(
                   "exclusive would run on one thread, as one component holds {:.0f} % of the non-zeros of "
                   "{}",
                   100 * batch.largest_share, counted(batch.rows, "sample"));
}

Advice advise(const Subject& is, const Inspection& found) {
  const Layout layout = is.source.layout(is.objective, is.options, found.threads);
  const std::vector<float> start = is.source.start(layout, is.objective, is.options);
  const Plan plan = make_plan(is.source, layout, start, is.objective, is.options, found.threads);
  Advice advice{.discipline = discipline_of(is.options),
                .block_rows = plan.block_rows,
                .refresh_rows = plan.strides.rows,
                .tau = plan.tau(),
                .step = std::min(plan.clock.step, plan.clock.cap),
                .why = plan.why};
  advice.why.discipline.why += "; " + verdict_on_exclusive(is);
  return advice;
}

// The other views, where they differ from that of all coordinates.
void look_again(Inspection& found, std::span<const std::uint32_t> degrees, const Subject& is) {
  const double limit = is.how.hot_share * static_cast<double>(found.samples);
  found.hot = static_cast<std::size_t>(std::ranges::count_if(degrees, [&](auto d) { return d > limit; }));
  found.without_hot = found.lines = found.raw;
  found.by_line = found.by_coordinate;
  if (found.hot > 0)
    found.without_hot = conflicts_of(without_hot(is.data, degrees, is.how.hot_share, is.arena), is);
  if (is.layout.cell_floats() % kLineFloats == 0) return;  // lines of its own
  const Incidence lines = by_cache_line(is.data, is.layout, is.arena);
  found.by_line = figures_of(lines, is.arena);
  found.lines = conflicts_of(lines, is);
}

Inspection inspect(const Subject& is) {
  Inspection found;
  found.samples = is.data.rows();
  found.coordinates = is.data.dimension();
  found.threads = Arena(with_worthwhile_threads(is.options, is.source, is.objective)).threads();
  const Incidence all(is.data, is.arena);
  const ConflictDraws conflicts = draw_conflicts(all, kUsualDraws, is.options.seed, is.arena);
  found.by_coordinate = figures_of(all, is.arena);
  found.hottest = hottest_of(all.degrees(), is.how.hottest);
  found.raw = conflicts_of(all, conflicts, is);
  look_again(found, all.degrees(), is);
  found.in_order = in_order(all, is);
  const Shape shape = is.objective.shape();
  const bool lies = shape.grouping == Grouping::kRandom && is.source.in_random_order();
  found.trained = lies ? Grouping::kInOrder : shape.grouping;
  found.common = shape.common > 0 || is.options.bias;
  found.weighted_chance = weighted_chance(conflicts, is);
  found.constants = constants_of(is);
  found.inflation = inflation_of(found);
  found.advice = advise(is, found);
  found.advice.why.tau.why += "; " + verdict_on_tau(found);
  return found;
}

}  // namespace

Inspection inspect(const Dataset& data, const Objective& objective, const Options& options,
                   const InspectionOptions& how, Arena& arena) {
  check_how(objective, options, how);
  const std::unique_ptr<Objective> fitted = fitted_and_checked(data, objective, options);
  Inspection found;
  arena.execute([&] { found = inspect(Subject{data, fitted ? *fitted : objective, options, how, arena}); });
  return found;
}

}  // namespace sounder
