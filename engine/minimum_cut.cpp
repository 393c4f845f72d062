#include "engine/minimum_cut.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "engine/stopwatch.h"
#include "engine/train.h"
#include "objectives/cut_rounding.h"
#include "objectives/graph_cut.h"

namespace sounder {
namespace {

double energy_of_relaxed(const CutProblem& problem, std::vector<float> weights) {
  for (std::size_t i = 0; i < weights.size(); i += problem.width) {
    const auto x = std::span(weights).subspan(i, problem.width);
    nearest_label(x, x);
  }
  return energy_of(problem, weights);
}

// As the report has it: gap = (objective - bound) / |objective|. A run that went wrong proves nothing.
double bound_of(const Report& report) {
  const double bound = report.objective - *report.gap * std::fabs(report.objective);
  return std::isfinite(bound) ? bound * static_cast<double>(report.samples)
                              : -std::numeric_limits<double>::infinity();
}

// No more than what proves a minimum: with whole capacities, a cut less than one above the bound is one.
double gap_of_proof(const CutProblem& problem, double gap) {
  const double rounding = rounding_of(problem);
  const double most = rounding / std::numeric_limits<double>::epsilon();  // that a cut can be
  return problem.whole && most > 0 ? std::max(gap, (0.5 - rounding) / most) : gap;
}

// Without edges, every node has the label that costs least.
Cut cut_from(const CutProblem& problem, std::span<const float> weights) {
  Cut cut{.labels = round_cut(problem, weights)};
  cut.energy = energy_of(problem, cut.labels);
  cut.relaxed_energy = cut.bound = cut.energy;
  return cut;
}

}  // namespace

Options cut_options() {
  Options options;
  options.rule = Rule::kSdca;
  options.l2 = 0;
  options.epochs = 300;
  options.gap = 1e-3;
  return options;
}

Cut minimum_cut(const CutProblem& problem, const Options& options, const Monitor& monitor) {
  const Clock::time_point start = Clock::now();
  validate(options);
  const double rounding = rounding_of(problem);
  Cut cut;
  if (problem.edges.rows() == 0) {
    cut = cut_from(problem, std::vector<float>(problem.linear.size()));
    cut.report.outcome = Outcome::kConverged;
    cut.report.options = options;
  } else {
    Options proving = options;
    proving.gap = gap_of_proof(problem, options.gap);
    const double least = (problem.least + rounding) / static_cast<double>(problem.edges.rows());
    proving.target = std::max(options.target.value_or(least), least);
    Trained trained = train(problem.edges, *make_graph_cut(problem), proving, monitor);
    cut = cut_from(problem, trained.model.weights);
    cut.relaxed_energy = std::min(cut.energy, energy_of_relaxed(problem, std::move(trained.model.weights)));
    cut.bound = std::min(cut.energy, std::max(problem.least, bound_of(trained.report)));
    cut.report = std::move(trained.report);
    cut.report.options = options;
  }
  for (double* const energy : {&cut.energy, &cut.relaxed_energy, &cut.bound})
    if (std::fabs(*energy) <= rounding) *energy = 0;  // of costs that cancel out
  const double open = cut.energy - cut.bound;
  cut.gap = open / std::max(std::fabs(cut.energy), std::numeric_limits<double>::min());
  cut.optimal = (problem.whole && open + rounding < 1) || cut.energy <= problem.least + rounding;
  cut.seconds = seconds_since(start);
  return cut;
}

}  // namespace sounder
