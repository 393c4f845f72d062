#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <array>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "engine/block_file.h"
#include "io/counted.h"
#include "objectives/catalogue.h"
#include "program/flag_groups.h"
#include "program/flag_kinds.h"

namespace sounder {
namespace {

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
    ParameterFlag{"--quantile", "quantile", "Q",
                  "quantile: the share of labels that shall lie below the prediction (0.5: the median)"},
    ParameterFlag{"--epsilon", "epsilon", "E",
                  "..._insensitive: error that costs nothing, in units of the label (0.1)"},
    ParameterFlag{"--hidden", "hidden", "N", "network: units of the hidden layer (256)"},
    ParameterFlag{"--topics", "topics", "K", "topic_model: how many (50)"},
    ParameterFlag{"--alpha", "alpha", "X", "topic_model: Dirichlet prior of topics in a document (0.05)"},
    ParameterFlag{"--beta", "beta", "X", "topic_model: Dirichlet prior of words in a topic (0.05)"},
    ParameterFlag{
        "--rank", "rank", "K",
        "matrix_completion...: weights of a user and of an item (32); word_embedding: of a word (50)"},
    ParameterFlag{"--most-weight", "most_weight", "X",
                  "word_embedding: cap on the co-occurrence count used as weight, GloVe's x_max (100)"},
    ParameterFlag{"--biases", "biases", "0|1",
                  "matrix_completion..., but _kl: a bias of each user and item as well (1)"},
    ParameterFlag{"--non-negative", "non_negative", "0|1",
                  "matrix_completion, ..._one_class: no weight below 0 (0)"},
    ParameterFlag{"--negative-weight", "negative_weight", "X",
                  "matrix_completion_one_class: of a pair not observed over one that is (1)"}};

ClassWeights parse_class_weights(const std::string& text) {
  constexpr const char* kFlag = "--class-weights";
  if (text == "balanced") return {.balanced = true};
  return {.of = parse_list<ClassWeight>(kFlag, text, [&](const std::string& word) {
            const auto colon = word.find(':');
            ClassWeight weight;
            refuse_if(
                colon == std::string::npos || !read_number(word.substr(0, colon), weight.label) ||
                    !read_number(word.substr(colon + 1), weight.weight) || weight.weight <= 0,
                fmt::format("{} = {}: must be balanced, or classes, each with a weight above 0, as 1:2.5",
                            kFlag, text));
            return weight;
          })};
}

std::string entry(std::string_view name, std::string_view help) {
  return fmt::format("  {:<28} {}\n", name, help);
}

// Of options that objectives may have their own defaults for.
std::string with_default(std::string_view help, std::string_view value) {
  return fmt::format("{}; default: {}, or what the objective has in brackets below", help, value);
}

// What an objective has of its own, in brackets.
std::string describe(const Defaults& defaults) {
  const Defaults usual;
  std::string text;
  const auto add = [&](const std::string& what) { text.append(text.empty() ? " [" : ", ").append(what); };
  if (defaults.rule != usual.rule) add(fmt::format("rule {}", name_of(defaults.rule)));
  if (defaults.l2 != usual.l2) add(fmt::format("l2 {}", defaults.l2));
  if (defaults.epochs != usual.epochs) add(counted(defaults.epochs, "epoch"));
  return text.empty() ? text : text + "]";
}

}  // namespace

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
             with_default("Objective = mean loss + X/2 |w|^2 + ...; smaller for more data",
                          fmt::format("{}", flags.options.l2)))
      ->default_str("");
  add_number(app, "--l1", flags.options.l1, "X",
             "... + X |w|_1; the larger, the more weights are exactly zero");
  app.add_flag("--bias", flags.options.bias, "Add a constant that is not regularised");
  add_number(app, "--positive-above", flags.labels.positive_above, "X",
             "Two classes of many: labels above X are positive");
  add_number(app, "--positive-class", flags.labels.positive_class, "C",
             "Two classes of many: label C is positive");
  app.add_option_function<std::string>(
         "--class-weights",
         [&flags](const std::string& text) { flags.class_weights = parse_class_weights(text); },
         "How much a sample of class C counts, where those of others count 1; balanced: every class has "
         "the same total weight")
      ->type_name("balanced|C:W,C:W,...");
  app.add_flag("--normalize", flags.normalize,
               "Scale every row to Euclidean length 1: for text, not for tables");
  app.add_flag("--scale-columns", flags.scale_columns,
               "Divide every column by its largest |value| for training; penalties apply to the scaled "
               "columns; the saved model takes unscaled data");
}

void add_method_flags(CLI::App& app, Options& options) {
  app.option_defaults()->group("How");
  add_number(app, "--epochs", options.epochs, "N",
             with_default("Passes over the data, at most", fmt::format("{}", options.epochs)))
      ->default_str("");
  add_choice(app, "--rule", options.rule, all_rules(), "NAME",
             with_default("How a step moves the weights; listed below", name_of(options.rule)))
      ->default_str("");
  add_number_or<std::optional<double>>(
      app, "--step", "auto", std::nullopt, options.step,
      "Initial step size (learning rate); auto: found on a sample of the data");
  add_choice(
      app, "--schedule", options.schedule, kValuesOf<kSchedules>, "NAME",
      "Step over time. anneal: 1/t, and to 0 at the last epoch; constant; linear: to 0 at the last epoch; "
      "geometric: decaying by epoch; inverse: 1/t; backoff: constant in phases that grow as it decays; "
      "theorem: constant, as small as the theory asks for; auto: what suits the rule, anneal, linear or "
      "constant");
  add_number(app, "--decay", options.decay, "X",
             "Factor an epoch of --schedule geometric (default 0.9), a phase of backoff (default 0.37)");
  add_number(app, "--accuracy", options.accuracy, "X",
             "The expected |w - w*|^2 that --schedule theorem aims at");
  add_number_or(app, "--average-from", "never", 0, options.average_from,
                "Polyak-Ruppert averaging: return the mean of all iterates from epoch N on");
  add_choice(app, "--sparsify", options.sparsify, kValuesOf<kSparsify>, "none|top_k|random_k",
             "Of what a task changed, write a share only and remember the rest: what changed most, or any");
  add_number(app, "--keep", options.keep, "X", "The share that --sparsify writes");
  add_number(app, "--seed", options.seed, "N", "Of shuffling; same seed, one thread: same model");
}

