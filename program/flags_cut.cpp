#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "program/flag_groups.h"
#include "program/flag_kinds.h"

namespace sounder {
namespace {

void add_cut_flags(CLI::App& app, CutFlags& flags) {
  add_report(app, flags.report);
  add_quiet(app, flags.quiet);
  app.option_defaults()->group("When to stop");
  add_number(app, "--epochs", flags.options.epochs, "N", "Passes over the edges, at most");
  add_number(app, "--gap", flags.options.gap, "X",
             "Stop when the cut is proved to be within X of the minimum, relative; 0: to be it");
  add_number(app, "--time-limit", flags.options.time_limit, "S", "Stop after S seconds");
  app.option_defaults()->group("Machine");
  add_threads(app, flags.options);
  add_choice_or(app, "--discipline", "auto", flags.options.discipline, all_disciplines(), "NAME",
                "How tasks write to the shared weights; see train");
  add_number_or(app, "--block", "auto", std::size_t{0}, flags.options.block_rows,
                "Edges a task works on at a time");
  add_number(app, "--seed", flags.options.seed, "N",
             "Of the order of blocks; same seed, one thread: same cut");
}

}  // namespace

void add_flags(CLI::App& app, NetworkFlags& flags) {
  add_path_or(app, "NETWORK", "/dev/stdin", flags.network,
              "A DIMACS maximum-flow file, also .gz, .bz2 or .zst; \"n NODE CLASS\" instead of s and t makes "
              "a terminal "
              "of a multiway cut; -: standard input")
      ->required();
  add_output(app, "--labels", flags.labels,
             "One line a node: s or t, its side; of a multiway cut, its class");
  add_cut_flags(app, flags);
  app.footer(
      "Finds a set of arcs, of little capacity, that separates the terminals, and a lower bound for any such "
      "set."
      "\n\nExample:\n  sounder cut network.max.zst --gap 1e-4 --labels sides.txt --report cut.json"
      "\n\nCtrl-C stops and keeps the best cut so far.");
}

void check(const CLI::App&, const NetworkFlags& flags) {
  validate(flags.options);
}

void add_flags(CLI::App& app, SegmentFlags& flags) {
  add_path(app, "PHOTO", flags.photo, "A PNG, JPEG or PNM picture")->required();
  add_path(
      app, "--seeds", flags.seeds,
      "A picture of the same size: black where nothing is known, a colour for each thing to be told apart")
      ->required();
  add_output(
      app, "--output", flags.output,
      "Where the mask goes, as PNG: white for the brighter of two colours of seeds, else the colours of "
      "the seeds")
      ->required();
  add_number(app, "--smoothness", flags.segmentation.smoothness, "X",
             "The larger, the shorter the borders, and the less colours count");
  app.add_option("--neighbours", flags.segmentation.neighbours, "Of a pixel")
      ->check(CLI::IsMember({4, 8}).description(""))
      ->capture_default_str()
      ->type_name("4|8");
  add_cut_flags(app, flags);
  app.footer(
      "Cuts things out of a photo by their colours and edges, from seeds that were marked by hand."
      "\n\nExample:\n  sounder segment fish.jpg --seeds fish.seeds.png --output fish.mask.png"
      "\n\nCtrl-C stops and keeps the best mask so far.");
}

void check(const CLI::App&, const SegmentFlags& flags) {
  validate(flags.options);
  constexpr double kMost = 1e20;  // what borders cost in all is to fit a float
  const double smoothness = flags.segmentation.smoothness;
  refuse_if(!(smoothness >= 0 && smoothness <= kMost),
            fmt::format("--smoothness = {}: must be >= 0 and <= {:g}", smoothness, kMost));
}

}  // namespace sounder
