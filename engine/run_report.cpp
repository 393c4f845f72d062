#include "engine/run_report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace sounder {

Report start_report(const Source& data, const Objective& objective, const Options& options,
                    const Arena& arena) {
  Report report;
  report.objective_name = objective.name();
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
  report.schedule = plan.clock.schedule;
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

void add_note(std::string& note, const std::string& more) {
  if (!note.empty() && !more.empty()) note += "; ";
  note += more;
}

// What may help, of that what there is.
std::string advice_of(const Report& report, const Objective& objective) {
  const bool steps = traits_of(report.options.rule).step != StepChoice::kNone;
  const Shape shape = objective.shape();
  std::vector<std::string_view> mends;
  if (report.options.step) mends.emplace_back("take a smaller step, or none, to have it found");
  if (!shape.pairs) mends.emplace_back("scale the columns to about [-1, 1] or normalize the rows");
  if (shape.regularised) mends.emplace_back("raise l2");
  return fmt::format("the run was rolled back and {} quartered {} times in vain{}{}",
                     steps ? "its step" : "its changes", report.rollbacks, mends.empty() ? "" : ": ",
                     fmt::join(mends, ", or "));
}

}  // namespace sounder
