#include "engine/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "engine/block_rows.h"
#include "engine/components.h"
#include "engine/dual_plan.h"
#include "engine/overshoot.h"
#include "engine/plan_reasons.h"
#include "engine/step_search.h"
#include "engine/trial.h"
#include "engine/workers.h"
#include "io/error.h"

namespace sounder {
namespace {

constexpr std::size_t kMostStaleRows = 128;  // where it costs little to be so careful

// The largest curvature along a sample, for a loss of curvature 1. A few very long ones, which a mean tells, may overshoot; but not
// those that weigh most where they are more than a few, as a rare class is.
double longest(const Trial& trial, const Source& data) {
  constexpr double kFew = 0.03;
  const auto [mean, largest] = trial.lengths();
  const double most = std::min(largest, 4 * mean);
  return data.file() || !data.data().weighted() ? most : std::max(most, data.longest_row(kFew));
}

// A part of 1 / L, L that curvature.
// With L1 a larger step finds the zeros sooner, and where blocks share, each moves by a part of it only.
double smooth_step(const Trial& trial, const Source& data, const Options& options, int parallel) {
  const bool shared = parallel > 1 && !one_sample_blocks(options);
  const double part = shared ? 1 : options.l1 > 0 ? 0.75 : 0.5;
  return part / (trial.largest_curvature() * longest(trial, data));
}

Reasoned<double> choose_step(const Trial& trial, const Source& data, const Options& options, int parallel) {
  if (options.step) return {*options.step, kAsked};
  switch (traits_of(options.rule).step) {
    case StepChoice::kTrial:
    case StepChoice::kUnit:
    case StepChoice::kReach:
      return {find_step(trial, data.rows(), options.epochs), why_tried(trial)};
    case StepChoice::kSmoothness:
      return {smooth_step(trial, data, options, parallel),
              "as large as the curvature of the loss along the samples allows"};
    case StepChoice::kNone:
      break;
  }
  return {1, fmt::format("the rule {} finds its own", name_of(options.rule))};
}

void take(Plan& plan, Rows rows) {
  plan.block_rows = rows.value;
  plan.why.block.why = std::move(rows.why);
}

// Staleness is window x task_blocks x block_rows.
void fit_tau(Plan& plan, const Setting& is) {
  const Options& options = is.options;
  const std::size_t rows = is.data.rows();
  const std::size_t most = options.tau / plan.window;
  if (is.objective.shape().draws && options.block_rows == 0 &&
      most < std::min(kLeastDrawnFrom, plan.block_rows))
    throw InputError(fmt::format("tau = {}: must be >= {}, blocks of {} samples for {} to draw from",
                                 options.tau, plan.window * kLeastDrawnFrom, kLeastDrawnFrom,
                                 is.objective.name()));
  if (options.block_rows == 0 && most < plan.block_rows) {
    plan.block_rows = std::max<std::size_t>(most, 1);
    plan.why.block.why = fmt::format("the bound of {} on staleness allows no more with {} in flight",
                                     options.tau, plan.window);
  }
  plan.task_blocks =
      std::clamp<std::size_t>(options.tau / (plan.window * plan.block_rows), 1, plan.task_blocks);
  const std::size_t task_rows = plan.task_blocks * plan.block_rows;
  const std::size_t epoch_tasks =
      (rows + task_rows - 1) / task_rows;  // no epoch begins before the last one ends
  plan.window = std::min(options.tau / task_rows, std::max(plan.window, epoch_tasks));
}

// Blocks are batches here, the largest whose components can still be dealt out evenly, whatever the threads: it is
// part of what makes the outcome the same for any number of them. Where a component swallows even a small batch, one
// worker will run it all, and batches are as for one thread.
void fit_batch(Plan& plan, const Dataset& data, const Options& options) {
  constexpr std::size_t kParts = 16;  // an epoch is at least so many batches: they share one step
  const BatchChoice choice = choose_batch(data, options.seed);
  if (choice.largest_share > kLargestShare) {
    if (options.block_rows == 0)
      plan.why.block.why = "the components of larger ones could be dealt out no better";
    plan.note = fmt::format(
        "one component holds {:.0f} % of the non-zeros of {} rows, so one thread does most of the work; the "
        "disciplines reproducible and atomic need no components",
        100 * choice.largest_share, choice.rows);
  } else if (options.block_rows == 0) {
    plan.block_rows = std::clamp<std::size_t>(data.rows() / kParts, 1, choice.rows);
    plan.why.block.why =
        fmt::format("of so many rows no component holds more than {:.0f} %, so threads share them evenly",
                    100 * kLargestShare);
  }
}

// Rows of small blocks that make one task, so that its message costs little beside it.
std::size_t choose_task_blocks(std::size_t rows, std::size_t block_rows, int threads) {
  constexpr std::size_t kTaskRows = 256;
  const std::size_t most =
      std::clamp<std::size_t>(rows / (16 * static_cast<std::size_t>(threads)), 1, kTaskRows);
  return std::max<std::size_t>(1, most / block_rows);
}

// Means of iterates lose the digits by which the scale of the weights falls within a task.
std::size_t most_averaged_rows(const Plan& plan, const Options& options) {
  constexpr double kFall = 2;  // e^-2
  const bool scaled = options.average_from > 0 && traits_of(options.rule).scales && options.l2 > 0;
  const double most = scaled ? kFall / (plan.clock.step * options.l2) : plan.clock.rows;
  return static_cast<std::size_t>(std::clamp(most, 1.0, plan.clock.rows));
}

// Tasks and rounds of blocks whose size is known.
void fit_tasks(Plan& plan, const Setting& is) {
  const std::size_t most = most_averaged_rows(plan, is.options);
  if (is.options.block_rows == 0 && most < plan.block_rows)
    take(plan, {most, "among more rows the weights would shrink too far for their mean to be exact"});
  plan.block_rows = std::min(plan.block_rows, is.data.rows());
  plan.window = 2 * static_cast<std::size_t>(is.threads);
  if (is.discipline.rounds) {
    plan.round_tasks = static_cast<std::size_t>(is.discipline.disjoint ? is.threads : is.parallel);
    plan.window = plan.round_tasks;
  } else {
    plan.task_blocks = choose_task_blocks(is.data.rows(), plan.block_rows, is.threads);
    plan.task_blocks = std::clamp<std::size_t>(most / plan.block_rows, 1, plan.task_blocks);
  }
  if (is.discipline.disjoint) fit_batch(plan, is.data.data(), is.options);
  if (is.options.tau > 0) fit_tau(plan, is);
  if (traits_of(is.options.rule).shares) plan.others = is.parallel - 1;
}

void fit_strides(Plan& plan, const Rows& stale, const Setting& is) {
  constexpr double kMeetings = 4;  // with a sample of the stride, on average: then a coordinate is hot
  const bool asked = is.options.refresh_rows > 0;
  const std::size_t rows = asked ? is.options.refresh_rows : stale.value;
  if (!may_be_large(is) || stays_whole(is) || rows >= plan.block_rows) return;
  plan.strides = {.rows = rows, .hot_end = is.layout.hot_end(kMeetings / static_cast<double>(rows))};
  plan.why.refresh = {fmt::format("{}", rows), asked ? kAsked : stale.why};
}

// Where blocks start together, their steps add up.
void cap_step(Plan& plan, const Overshoot& overshoot, const Setting& is) {
  const bool tried = traits_of(is.options.rule).step == StepChoice::kTrial;
  if (is.options.step || plan.theorem || is.parallel == 1 || !tried) return;
  const auto rows = static_cast<double>(plan.strides.rows > 0 ? plan.strides.rows : plan.block_rows);
  // So do the decays.
  if (is.options.l2 > 0) plan.clock.highest_cap = 0.5 / (is.options.l2 * is.parallel * rows);
  plan.clock.cap = std::min(overshoot.step_at(rows), plan.clock.highest_cap);
  // Two may begin with large steps anyway; the blocks of a round, and of simulated workers, do start together.
  plan.cap_grows = is.parallel > 2 && !is.discipline.rounds && is.options.simulate == 0;
}

// Of a loss with kinks a step ends where the slope does, and two blocks at a time cannot diverge (engine/overshoot.h). A dual
// rule ascends the dual objective, and the primal one may rise meanwhile.
bool settles(const Plan& plan, const Setting& is) {
  if (traits_of(is.options.rule).dual) return true;
  return !is.objective.smooth() && traits_of(is.options.rule).step == StepChoice::kTrial &&
         plan.clock.schedule == Schedule::kAnneal && is.parallel <= 2;
}

// Workers that keep their copies exchange them after strides, whatever a task is. So a task may be long enough that its message
// costs little beside it; but the last ones of an epoch are short, that nobody waits for long.
void fit_kept_tasks(Plan& plan, const Setting& is) {
  constexpr std::size_t kTaskNonzeros = std::size_t{1} << 18;  // some 200 us
  const std::size_t blocks = (is.data.rows() + plan.block_rows - 1) / plan.block_rows;
  const std::size_t wanted = kTaskNonzeros * blocks / std::max<std::size_t>(is.data.nonzeros(), 1);
  const auto threads = static_cast<std::size_t>(is.threads);
  plan.task_part = 2 * threads;
  plan.task_blocks = std::clamp<std::size_t>(blocks / (6 * threads), 1, std::max<std::size_t>(wanted, 1));
}

// What was chosen last, when nothing changes any more.
void conclude(Plan& plan, const Setting& is) {
  const std::vector<Cell> ends = exchange_ends(is, plan.strides.rows);
  plan.support = choose_support(is, plan.block_rows, ends);
  if (plan.support == Support::kAll) plan.strides.ends = ends;
  if (!plan.strides.ends.empty()) {
    plan.why.refresh.why += "; the fewer rows touch a column, the longer it waits";
    fit_kept_tasks(plan, is);
  }
  plan.alone |= plan.support == Support::kAll && plan.damping == 1 && may_train_in_place(is);
  plan.settles = settles(plan, is);
  plan.why.discipline = choice_of_discipline(is.options);
  plan.why.block.value = fmt::format("{}", plan.block_rows);
  if (plan.strides.rows == 0) plan.why.refresh = {"never", why_no_refresh(is)};
  plan.why.tau = choice_of_tau(plan, is);
  plan.why.step.value = fmt::format("{:.4g}", std::min(plan.clock.step, plan.clock.cap));
  if (plan.clock.cap < plan.clock.step)
    plan.why.step.why +=
        fmt::format(", but no more than lets {} blocks at the same time not overshoot", is.parallel);
}

void make_steps(Plan& plan, const Trial& trial, const Setting& is) {
  plan.bias_square = trial.bias_square();
  if (is.options.schedule == Schedule::kTheorem) {
    plan.theorem = theorem_of(trial, is.options);
    plan.clock.step = plan.theorem->step;
    plan.why.step.why = "what the theorem asks for";
    return;
  }
  Reasoned<double> step = choose_step(trial, is.data, is.options, is.parallel);
  plan.clock.step = step.value;
  plan.why.step.why = std::move(step.why);
}

// Where the objective knows the steps that suit it.
void fit_pace(Plan& plan, const Pace& pace, const Setting& is) {
  plan.clock.step = is.options.step.value_or(pace.step);
  plan.why.step.why = is.options.step ? kAsked : fmt::format("what {} begins with", is.objective.name());
  if (plan.block_rows == 0) take(plan, settled_block_rows(is));
  fit_tasks(plan, is);
  fit_strides(plan, {settled_stale_rows(is), fmt::format("so few that {} bears it", is.objective.name())},
              is);
  conclude(plan, is);
}

// Threads share blocks of a few rows, which cost more to make, and their pulls and pushes nearly as much as the steps between.
bool dual_better_alone(const Setting& one, int threads) {
  constexpr double kMoreToMake = 4;  // nanoseconds a non-zero
  constexpr double kStep = 0.6;
  constexpr double kMoved = 2.5;  // what a step takes, in all, where it is pulled and pushed
  if (threads == 1 || one.options.block_rows > 0 || !may_train_in_place(one) ||
      choose_support(one, 1) == Support::kTouched)
    return false;
  return one.options.epochs * kStep * (threads - kMoved) < kMoreToMake;
}

void fit_dual(Plan& plan, const Trial& trial, const Setting& is) {
  const Setting one = is.with_threads(1);
  if (dual_better_alone(one, is.threads)) {
    plan.workers = 1;
    return fit_dual(plan, trial, one);
  }
  const DualPlan dual(trial, is.parallel);
  if (plan.block_rows == 0)
    take(plan, one_sample_blocks(is.options)
                   ? by_sample()
                   : Rows{dual.block_rows(is.data),
                          is.parallel > 1
                              ? "small enough that what threads change at the same time does not overshoot"
                              : "few enough that the sampler has something to shuffle"});
  fit_tasks(plan, is);
  plan.proximal = dual.proximal(is.objective, is.options.l2, is.data.dimension());
  plan.damping = dual.damping(plan.block_rows);
  conclude(plan, is);
}

// One worker goes through the data as it lies.
void fit_alone(Plan& plan, const Setting& is) {
  const Setting one = is.with_threads(1);
  plan.alone = true;
  if (is.threads > 1) plan.workers = 1;
  Rows rows = most_stale_rows(one);
  rows.why = "one worker goes through the data as it lies, on the weights themselves; " + rows.why;
  take(plan, std::move(rows));
  fit_tasks(plan, one);
  conclude(plan, one);
}

void fit_steps(Plan& plan, const Trial& trial, const Setting& is) {
  const auto better_alone = [&](const Rows& rows) {
    return !is.layout.ranked() && is.data.better_alone(is.objective, is.threads, rows.value);
  };
  if (better_alone(most_stale_rows(is))) return fit_alone(plan, is);
  const Overshoot overshoot(trial, is.parallel);
  if (const int few = worthwhile_workers(overshoot, is, plan.clock.step); few < is.threads) {
    plan.workers = few;
    return fit_steps(plan, trial, is.with_threads(few));
  }
  Rows stale = choose_stale_rows(is, plan.clock.step, overshoot);
  if (better_alone(stale)) return fit_alone(plan, is);
  if (may_be_large(is) && stale.value > kMostStaleRows)
    stale = {kMostStaleRows, "hot columns are fresh enough so, and their exchange still costs little"};
  if (plan.block_rows == 0) take(plan, choose_block_rows(is, stale, overshoot.shares_much()));
  fit_tasks(plan, is);
  fit_strides(plan, stale, is);
  cap_step(plan, overshoot, is);
  conclude(plan, is);
}

}  // namespace

const Plan& checked(const Plan& plan, std::size_t least_window) {
  if (plan.window >= least_window) return plan;
  throw InputError(fmt::format("tau = {}: must be >= {}, {} tasks, for so many NUMA nodes", plan.tau(),
                               least_window * plan.task_blocks * plan.block_rows, least_window));
}

// With a smaller bound, w = 0 would do.
Theorem theorem_of(const Trial& trial, const Options& options) {
  const double accuracy = *options.accuracy;
  const double m = options.l2;
  const double bound = std::max(trial.gradient_bound(), m * std::sqrt(accuracy));
  const double ratio = bound * bound / (m * m);
  return {.strong_convexity = m,
          .gradient_bound = bound,
          .step = accuracy * m / (2 * bound * bound),
          .samples = std::max(0.0, 2 * ratio / accuracy * std::log(2 * ratio / accuracy))};
}

Problem problem_of(const Options& options, const Objective& objective, const Plan& plan) {
  return {.rule = options.rule,
          .scales = !objective.shape().terms,
          .l1 = options.l1,
          .l2 = options.l2,
          .others = plan.others,
          .proximal = plan.proximal,
          .damping = plan.damping,
          .bias_square = plan.bias_square};
}

std::unique_ptr<Writer> writer_of(const Options& options, const Plan& plan, const Layout& layout,
                                  Parameters& parameters) {
  const auto virtual_workers = static_cast<std::size_t>(options.simulate);
  auto writer = virtual_workers > 0 ? make_simulated_writer(parameters, virtual_workers)
                                    : make_writer(discipline_of(options), parameters, plan.round_tasks);
  if (options.sparsify == Sparsify::kNone) return writer;
  const Mask mask{.by = options.sparsify,
                  .keep = options.keep,
                  .first_cell = layout.common(),
                  .weight_floats = layout.weight_floats(),
                  .seed = options.seed};
  const std::size_t slots = traits_of(discipline_of(options)).rounds ? plan.round_tasks : virtual_workers;
  return make_sparsifying_writer(std::move(writer), parameters, mask, slots);
}

Units units_of(std::span<const Block> blocks, const Plan& plan) {
  Units units{.rows = {},
              .task_units = plan.task_blocks,
              .task_part = plan.task_part,
              .round_tasks = plan.round_tasks};
  for (const Block& block : blocks) {
    units.rows.push_back(static_cast<std::uint32_t>(block.rows()));
    units.ends.resize(std::max(units.ends.size(), block.node + 1));
    units.ends[block.node] = units.rows.size();
  }
  return units;
}

Plan make_plan(const Source& data, const Layout& layout, std::span<const float> start,
               const Objective& objective, const Options& options, int threads) {
  const Setting is{data, layout, objective, options, threads};
  Plan plan{.block_rows = options.block_rows, .simulated = options.simulate};
  plan.clock = {.schedule = schedule_of(options, objective),
                .decay = decay_of(options),
                .fading = fading_of(objective, data, options.l2, options.epochs),
                .l2 = options.l2,
                .rows = static_cast<double>(data.rows()),
                .epochs = static_cast<double>(options.epochs)};
  if (plan.block_rows > 0)
    plan.why.block.why = data.file()                     ? "as the block file has them"
                         : plan.block_rows > data.rows() ? "all rows that there are"
                                                         : kAsked;
  if (const auto pace = objective.pace(options.rule)) {
    fit_pace(plan, *pace, is);
  } else {
    const Trial trial(data, layout, start, objective, options);
    make_steps(plan, trial, is);
    traits_of(options.rule).dual ? fit_dual(plan, trial, is) : fit_steps(plan, trial, is);
    if (plan.note.empty()) plan.note = note_on_scales(trial, is);
  }
  plan.why.threads = choice_of_threads(plan, options, threads);
  return plan;
}

}  // namespace sounder
