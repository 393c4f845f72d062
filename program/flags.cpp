#include "program/flags.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <initializer_list>
#include <memory>
#include <string_view>
#include <vector>

#include "io/error.h"
#include "io/output.h"
#include "objectives/catalogue.h"
#include "program/flag_kinds.h"

namespace sounder {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kHelpColumn = 34;

// --- Flags of several subcommands

CLI::Option* add_samples(CLI::App& app, const char* flag, std::string& path, const char* alternative = "") {
  const std::string help = "Samples in LIBSVM text, also .gz, .bz2 or .zst; -: standard input";
  return add_path_or(app, flag, "/dev/stdin", path, help + alternative);
}

CLI::Option* add_output(CLI::App& app, const char* flag, std::string& path, const std::string& help) {
  return add_path_or(app, flag, kStandardOutput, path, help + "; -: standard output");
}

template <class Base>
CLI::Option* add_index_base(CLI::App& app, Base& field, const char* help) {
  return app.add_option("--index-base", field, help)
      ->check(CLI::IsMember({"0", "1"}).description(""))
      ->type_name("0|1");
}

void add_ignore_unknown(CLI::App& app, bool& field, const char* file) {
  app.add_flag("--ignore-unknown", field,
               fmt::format("Leave out columns of {} that the model does not have", file));
}

void add_quiet(CLI::App& app, bool& field) {
  app.add_flag("--quiet", field, "Print nothing but errors");
}

void add_report(CLI::App& app, std::string& field) {
  add_output(app, "--report", field, "Write a report as JSON");
}

void add_threads(CLI::App& app, Options& options) {
  add_number_or(app, "--threads", "auto", 0, options.threads,
                "Workers; auto: all that affinity mask and cgroup quota allow");
}

// --- Subcommands: add_flags() declares, check() refuses what contradicts itself

void refuse_if(bool holds, std::string_view message) {
  if (holds) throw InputError(std::string(message));
}

// Outputs must be writable; none may be an input or another output, unless it is a device or a pipe.
void check_paths(std::initializer_list<std::string> inputs, std::initializer_list<std::string> outputs) {
  const auto same = [](const std::string& a, const std::string& b) {
    std::error_code unreadable;
    const bool shareable = fs::exists(a, unreadable) && !fs::is_regular_file(a, unreadable);
    return !a.empty() && !shareable &&
           fs::weakly_canonical(a, unreadable) == fs::weakly_canonical(b, unreadable);
  };
  std::vector<std::string> others(inputs);
  for (const std::string& output : outputs) {
    for (const std::string& other : others) {
      refuse_if(same(output, other),
                fmt::format("{}: named twice, would be overwritten; give different files", output));
    }
    others.push_back(output);
    if (!output.empty()) require_writable(output);
  }
}

void add_problem_flags(CLI::App& app, TrainFlags& flags) {
  app.option_defaults()->group("What is minimised");
  app.add_option("--objective", flags.objective, "Loss; listed below")
      ->capture_default_str()
      ->type_name("NAME");
  add_number(app, "--huber-delta", flags.huber_delta, "D",
             "Residual beyond which huber is linear, in units of the label")
      ->default_str(fmt::format("{}", make_objective("huber")->parameter()));
  add_number(app, "--l2", flags.options.l2, "X", "Objective = mean loss + X/2 |w|^2; smaller for more data");
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
  add_number_or<std::optional<double>>(app, "--step", "auto", std::nullopt, options.step,
                                       "First step; auto: found on a sample of the data");
  add_choice(app, "--schedule", options.schedule,
             {Schedule::kAuto, Schedule::kAnneal, Schedule::kConstant, Schedule::kGeometric, Schedule::kInverse},
             "Step over time: 1/t and to 0 at the last epoch; constant; decaying by epoch; 1/t");
  add_number(app, "--decay", options.decay, "X", "Factor an epoch of --schedule geometric");
  add_choice(app, "--rule", options.rule, {Rule::kSgd}, "How a step moves the weights");
  add_choice(app, "--discipline", options.discipline,
             {Discipline::kAtomic, Discipline::kLockFree, Discipline::kRacy},
             "Shared writes: none lost; none lost and never waiting; as HOGWILD! published it");
  add_number(app, "--seed", options.seed, "N", "Of shuffling; same seed, one thread: same model");
}

void add_stop_flags(CLI::App& app, Options& options) {
  app.option_defaults()->group("When to stop");
  add_number(app, "--tolerance", options.tolerance, "X",
             "Stop at a relative improvement (of the --valid loss, if any) below X; 0: never");
  add_number(app, "--patience", options.patience, "N", "Epochs over which --tolerance looks");
  add_number(app, "--target", options.target, "X", "Stop at an objective of X or less");
  add_number(app, "--time-limit", options.time_limit, "S", "Stop after S seconds of training");
}

void add_machine_flags(CLI::App& app, Options& options) {
  app.option_defaults()->group("Machine");
  add_threads(app, options);
  add_number_or(app, "--block", "auto", std::size_t{0}, options.block_rows, "Rows a task works on at a time");
  add_number_or(app, "--tau", "auto", std::size_t{0}, options.tau,
                "Staleness bound, in rows; auto: two blocks a thread");
  add_number(app, "--reserved-slots", options.reserved_slots, "N",
             "oneTBB arena slots kept for application threads");
  add_number_or(app, "--numa", "any", -1, options.numa_node, "NUMA node to run on");
  add_choice(app, "--priority", options.priority, {Priority::kLow, Priority::kNormal, Priority::kHigh},
             "Of the oneTBB arena");
}

std::string list_objectives() {
  std::string text = "Objectives, z = w.x + b and y the label:\n";
  for (const CatalogueRow& row : catalogue()) text += fmt::format("  {:<15} {}\n", row.name, row.help);
  return text;
}

void add_flags(CLI::App& app, TrainFlags& flags) {
  add_samples(app, "DATA", flags.data)->required();
  app.option_defaults()->group("Files");
  add_path(app, "--model", flags.model, "Where the model goes");
  add_report(app, flags.report);
  add_path(app, "--valid", flags.validation,
           "Held-out samples: tried every epoch, and decide which epoch is best");
  add_index_base(app, flags.index_base, "First column number; default: 0 if the file has a column 0, else 1");
  add_ignore_unknown(app, flags.ignore_unknown, "--valid");
  add_quiet(app, flags.quiet);
  add_problem_flags(app, flags);
  add_method_flags(app, flags.options);
  add_stop_flags(app, flags.options);
  add_machine_flags(app, flags.options);
  app.footer(list_objectives() +
             "\nExample:\n  sounder train rcv1.svm.gz --objective logistic --l2 1e-5 --model rcv1.model "
             "--report rcv1.json\n\nCtrl-C stops and keeps the best model so far; once more leaves at once.");
}

void check(const CLI::App& app, const TrainFlags& flags) {
  const auto given = [&](const char* flag) { return app.count(flag) > 0; };
  const auto objective = make_objective(flags.objective, {.value = flags.huber_delta});
  const bool real = objective->labels() == LabelKind::kReal;
  validate(flags.options);
  refuse_if(given("--huber-delta") && flags.objective != "huber", "--huber-delta needs --objective huber");
  refuse_if(given("--decay") && flags.options.schedule != Schedule::kGeometric,
            "--decay needs --schedule geometric");
  refuse_if(given("--patience") && flags.options.tolerance == 0, "--patience needs a --tolerance above 0");
  refuse_if(given("--positive-above") && given("--positive-class"),
            "--positive-above and --positive-class contradict each other: give one");
  refuse_if(real && given("--positive-above"), "--positive-above needs an objective for two classes");
  refuse_if(real && given("--positive-class"), "--positive-class needs an objective for two classes");
  refuse_if(flags.ignore_unknown && flags.validation.empty(), "--ignore-unknown needs --valid");
  check_paths({flags.data, flags.validation}, {flags.model, flags.report});
}

void add_apply_flags(CLI::App& app, EvaluateFlags& flags) {
  add_path(app, "MODEL", flags.model, "A model that sounder train wrote")->required();
  add_samples(app, "DATA", flags.data)->required();
  add_report(app, flags.report);
  add_index_base(app, flags.index_base, "First column number; default: that of the training data");
  add_ignore_unknown(app, flags.ignore_unknown, "DATA");
  add_threads(app, flags.options);
  add_quiet(app, flags.quiet);
}

void add_flags(CLI::App& app, EvaluateFlags& flags) {
  add_apply_flags(app, flags);
  app.footer("Example:\n  sounder evaluate rcv1.model rcv1.test.svm --report test.json");
}

void check(const CLI::App&, const EvaluateFlags& flags) {
  validate(flags.options);
  check_paths({flags.model, flags.data}, {flags.report});
}

void add_flags(CLI::App& app, PredictFlags& flags) {
  add_apply_flags(app, flags);
  add_output(app, "--output", flags.output, "One prediction a line, a label as the training data had it")
      ->default_str("-");
  app.add_flag("--margins", flags.margins, "Write w.x + b instead of the label of the class");
  app.footer("Example:\n  sounder predict rcv1.model new.svm --output new.labels");
}

void check(const CLI::App&, const PredictFlags& flags) {
  validate(flags.options);
  check_paths({flags.model, flags.data}, {flags.output, flags.report});
}

void add_flags(CLI::App& app, GenerateFlags& flags) {
  SyntheticOptions& options = flags.options;
  const auto regression = [&options](std::int64_t) { options.kind = SyntheticKind::kRegression; };
  const auto raw = [&options](std::int64_t) { options.normalize = false; };
  add_output(app, "FILE", flags.output, "Where the samples go, as LIBSVM text")->required();
  add_number(app, "--rows", options.rows, "N", "Samples");
  add_number(app, "--columns", options.columns, "N", "Coordinates");
  add_number(app, "--nonzeros", options.nonzeros_per_row, "X", "Mean number of non-zeros in a row");
  add_number(app, "--zipf", options.zipf_exponent, "X",
             "How uneven the columns are; 0: equal, 1 to 1.2: text");
  add_number(app, "--noise", options.noise, "X",
             "Share of labels flipped; of real labels, the deviation added");
  add_number(app, "--seed", options.seed, "N", "Same seed, same data");
  app.add_flag_function("--regression", regression, "Real labels instead of -1 and +1");
  app.add_flag_function("--no-normalize", raw, "Leave rows as long as they come, instead of length 1");
  add_index_base(app, flags.index_base, "First column number")->capture_default_str();
  app.footer("Example:\n  sounder generate toy.svm --rows 1000 --columns 5000 --nonzeros 20");
}

void check(const CLI::App&, const GenerateFlags& flags) {
  check_paths({}, {flags.output});
}

void add_flags(CLI::App& app, InfoFlags& flags) {
  add_samples(app, "FILE", flags.file, ", or a model");
  add_output(app, "--json", flags.json, "Write the same as JSON");
  add_index_base(app, flags.index_base, "First column number; default: 0 if the file has a column 0, else 1");
  app.add_flag("--machine", flags.machine, "Tell what this machine offers");
  add_threads(app, flags.options);
  app.footer("Example:\n  sounder info rcv1.svm.gz");
}

void check(const CLI::App&, const InfoFlags& flags) {
  validate(flags.options);
  refuse_if(flags.file.empty() && !flags.machine, "info needs a FILE, or --machine");
  check_paths({flags.file}, {flags.json});
}

template <class Command>
void add_command(CLI::App& app, const char* name, const char* help, Flags& chosen) {
  CLI::App* command = app.add_subcommand(name, help);
  const auto flags = std::make_shared<Command>();
  add_flags(*command, *flags);
  command->callback([=, &chosen] {
    check(*command, *flags);
    chosen = *flags;
  });
}

std::string first_line(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

}  // namespace

Flags parse_flags(int argc, const char* const* argv) {
  Flags chosen;
  CLI::App app("Trains sparse linear models on all cores, by asynchronous stochastic gradient descent.",
               "sounder");
  app.get_formatter()->column_width(kHelpColumn);
  app.set_version_flag("--version", "sounder " SOUNDER_VERSION "\n");
  app.require_subcommand(1);
  add_command<TrainFlags>(app, "train", "Train a model", chosen);
  add_command<PredictFlags>(app, "predict", "Write a model's prediction for every sample", chosen);
  add_command<EvaluateFlags>(app, "evaluate", "Tell how well a model does on labelled samples", chosen);
  add_command<GenerateFlags>(app, "generate", "Make up samples that look like text", chosen);
  add_command<InfoFlags>(app, "info", "Describe a file of samples, or a model", chosen);
  app.footer("Flags and an example: sounder SUBCOMMAND --help");
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForVersion& version) {
    return HelpFlags{version.what()};
  } catch (const CLI::CallForHelp&) {
    return HelpFlags{app.help()};
  } catch (const CLI::ParseError& error) {
    const auto commands = app.get_subcommands();
    const auto unknown = app.remaining(true);
    const std::string message =
        unknown.empty() ? first_line(error.what()) : "unexpected argument " + unknown.front();
    const std::string command = commands.empty() ? "" : " " + commands.front()->get_name();
    throw InputError(fmt::format("{} (see sounder{} --help)", message, command));
  }
  return chosen;
}

}  // namespace sounder
