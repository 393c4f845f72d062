#include "engine/plan_reasons.h"

#include <fmt/format.h>

#include "engine/step_search.h"
#include "io/counted.h"

namespace sounder {

std::string why_tried(const Trial& trial) {
  const double tie = 100 * (search_for(trial).tie - 1);
  const char* const less = trial.smooth() ? "" : ", and less the smaller a part of all these are";
  if (trial.adapts())
    return fmt::format(
        "{}, times the power of four nearest to 1 that did within {:.2g} % of the best, and of what it took "
        "off the loss, "
        "in two passes over {}",
        trial.first_step() == 1 ? "1" : "3 over the length of a typical sample", tie,
        counted(trial.learned(), "row"));
  if (trial.goes_on())
    return fmt::format(
        "the power of four nearest to 1, times what moves a margin by its slope, that after two passes over "
        "{} "
        "did within "
        "{:.1g} % of the best on others{}",
        counted(trial.learned(), "row"), tie, less);
  return fmt::format(
      "the smallest power of two, times what moves a margin by its slope, that did within {:.0f} % "
      "of the best in two passes over {}{}",
      tie, counted(trial.rows(), "row"), less);
}

std::string why_no_refresh(const Setting& is) {
  if (is.parallel == 1) return "there is nobody to hear from";
  if (!is.layout.ranked()) return "which columns are hot is not known of data that is trained on as it lies";
  if (is.options.simulate > 0) return "simulated workers exchange whole blocks";
  if (may_be_large(is) && stays_whole(is)) return "a tile shares little with those at work beside it";
  if (may_be_large(is)) return "a block is no longer than that";
  return is.discipline.refreshes
             ? "a change counts once all of a block's are there, with this rule, average or mask"
             : "the discipline brings in whole blocks only";
}

std::string note_on_scales(const Trial& trial, const Setting& is) {
  constexpr double kMany = 0.1;
  if (trial.adapts() || !is.objective.suits(Rule::kAdagrad)) return "";
  const double share = trial.faint_share();
  if (share < kMany) return "";
  return fmt::format(
      "{:.0f} % of the values are in columns a hundred times smaller than the others, or more, which one "
      "step for all columns leaves behind: scale the columns (--scale-columns) or, if they differ by less "
      "than a thousand, take the rule adagrad",
      100 * share);
}

Choice choice_of_tau(const Plan& plan, const Setting& is) {
  const std::string value = fmt::format("{}", plan.tau());
  if (plan.simulated > 0) return {value, "the blocks of all other simulated workers"};
  if (is.options.tau == plan.tau()) return {value, kAsked};
  if (is.options.tau > 0)
    return {value, is.options.tau > is.data.rows()
                       ? "no more are in flight, whatever was asked for"
                       : fmt::format("as many whole tasks as {} allow", counted(is.options.tau, "row"))};
  if (is.discipline.disjoint) return {"0", "batches share no coordinate, so nothing is stale"};
  if (is.discipline.rounds) return {value, "a round, whose blocks step from the same weights"};
  const char* const cold =
      plan.strides.ends.empty() ? "" : "; columns that few rows touch may be older, by up to an epoch";
  return {value,
          fmt::format("two tasks{} for each thread, one at work and one that waits{}",
                      plan.task_blocks > 1 ? fmt::format(" of {} blocks", plan.task_blocks) : "", cold)};
}

Choice choice_of_threads(const Plan& plan, const Options& options, int threads) {
  if (plan.alone && threads > 1)
    return {"1", "more would move the model to and fro for longer than they save"};
  if (plan.workers > 0)
    return {fmt::format("{}", plan.workers),
            fmt::format("{} may take far larger steps, as all rows share a direction", plan.workers)};
  if (options.simulate > 0) return {"1", "simulated workers take turns"};
  return {
      fmt::format("{}", threads),
      options.threads > 0 ? kAsked : "as many as may be used and have some 100 us of an epoch to do each"};
}

Choice choice_of_discipline(const Options& options) {
  return {std::string(name_of(discipline_of(options))),
          options.discipline ? kAsked : "no update is lost, and none of the others reached a target sooner"};
}

}  // namespace sounder
