#include "engine/plan_reasons.h"

#include <fmt/format.h>

#include "engine/step_search.h"
#include "io/counted.h"

namespace sounder {

std::string why_tried(const Trial& trial) {
  const double tie = 100 * (search_for(trial).tie - 1);
  const char* const less = trial.smooth() ? "" : "; smaller, the smaller a part of all rows these are";
  if (trial.adapts())
    return fmt::format(
        "found by trial, two passes over {}: the power of four nearest to 1{} within "
        "{:.2g} % of the best loss and of what the best takes off it",
        counted(trial.learned(), "row"),
        trial.choice() == StepChoice::kUnit ? "" : " (times 3 over the length of a typical sample)", tie);
  if (trial.goes_on())
    return fmt::format(
        "found by trial, two passes over {}: the power of four nearest to 1 (times the step that "
        "moves a margin by its slope) within {:.1g} % of the best on other rows{}",
        counted(trial.learned(), "row"), tie, less);
  return fmt::format(
      "found by trial, two passes over {}: the smallest power of two (times the step that moves a "
      "margin by its slope) within {:.0f} % of the best{}",
      counted(trial.rows(), "row"), tie, less);
}

std::string why_no_refresh(const Setting& is) {
  if (is.parallel == 1) return "only one thread";
  if (!is.layout.ranked())
    return "the data is trained on as it lies, and which of its columns are hot is not known";
  if (is.options.simulate > 0) return "simulated workers exchange whole blocks";
  if (may_be_large(is) && stays_whole(is))
    return "blocks are tiles, which share few columns with those at work beside them";
  if (may_be_large(is)) return "blocks are short enough without";
  return is.discipline.refreshes
             ? "with this rule, average or sparsify, the changes of a block count all together only"
             : "the discipline writes whole blocks only";
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
    return {"1", "more threads would spend longer on moving the model than they save"};
  if (plan.workers > 0)
    return {
        fmt::format("{}", plan.workers),
        fmt::format("with more than {}, steps would have to be far smaller, as all rows share a direction",
                    plan.workers)};
  if (options.simulate > 0) return {"1", "simulated workers take turns"};
  return {fmt::format("{}", threads),
          options.threads > 0
              ? kAsked
              : "as many as are available and have at least some 100 us of work an epoch each"};
}

Choice choice_of_discipline(const Options& options) {
  return {
      std::string(name_of(discipline_of(options))),
      options.discipline ? kAsked : "no update is lost, and none of the others was measured to be faster"};
}

}  // namespace sounder