void add_input_flags(CLI::App& app, ProblemFlags& flags) {
  add_samples(app, "DATA", flags.data)->required();
  app.option_defaults()->group("Files");
  add_labels(app, "--labels", flags.label_file, "DATA");
  add_index_base(app, flags.index_base, "First column number; default: 0 if the file has a column 0, else 1");
  add_path(app, "--sample-weights", flags.sample_weights,
           "How much each sample of DATA counts, a number >= 0 a line");
  add_path(app, "--vocabulary", flags.vocabulary, "Names of the words of a bag of words, one a line");
  add_number(app, "--min-count", flags.text.min_count, "N",
             "Of a text: words that it has less often are passed over");
  add_number(app, "--most-words", flags.text.most_words, "N",
             "Of a text: so many words are kept, the most frequent");
  add_number(app, "--window", flags.text.window, "N", "Of a text: words at most so far apart on a line meet");
}

std::string list_objectives(bool stored_only) {
  std::string text = "Objectives, z = w.x + b and y the label:\n";
  for (const CatalogueRow& row : catalogue()) {
    const auto objective = row.make({});
    if (stored_only && !is_storable(*objective)) continue;
    text += entry(row.name, std::string(row.help) + describe(objective->defaults()));
  }
  return text;
}

std::string list_rules() {
  std::string text = "\nRules:\n";
  for (const Rule rule : all_rules()) text += entry(name_of(rule), traits_of(rule).help);
  return text;
}

std::string list_choices() {
  std::string text = list_objectives() + list_rules();
  text += "\nDisciplines, how tasks write to the shared weights:\n";
  for (const Discipline discipline : all_disciplines())
    text += entry(name_of(discipline), traits_of(discipline).help);
  return text;
}

bool given(const CLI::App& app, const char* flag) {
  const CLI::Option* option = app.get_option_no_throw(flag);
  return option != nullptr && option->count() > 0;
}

void check_problem(const CLI::App& app, const ProblemFlags& flags) {
  const auto objective = make_objective(flags.objective, flags.parameters);
  const bool other = objective->labels() != LabelKind::kTwoClass;
  refuse_if(given(app, "--positive-above") && given(app, "--positive-class"),
            "--positive-above and --positive-class contradict each other: give one");
  refuse_if(other && given(app, "--positive-above"), "--positive-above needs an objective for two classes");
  refuse_if(other && given(app, "--positive-class"), "--positive-class needs an objective for two classes");
  refuse_if(other && objective->labels() != LabelKind::kManyClass && given(app, "--class-weights"),
            "--class-weights needs an objective for classes");
  validate(flags.text);
  check_formats(app, flags);
}

void check_validation(const CLI::App& app, const TrainFlags& flags) {
  const double share = flags.valid_share.value_or(0.5);
  refuse_if(!(share > 0 && share < 1), fmt::format("--valid-share = {}: must be > 0 and < 1", share));
  refuse_if(app.count("--valid-share") > 0 && !flags.validation.empty(),
            "--valid and --valid-share contradict each other: give one");
  refuse_if(flags.ignore_unknown && flags.validation.empty(), "--ignore-unknown needs --valid");
  refuse_if(!flags.validation_labels.empty() && flags.validation.empty(), "--valid-labels needs --valid");
}

void check_method(const CLI::App& app, const Options& options) {
  refuse_if(app.count("--keep") > 0 && options.sparsify == Sparsify::kNone,
            "--keep is the share that --sparsify top_k or random_k writes: give that as well");
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
                "Staleness bound, in rows; auto: two tasks a thread, each a block or several");
}

void remove(CLI::App& app, std::initializer_list<const char*> flags) {
  for (const char* flag : flags) app.remove_option(app.get_option(flag));
}

void take_defaults(const CLI::App& app, ProblemFlags& flags) {
  const Defaults defaults = make_objective(flags.objective, flags.parameters)->defaults();
  const Defaults usual;
  if (!given(app, "--rule")) flags.options.rule = defaults.rule;
  if (!given(app, "--l2")) flags.options.l2 = defaults.l2;
  if (!given(app, "--epochs") && defaults.epochs != usual.epochs) flags.options.epochs = defaults.epochs;
}

// Around the default of the objective, in decimals without the dust of multiplication.
void take_defaults(const CLI::App& app, TuneFlags& flags) {
  take_defaults(app, static_cast<ProblemFlags&>(flags));
  if (!flags.l2s.empty()) return;
  for (const double factor : {1e2, 1e1, 1e0, 1e-1, 1e-2})
    assign("--l2s", fmt::format("{:.12g}", factor * flags.options.l2), flags.l2s.emplace_back());
  if (flags.options.l2 == 0) flags.l2s = {0};
}

}  // namespace sounder
