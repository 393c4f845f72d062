#include "program/inspect.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "io/error.h"
#include "io/input.h"
#include "io/lines.h"
#include "io/max_flow.h"
#include "io/output.h"
#include "objectives/catalogue.h"
#include "objectives/graph_cut.h"
#include "program/commands.h"
#include "program/cut.h"

namespace sounder {
namespace {

// The samples, what is minimised over them, and what their coordinates are called.
struct Problem {
  Dataset samples;
  std::unique_ptr<Objective> objective;
  Options options;
  std::function<std::string(std::uint32_t)> name;
};

// A pipe can be read once only, so it is not looked at: what comes from there is no network.
bool is_network(const std::string& path) {
  std::error_code unreadable;
  if (!std::filesystem::is_regular_file(path, unreadable)) return false;
  return is_max_flow(Input(path).bytes());
}

// Of a network there is nothing to say about samples and a loss.
void check_network(const InspectFlags& flags) {
  constexpr std::array<std::string_view, 8> kSuits = {"DATA",      "--json",  "--plot",    "--hot",
                                                      "--hottest", "--exact", "--threads", "--seed"};
  for (const std::string& flag : flags.given) {
    if (std::ranges::find(kSuits, flag) == kSuits.end())
      throw InputError({flags.data}, fmt::format("found a network, for which {} has no meaning", flag));
  }
}

Problem read_network(const InspectFlags& flags) {
  check_network(flags);
  const CutProblem cut = read_cut_problem(flags.data);
  Options options = cut_options();
  options.threads = flags.options.threads;
  options.seed = flags.options.seed;
  return {.samples = cut.edges,
          .objective = make_graph_cut(cut),
          .options = options,
          .name = [](std::uint32_t node) { return fmt::format("node {}", node + 1); }};
}

std::string kind_of(SampleFormat format, std::size_t part) {
  if (format == SampleFormat::kRatings) return part == 0 ? "user " : "item ";
  if (format == SampleFormat::kDocword) return part == 0 ? "document " : "";
  return "";
}

// Coordinates have the names of the scheme, list after list, else those of the vocabulary, else their
// numbers.
std::string name_in(const SampleScheme& scheme, const std::vector<std::string>& words,
                    std::uint32_t coordinate) {
  std::size_t place = coordinate;
  for (std::size_t part = 0; part < scheme.names.size(); ++part) {
    if (place < scheme.names[part].size()) return kind_of(scheme.format, part) + scheme.names[part][place];
    place -= scheme.names[part].size();
  }
  if (coordinate < words.size()) return words[coordinate];
  return fmt::format("column {}", std::uint64_t{coordinate} + scheme.index_base);
}

Problem read_problem(const InspectFlags& flags, Arena& arena) {
  if (is_network(flags.data)) return read_network(flags);
  TrainingData data = read_for_training(flags, parallel_on(arena));
  std::vector<std::string> words;
  if (!flags.vocabulary.empty()) words = read_lines(flags.vocabulary);
  return {.samples = std::move(data.samples),
          .objective = std::move(data.objective),
          .options = flags.options,
          .name = [scheme = std::move(data.scheme), words = std::move(words)](std::uint32_t coordinate) {
            return name_in(scheme, words, coordinate);
          }};
}

}  // namespace

int run(const InspectFlags& flags, Interrupts& interrupts) {
  std::optional<ProgressLine> progress(flags.json == kStandardOutput);
  progress->rewrite(fmt::format("reading {}", flags.data));
  Arena arena(flags.options);
  const Problem problem = read_problem(flags, arena);
  progress->rewrite("inspecting");
  InspectReport report{
      .flags = flags,
      .objective = problem.objective->name(),
      .l2 = problem.options.l2,
      .names = {},
      .found = inspect(problem.samples, *problem.objective, problem.options, flags.how, arena)};
  for (const HotCoordinate& hot : report.found.hottest) report.names.push_back(problem.name(hot.coordinate));
  progress.reset();
  const Interrupts::Hold hold(interrupts);
  if (!flags.json.empty()) write_file(flags.json, json_of(report));
  if (!flags.plot.empty()) write_file(flags.plot, to_svg(charts_of(report)));
  if (flags.json != kStandardOutput && flags.plot != kStandardOutput) say(text_of(report));
  return interrupts.exit_code();
}

}  // namespace sounder
