#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <vector>

#include "program/flag_groups.h"
#include "program/flag_kinds.h"

namespace sounder {
namespace {

// --- tune

void add_candidate_flags(CLI::App& app, TuneFlags& flags) {
  app.option_defaults()->group("What is tried");
  const auto l2s = [&flags](const std::string& text) {
    flags.l2s = parse_list<double>("--l2s", text, [](const std::string& word) {
      double l2 = 0;
      assign("--l2s", word, l2);
      return l2;
    });
  };
  const auto steps = [&flags](const std::string& text) {
    using Step = std::optional<double>;
    flags.steps = parse_list<Step>("--steps", text, [](const std::string& word) {
      Step step;
      if (word != "auto") assign("--steps", word, step);
      return step;
    });
  };
  app.add_option_function<std::string>(
         "--l2s", l2s,
         "Each is tried with each of the steps; default: the l2 of train times 100, 10, 1, 0.1 and 0.01")
      ->type_name("X,Y,...");
  app.add_option_function<std::string>("--steps", steps,
                                       "Initial step sizes; auto: found for each l2 on a sample")
      ->type_name("X,Y,...")
      ->default_str("auto");
}

// What was given, but for what tells tune alone.
std::vector<std::string> arguments_for_train(const CLI::App& app, const TuneFlags& flags) {
  constexpr std::array kOwn = {"--l2s",    "--steps", "--valid-share", "--model",
                               "--report", "--quiet", "--time-limit"};
  const bool like_a_flag = flags.data.size() > 1 && flags.data.front() == '-';
  std::vector<std::string> words{like_a_flag ? "./" + flags.data : flags.data};
  for (const CLI::Option* option : app.parse_order()) {
    const std::string name = option->get_name();
    if (option->get_positional() || std::ranges::find(kOwn, name) != kOwn.end()) continue;
    words.push_back(name);
    if (option->get_items_expected_max() > 0) words.push_back(option->results().front());
  }
  return words;
}

// --- speedup

Variant parse_variant(const std::string& text) {
  const auto colon = text.find(':');
  Variant variant{.discipline = choose("--disciplines", text.substr(0, colon), all_disciplines())};
  if (colon == std::string::npos) return variant;
  assign("--disciplines", text.substr(colon + 1), variant.block_rows);
  refuse_if(variant.block_rows == 0, fmt::format("--disciplines = {}: blocks must have >= 1 rows", text));
  return variant;
}

std::vector<int> parse_counts(const char* flag, const std::string& text) {
  return parse_list<int>(flag, text, [&](const std::string& word) {
    int count = 0;
    assign(flag, word, count);
    refuse_if(count < 1, fmt::format("{} = {}: must be >= 1", flag, word));
    return count;
  });
}

void add_measured_flags(CLI::App& app, SpeedupFlags& flags) {
  app.option_defaults()->group("What is measured");
  const auto variants = [&flags](const std::string& text) {
    flags.variants = parse_list<Variant>("--disciplines", text, parse_variant);
  };
  const auto threads = [&flags](const std::string& text) { flags.threads = parse_counts("--threads", text); };
  const auto workers = [&flags](const std::string& text) {
    flags.simulated = text == "none" ? std::vector<int>{} : parse_counts("--simulate", text);
  };
  app.add_option_function<std::string>(
         "--disciplines", variants,
         "Listed below; NAME:ROWS for blocks of so many rows; default: all, and "
         "racy:1, a sample at a time as HOGWILD!")
      ->type_name("A,B,...");
  app.add_option_function<std::string>("--threads", threads, "Default: 1, 2, 4, ... and all there are")
      ->type_name("N,M,...");
  app.add_option_function<std::string>("--simulate", workers,
                                       "Numbers of workers whose staleness is simulated; default: 1, 4, ..., "
                                       "1024, but at most an eighth of "
                                       "the rows")
      ->type_name("N,M,...|none");
  add_number(app, "--target", flags.target, "X", "The objective that counts as solved");
  add_number(app, "--above", flags.above, "PERCENT",
             "The same, as so much above the best objective of all runs");
  add_number(app, "--repeat", flags.repeat, "N", "Rounds, of which the median counts");
}

void validate_all(const Options& options, int Options::*field, const std::vector<int>& values) {
  for (const int value : values) {
    Options with = options;
    with.*field = value;
    validate(with);
  }
}

}  // namespace

std::vector<Candidate> TuneFlags::candidates() const {
  std::vector<Candidate> all;
  for (const double l2 : l2s) {
    for (const auto& step : steps) all.push_back({.l2 = l2, .step = step});
  }
  return all;
}

void add_flags(CLI::App& app, TuneFlags& flags) {
  add_input_flags(app, flags);
  add_output(app, "--model", flags.model, "Where the best model goes");
  add_report(app, flags.report);
  add_path(app, "--valid", flags.validation, "Samples to choose by; not those of the final test");
  add_labels(app, "--valid-labels", flags.validation_labels, "--valid");
  add_ignore_unknown(app, flags.ignore_unknown, "--valid");
  add_quiet(app, flags.quiet);
  add_candidate_flags(app, flags);
  flags.valid_share = 0.2;
  add_number(app, "--valid-share", flags.valid_share, "X",
             "Without --valid: share of DATA, drawn at random, to choose by")
      ->default_str(fmt::format("{}", *flags.valid_share));
  add_problem_flags(app, flags);
  add_method_flags(app, flags.options);
  add_machine_flags(app, flags.options);
  add_number(app, "--time-limit", flags.options.time_limit, "S", "Stop after S seconds of training");
  remove(app, {"--l2", "--step", "--average-from", "--simulate"});
  app.parse_complete_callback([&app, &flags] { flags.shared = arguments_for_train(app, flags); });
  app.footer(
      list_choices() +
      "\nAll candidates are trained at once, and ranked by the loss on samples that they are not trained "
      "on. Rules: sgd, adagrad and\nftrl; disciplines: atomic, lock_free and racy.\n"
      "\nExample:\n  sounder tune rcv1.svm.gz --objective logistic --l2s 1e-4,1e-5,1e-6 --model rcv1.model"
      "\n\nCtrl-C stops and ranks what there is.");
}

void check(const CLI::App& app, const TuneFlags& flags) {
  validate(flags.options, *make_objective(flags.objective, flags.parameters));
  validate(flags.options, flags.candidates());
  check_problem(app, flags);
  check_method(app, flags.options);
  check_validation(app, flags);
}

void add_flags(CLI::App& app, SpeedupFlags& flags) {
  for (const Discipline discipline : all_disciplines()) flags.variants.push_back({.discipline = discipline});
  flags.variants.push_back({.discipline = Discipline::kRacy, .block_rows = 1});
  flags.options.epochs = 20;
  add_input_flags(app, flags);
  add_report(app, flags.report);
  add_output(app, "--plot", flags.plot, "Draw the figures as SVG");
  add_quiet(app, flags.quiet);
  add_measured_flags(app, flags);
  add_problem_flags(app, flags);
  add_method_flags(app, flags.options);
  app.footer(
      list_choices() +
      "\nEvery discipline runs on every number of threads, in turn, round after round; speed-ups are over "
      "the "
      "faster of two\nserial runs: atomic on one thread, with blocks and a sample at a time. A block of one "
      "pays our price of a task at every\nsample: a loop without tasks is faster. Steps that are not given "
      "are those train would take, and may fall with threads.\n"
      "\nExample:\n  sounder speedup rcv1.svm.gz --l2 1e-5 --threads 1,2,4 --plot speedup.svg\n"
      "\nCtrl-C stops and writes nothing.");
}

void check(const CLI::App& app, const SpeedupFlags& flags) {
  validate(flags.options, *make_objective(flags.objective, flags.parameters));
  validate_all(flags.options, &Options::threads, flags.threads);
  validate_all(flags.options, &Options::simulate, flags.simulated.value_or(std::vector<int>()));
  check_problem(app, flags);
  check_method(app, flags.options);
  refuse_if(app.count("--target") > 0 && app.count("--above") > 0,
            "--target and --above contradict each other: give one");
  refuse_if(flags.above < 0, fmt::format("--above = {}: must be >= 0", flags.above));
  refuse_if(flags.repeat < 1, fmt::format("--repeat = {}: must be >= 1", flags.repeat));
}

void add_flags(CLI::App& app, InspectFlags& flags) {
  add_input_flags(app, flags);
  add_output(app, "--json", flags.json, "Write the same as JSON");
  add_output(app, "--plot", flags.plot, "Draw degrees and predictions as SVG");
  app.option_defaults()->group("What is told");
  add_number(app, "--hot", flags.how.hot_share, "X",
             "A coordinate is hot if more than this share of the samples touch it");
  add_number(app, "--hottest", flags.how.hottest, "N", "Coordinates named, those of most samples first");
  app.add_flag("--exact", flags.how.exact,
               "Count conflicts instead of estimating them: slow on data with hot coordinates");
  add_number(
      app, "--accuracy", flags.how.accuracy, "X",
      "The expected |w - w*|^2 that the theorem's step aims at; default: a hundredth of what |w*|^2 can be");
  add_problem_flags(app, flags);
  app.option_defaults()->group("How");
  add_threads(app, flags.options);
  add_number(app, "--seed", flags.options.seed, "N", "Of what is drawn at random");
  app.parse_complete_callback([&app, &flags] { flags.given = flags_given(app); });
  app.footer(list_objectives() +
             "\nDATA is that of train, or a DIMACS maximum-flow file. Two samples conflict if they share a "
             "coordinate; "
             "how many do is\nestimated by draws, with an interval that holds it 95 times of 100.\n"
             "\nExample:\n  sounder inspect rcv1.svm.gz --objective logistic --l2 1e-5 --plot rcv1.svg");
}

void check(const CLI::App& app, const InspectFlags& flags) {
  validate(flags.options, *make_objective(flags.objective, flags.parameters));
  check_problem(app, flags);
  const double hot = flags.how.hot_share;
  refuse_if(!(hot > 0 && hot <= 1), fmt::format("--hot = {}: must be > 0 and <= 1", hot));
  refuse_if(flags.how.accuracy && !(*flags.how.accuracy > 0),
            fmt::format("--accuracy = {}: must be > 0", flags.how.accuracy.value_or(0)));
}

}  // namespace sounder
