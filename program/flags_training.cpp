#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "io/error.h"
#include "objectives/catalogue.h"
#include "program/flag_groups.h"
#include "program/flag_kinds.h"

namespace sounder {
namespace {

constexpr std::array kSchedules = {Schedule::kAuto,    Schedule::kAnneal,    Schedule::kConstant,
                                   Schedule::kLinear,  Schedule::kGeometric, Schedule::kInverse,
                                   Schedule::kBackoff, Schedule::kTheorem};

constexpr std::array kSparsify = {Sparsify::kNone, Sparsify::kTopK, Sparsify::kRandomK};

// A parameter of some objectives; make_objective() refuses those that are not the objective's.
struct ParameterFlag {
  const char* flag;
  const char* name;
  const char* unit;
  const char* help;
};
constexpr std::array kParameterFlags = {
    ParameterFlag{"--huber-delta", "huber_delta", "D",
                  "huber: residual beyond which it is linear, in units of the label (1)"},
    ParameterFlag{"--hidden", "hidden", "N", "network: units of the hidden layer (256)"},
    ParameterFlag{"--topics", "topics", "K", "topic_model: how many (50)"},
    ParameterFlag{"--alpha", "alpha", "X",
                  "topic_model: tokens of each topic beforehand in a document (0.05)"},
    ParameterFlag{"--beta", "beta", "X", "topic_model: tokens of each word beforehand in a topic (0.05)"},
    ParameterFlag{
        "--rank", "rank", "K",
        "matrix_completion...: weights of a user and of an item (32); word_embedding: of a word (50)"},
    ParameterFlag{"--most-weight", "most_weight", "X",
                  "word_embedding: a pair weighs as often as it is met, at most X (100)"},
    ParameterFlag{"--biases", "biases", "0|1",
                  "matrix_completion...: a bias of each user and item as well (1)"},
    ParameterFlag{"--non-negative", "non_negative", "0|1", "matrix_completion...: no weight below 0 (0)"},
    ParameterFlag{"--negative-weight", "negative_weight", "X",
                  "matrix_completion_one_class: of a pair not observed over one that is (1)"}};

// --- Flags of both

void add_problem_flags(CLI::App& app, ProblemFlags& flags) {
  app.option_defaults()->group("What is minimised");
  app.add_option("--objective", flags.objective, "Loss; listed below")
      ->capture_default_str()
      ->type_name("NAME");
  for (const ParameterFlag& flag : kParameterFlags) {
    const auto parse = [&flags, flag](const std::string& text) {
      assign(flag.flag, text, flags.parameters[flag.name]);
    };
    app.add_option_function<std::string>(flag.flag, parse, flag.help)->type_name(flag.unit);
  }
  add_number(app, "--l2", flags.options.l2, "X",
             "Objective = mean loss + X/2 |w|^2 + ...; smaller for more data");
  add_number(app, "--l1", flags.options.l1, "X",
             "... + X |w|_1; the larger, the more weights are exactly zero");
  app.add_flag("--bias", flags.options.bias, "Add a constant that is not regularised");
  add_number(app, "--positive-above", flags.labels.positive_above, "X",
             "Two classes of many: labels above X are positive");
  add_number(app, "--positive-class", flags.labels.positive_class, "C",
             "Two classes of many: label C is positive");
  app.add_flag("--normalize", flags.normalize, "Scale every row to Euclidean length 1");
}

void add_method_flags(CLI::App& app, Options& options) {
  app.option_defaults()->group("How");
  add_number(app, "--epochs", options.epochs, "N", "Passes over the data, at most");
  add_choice(app, "--rule", options.rule, all_rules(), "NAME", "How a step moves the weights; listed below");
  add_number_or<std::optional<double>>(app, "--step", "auto", std::nullopt, options.step,
                                       "First step; auto: found on a sample of the data");
  add_choice(
      app, "--schedule", options.schedule, kSchedules, "NAME",
      "Step over time. anneal: 1/t, and to 0 at the last epoch; constant; linear: to 0 at the last epoch; "
      "geometric: decaying by epoch; inverse: 1/t; backoff: constant in phases that grow as it decays; "
      "theorem: constant, as small as the theory asks for; auto: what suits the rule, anneal, linear or "
      "constant");
  add_number(app, "--decay", options.decay, "X",
             "Factor an epoch of --schedule geometric (default 0.9), a phase of backoff (default 0.37)");
  add_number(app, "--accuracy", options.accuracy, "X",
             "The expected |w - w*|^2 that --schedule theorem aims at");
  add_number_or(app, "--average-from", "never", 0, options.average_from,
                "Return the mean of all iterates from epoch N on, not the last");
  add_choice(app, "--sparsify", options.sparsify, kSparsify, "none|top_k|random_k",
             "Of what a task changed, write a share only and remember the rest: what changed most, or any");
  add_number(app, "--keep", options.keep, "X", "The share that --sparsify writes");
  add_number(app, "--seed", options.seed, "N", "Of shuffling; same seed, one thread: same model");
}

void add_input_flags(CLI::App& app, ProblemFlags& flags) {
  add_samples(app, "DATA", flags.data)->required();
  app.option_defaults()->group("Files");
  add_labels(app, "--labels", flags.label_file, "DATA");
  add_index_base(app, flags.index_base, "First column number; default: 0 if the file has a column 0, else 1");
  add_path(app, "--vocabulary", flags.vocabulary, "Names of the words of a bag of words, one a line");
  add_number(app, "--min-count", flags.text.min_count, "N",
             "Of a text: words that it has less often are passed over");
  add_number(app, "--most-words", flags.text.most_words, "N",
             "Of a text: so many words are kept, the most frequent");
  add_number(app, "--window", flags.text.window, "N", "Of a text: words at most so far apart on a line meet");
}

std::string entry(std::string_view name, std::string_view help) {
  return fmt::format("  {:<15} {}\n", name, help);
}

std::string list_choices() {
  std::string text = "Objectives, z = w.x + b and y the label:\n";
  for (const CatalogueRow& row : catalogue()) text += entry(row.name, row.help);
  text += "\nRules:\n";
  for (const Rule rule : all_rules()) text += entry(name_of(rule), traits_of(rule).help);
  text += "\nDisciplines, how tasks write to the shared weights:\n";
  for (const Discipline discipline : all_disciplines())
    text += entry(name_of(discipline), traits_of(discipline).help);
  return text;
}

void check_problem(const CLI::App& app, const ProblemFlags& flags) {
  const auto given = [&](const char* flag) { return app.count(flag) > 0; };
  const auto objective = make_objective(flags.objective, flags.parameters);
  const bool other = objective->labels() != LabelKind::kTwoClass;
  refuse_if(given("--positive-above") && given("--positive-class"),
            "--positive-above and --positive-class contradict each other: give one");
  refuse_if(other && given("--positive-above"), "--positive-above needs an objective for two classes");
  refuse_if(other && given("--positive-class"), "--positive-class needs an objective for two classes");
  validate(flags.text);
}

void check_method(const CLI::App& app, const Options& options) {
  refuse_if(app.count("--keep") > 0 && options.sparsify == Sparsify::kNone,
            "--keep is the share that --sparsify top_k or random_k writes: give that as well");
}

// --- train

void add_stop_flags(CLI::App& app, Options& options) {
  app.option_defaults()->group("When to stop");
  add_number(app, "--tolerance", options.tolerance, "X",
             "Stop at a relative improvement (of the --valid loss, if any) below X; 0: never");
  add_number(app, "--evaluate-every", options.evaluate_every, "N",
             "Evaluate the objective every N epochs, and after the last");
  add_number(app, "--patience", options.patience, "N", "Evaluated epochs over which --tolerance looks");
  add_number(app, "--gap", options.gap, "X",
             "Stop at a relative duality gap of X or less, with a rule that has one; 0: never");
  add_number(app, "--target", options.target, "X", "Stop at an objective of X or less");
  add_number(app, "--time-limit", options.time_limit, "S", "Stop after S seconds of training");
}

void add_machine_flags(CLI::App& app, Options& options) {
  app.option_defaults()->group("Machine");
  add_arena_flags(app, options);
  add_choice_or(app, "--discipline", "auto", options.discipline, all_disciplines(), "NAME",
                "How tasks write to the shared weights; listed below; auto: atomic");
  add_number_or(app, "--block", "auto", std::size_t{0}, options.block_rows, "Rows a task works on at a time");
  add_number_or(
      app, "--refresh", "auto", std::size_t{0}, options.refresh_rows,
      "Rows after which a block pushes and pulls its hot columns in between, on two threads or more");
  add_number_or(
      app, "--simulate", "no", 0, options.simulate,
      "Virtual workers: simulate on one thread what so many workers' staleness does to convergence");
  add_number_or(app, "--tau", "auto", std::size_t{0}, options.tau,
                "Staleness bound, in rows; auto: two blocks a thread");
}

// --- tune

void remove(CLI::App& app, std::initializer_list<const char*> flags) {
  for (const char* flag : flags) app.remove_option(app.get_option(flag));
}

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
  app.add_option_function<std::string>("--l2s", l2s, "Each is tried with each of the steps; see train --l2")
      ->type_name("X,Y,...")
      ->default_str("1e-2,1e-3,1e-4,1e-5,1e-6");
  app.add_option_function<std::string>("--steps", steps, "First steps; auto: found for each l2 on a sample")
      ->type_name("X,Y,...")
      ->default_str("auto");
}

// What was given, but for what tells tune alone.
std::vector<std::string> arguments_for_train(const CLI::App& app, const TuneFlags& flags) {
  constexpr std::array kOwn = {"--l2s",    "--steps", "--valid-share", "--model",
                               "--report", "--quiet", "--time-limit"};
  std::vector<std::string> words{flags.data};
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

void validate_all(Options options, int Options::*field, const std::vector<int>& values) {
  for (const int value : values) {
    options.*field = value;
    validate(options);
  }
}

}  // namespace

void add_flags(CLI::App& app, TrainFlags& flags) {
  add_input_flags(app, flags);
  add_path(app, "--model", flags.model, "Where the model goes");
  add_report(app, flags.report);
  add_path(app, "--valid", flags.validation,
           "Held-out samples: tried every epoch, and decide which epoch is best");
  add_labels(app, "--valid-labels", flags.validation_labels, "--valid");
  add_ignore_unknown(app, flags.ignore_unknown, "--valid");
  add_number_or(
      app, "--folds", "none", std::size_t{0}, flags.folds,
      "Cross validation instead of a model: N parts at random, each judged by a model of the others");
  add_quiet(app, flags.quiet);
  add_problem_flags(app, flags);
  add_method_flags(app, flags.options);
  add_stop_flags(app, flags.options);
  add_machine_flags(app, flags.options);
  add_number(app, "--memory", flags.memory_mb, "MB",
             "A block file larger than this is read as it is needed; default: half of what is free");
  app.add_flag("--measure", flags.measure,
               "Report how stale blocks were and how much noise that made, against what the theory allows");
  app.footer(list_choices() +
             "\nExample:\n  sounder train rcv1.svm.gz --objective logistic --l2 1e-5 --model rcv1.model "
             "--report rcv1.json\n\nCtrl-C stops and keeps the best model so far; once more leaves at once.");
}

void add_flags(CLI::App& app, ConvertFlags& flags) {
  add_samples(app, "DATA", flags.data)->required();
  add_path(app, "FILE", flags.output, "Where the blocks go")->required();
  app.option_defaults()->group("Files");
  add_index_base(app, flags.index_base, "First column number; default: 0 if the file has a column 0, else 1");
  add_quiet(app, flags.quiet);
  add_problem_flags(app, flags);
  app.option_defaults()->group("How");
  add_choice(app, "--rule", flags.options.rule, all_rules(), "NAME",
             "What the blocks are to have room for, as are --bias, --l1 and --average");
  app.add_flag("--average", flags.average, "Make room for train --average-from");
  add_number_or(app, "--block", "auto", std::size_t{0}, flags.options.block_rows, "Rows of a block");
  add_number(app, "--seed", flags.options.seed, "N", "Of the order of the rows");
  add_threads(app, flags.options);
  remove(app, {"--l2"});
  app.footer(list_choices() +
             "\nObjectives that are linear, with two classes or real labels; a file for one of them is good "
             "for all with such labels.\n"
             "\nExample:\n  sounder convert rcv1.svm.gz rcv1.blocks\n  sounder train rcv1.blocks --l2 1e-5"
             "\n\nCtrl-C stops and writes nothing.");
}

void check(const CLI::App& app, const ConvertFlags& flags) {
  validate(flags.options);
  check_problem(app, flags);
  check_paths({flags.data}, {flags.output});
}

void take_defaults(const CLI::App& app, ProblemFlags& flags) {
  const auto given = [&](const char* flag) {
    const CLI::Option* option = app.get_option_no_throw(flag);
    return option != nullptr && option->count() > 0;
  };
  const Defaults defaults = make_objective(flags.objective, flags.parameters)->defaults();
  const Defaults usual;
  if (!given("--rule")) flags.options.rule = defaults.rule;
  if (!given("--l2")) flags.options.l2 = defaults.l2;
  if (!given("--epochs") && defaults.epochs != usual.epochs) flags.options.epochs = defaults.epochs;
}

void check(const CLI::App& app, const TrainFlags& flags) {
  validate(flags.options);
  check_problem(app, flags);
  check_method(app, flags.options);
  refuse_if(app.count("--folds") > 0 && flags.folds < 2,
            fmt::format("--folds = {}: must be >= 2", flags.folds));
  refuse_if(flags.folds > 0 && !(flags.model.empty() && flags.validation.empty()),
            "--folds trains no model to keep and holds out its own samples: leave out --model and --valid");
  refuse_if(flags.folds > 0 && flags.measure, "--measure tells about one run: leave out --folds");
  refuse_if(app.count("--patience") > 0 && flags.options.tolerance == 0,
            "--patience needs a --tolerance above 0");
  refuse_if(flags.ignore_unknown && flags.validation.empty(), "--ignore-unknown needs --valid");
  refuse_if(flags.memory_mb && !(*flags.memory_mb > 0),
            fmt::format("--memory = {}: must be > 0", flags.memory_mb.value_or(0)));
  check_paths({flags.data, flags.validation}, {flags.model, flags.report});
}

std::vector<Candidate> TuneFlags::candidates() const {
  std::vector<Candidate> all;
  for (const double l2 : l2s) {
    for (const auto& step : steps) all.push_back({.l2 = l2, .step = step});
  }
  return all;
}

void add_flags(CLI::App& app, TuneFlags& flags) {
  add_input_flags(app, flags);
  add_path(app, "--model", flags.model, "Where the best model goes");
  add_report(app, flags.report);
  add_path(app, "--valid", flags.validation, "Samples to choose by; not those of the final test");
  add_labels(app, "--valid-labels", flags.validation_labels, "--valid");
  add_ignore_unknown(app, flags.ignore_unknown, "--valid");
  add_quiet(app, flags.quiet);
  add_candidate_flags(app, flags);
  add_number(app, "--valid-share", flags.share, "X",
             "Without --valid: share of DATA, drawn at random, to choose by");
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
  validate(flags.options, flags.candidates());
  check_problem(app, flags);
  check_method(app, flags.options);
  refuse_if(!(flags.share > 0 && flags.share < 1),
            fmt::format("--valid-share = {}: must be > 0 and < 1", flags.share));
  refuse_if(app.count("--valid-share") > 0 && !flags.validation.empty(),
            "--valid and --valid-share contradict each other: give one");
  refuse_if(flags.ignore_unknown && flags.validation.empty(), "--ignore-unknown needs --valid");
  check_paths({flags.data, flags.validation}, {flags.model, flags.report});
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
  validate(flags.options);
  validate_all(flags.options, &Options::threads, flags.threads);
  validate_all(flags.options, &Options::simulate, flags.simulated.value_or(std::vector<int>()));
  check_problem(app, flags);
  check_method(app, flags.options);
  refuse_if(app.count("--target") > 0 && app.count("--above") > 0,
            "--target and --above contradict each other: give one");
  refuse_if(flags.above < 0, fmt::format("--above = {}: must be >= 0", flags.above));
  refuse_if(flags.repeat < 1, fmt::format("--repeat = {}: must be >= 1", flags.repeat));
  check_paths({flags.data}, {flags.report, flags.plot});
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
  app.footer(
      "DATA may also be a DIMACS maximum-flow file. Two samples conflict if they share a coordinate; how "
      "many do is "
      "estimated\nby draws, with an interval that holds it 95 times of 100. DATA and objectives are those of "
      "train.\n"
      "\nExample:\n  sounder inspect rcv1.svm.gz --objective logistic --l2 1e-5 --plot rcv1.svg");
}

void check(const CLI::App& app, const InspectFlags& flags) {
  validate(flags.options);
  check_problem(app, flags);
  const double hot = flags.how.hot_share;
  refuse_if(!(hot > 0 && hot <= 1), fmt::format("--hot = {}: must be > 0 and <= 1", hot));
  refuse_if(flags.how.accuracy && !(*flags.how.accuracy > 0),
            fmt::format("--accuracy = {}: must be > 0", flags.how.accuracy.value_or(0)));
  check_paths({flags.data, flags.vocabulary}, {flags.json, flags.plot});
}

}  // namespace sounder
