#include "program/cut.h"

#include <fmt/format.h>

#include <cmath>
#include <optional>

#include "engine/stopwatch.h"
#include "io/counted.h"
#include "io/error.h"
#include "io/json_text.h"
#include "io/max_flow.h"
#include "io/memory.h"
#include "io/output.h"

namespace sounder {
namespace {

using Json = nlohmann::ordered_json;

// What a cut holds for each node and label, at least: costs, cells, anchors, weights, the best of them.
constexpr double kBytesPerLabel = 40;

// One line of the file is enough to ask for more memory than there is, which the system may grant first and punish
// later.
void check_size(const FlowNetwork& network, const std::string& path) {
  const auto labels = static_cast<double>(network.terminals.size());
  if (network.nodes * labels * kBytesPerLabel <= static_cast<double>(machine_memory())) return;
  throw InputError({path}, fmt::format("not enough memory for {} and {}", counted(network.nodes, "node"),
                                       counted(network.terminals.size(), "terminal")));
}

// Of two terminals s or t, of more the class of the terminal.
std::string lines_of(const CutProblem& problem, const std::vector<std::uint32_t>& labels) {
  std::string text;
  for (const std::uint32_t label : labels) {
    if (problem.labels() == 2) {
      text += label == 0 ? "s\n" : "t\n";
    } else {
      text += fmt::format("{}\n", label + 1);
    }
  }
  return text;
}

std::string describe(const EpochReport& row, double edges) {
  const double energy = std::round(row.objective * edges * 1e4) / 1e4;
  const std::string gap = energy == 0 ? "" : fmt::format("  gap {:.3g} %", 100 * row.gap.value_or(0));
  return fmt::format("epoch {}  cut {:.10g}{}  {:.3f} s", row.epoch, energy, gap, row.seconds);
}

}  // namespace

CutProblem read_cut_problem(const std::string& path) {
  const FlowNetwork network = read_max_flow(path);
  check_size(network, path);
  return cut_problem(network, path);
}

Cut cut_with_progress(const CutProblem& problem, const CutFlags& flags, ProgressLine& progress,
                      Interrupts& interrupts) {
  const auto edges = static_cast<double>(problem.edges.rows());
  const auto tell = [&](const EpochReport& row) {
    progress.rewrite(describe(row, edges));
    progress.append(describe(row, edges));
  };
  return minimum_cut(problem, flags.options,
                     {.on_epoch = tell, .on_progress = {}, .stop = interrupts.token(), .validation = {}});
}

Json to_json(const Cut& cut, const CutProblem& problem) {
  return {{"outcome", name_of(cut.report.outcome)},
          {"cut", cut.energy},
          {"relaxed_energy", cut.relaxed_energy},
          {"bound", cut.bound},
          {"gap", cut.gap},
          {"proved_optimal", cut.optimal},
          {"nodes", problem.nodes()},
          {"edges", problem.edges.rows()},
          {"labels", problem.labels()},
          {"epochs", cut.report.epochs},
          {"seconds", cut.seconds},
          {"training", Json::parse(cut.report.to_json())}};
}

std::string describe(const Cut& cut, const CutProblem& problem) {
  const std::string below =
      cut.energy == 0 ? "" : fmt::format(": {:.{}g} % below", 100 * cut.gap, cut.gap < 0.995 ? 2 : 3);
  const std::string proof =
      cut.optimal ? "the minimum" : fmt::format("the minimum is at least {:.10g}{}", cut.bound, below);
  return fmt::format("cut {:.10g}, {} ({}, {}, {}; {}: {}, {:.2f} s, {})\n", cut.energy, proof,
                     counted(problem.nodes(), "node"), counted(problem.edges.rows(), "edge"),
                     counted(problem.labels(), "label"), name_of(cut.report.outcome),
                     counted(cut.report.epochs, "epoch"), cut.seconds, counted(cut.report.threads, "thread"));
}

int exit_code_of(const Cut& cut, const Interrupts& interrupts) {
  if (cut.report.outcome != Outcome::kDiverged) return interrupts.exit_code();
  complain("diverged: " + cut.report.advice);
  return kFailure;
}

int run(const NetworkFlags& flags, Interrupts& interrupts) {
  std::optional<ProgressLine> progress(flags.quiet);
  progress->rewrite(fmt::format("reading {}", flags.network));
  double load_seconds = 0;
  const CutProblem problem = timed(load_seconds, [&] { return read_cut_problem(flags.network); });
  const Interrupts::Hold hold(interrupts);
  const Cut cut = cut_with_progress(problem, flags, *progress, interrupts);
  progress.reset();
  if (!flags.labels.empty()) write_file(flags.labels, lines_of(problem, cut.labels));
  if (!flags.report.empty()) {
    Json json = to_json(cut, problem);
    json["load_seconds"] = load_seconds;
    write_file(flags.report, json_text(json));
  }
  if (!flags.quiet) say_beside(flags.outputs(), describe(cut, problem));
  return exit_code_of(cut, interrupts);
}

}  // namespace sounder
