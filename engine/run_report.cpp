#include "engine/run_report.h"

#include <fmt/format.h>

namespace sounder {

Report start_report(const Source& data, const Objective& objective, const Options& options,
                    const Arena& arena) {
  Report report;
  report.objective_name = objective.name();
  report.objective = data.loss_of_zero(objective);
  report.samples = data.rows();
  report.coordinates = data.dimension();
  report.nonzeros = data.nonzeros();
  report.threads = arena.threads();
  for (std::size_t node = 0; node < arena.nodes(); ++node)
    report.nodes.push_back({.numa_node = arena.numa_node(node), .threads = arena.threads(node)});
  report.options = options;
  return report;
}

void tell_plan(Report& report, const Plan& plan) {
  // Of one node: where there are more, all work.
  if (plan.workers > 0) report.threads = report.nodes.front().threads = plan.workers;
  report.block_rows = plan.block_rows;
  report.refresh_rows = plan.strides.rows;
  report.tau = traits_of(discipline_of(report.options)).disjoint ? 0 : plan.tau();
  report.note = plan.note;
  report.choices = plan.why;
  report.theorem = plan.theorem;
}

void tell_growth(Report& report, double growth) {
  if (growth > 1)
    report.choices.step.why +=
        fmt::format(" (raised {:.3g} times during the run, as its epochs went well)", growth);
}

std::string advice_of(const Report& report) {
  const bool steps = traits_of(report.options.rule).step != StepChoice::kNone;
  return fmt::format(
      "the run was rolled back and {} quartered {} times in vain: scale the columns to about [-1, 1], "
      "normalize the rows, or raise l2",
      steps ? "its step" : "its changes", report.rollbacks);
}

}  // namespace sounder
