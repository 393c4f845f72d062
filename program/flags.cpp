#include "program/flags.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "io/error.h"
#include "program/flag_groups.h"
#include "program/flag_kinds.h"

namespace sounder {
namespace {

constexpr std::size_t kHelpColumn = 34;

// --- Subcommands: add_flags() declares, check() refuses what contradicts itself

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
    if constexpr (std::is_base_of_v<ProblemFlags, Command>) take_defaults(*command, *flags);
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
  add_command<TuneFlags>(app, "tune", "Choose the l2 and the step of a model", chosen);
  add_command<SpeedupFlags>(app, "speedup", "Measure what threads and write disciplines bring", chosen);
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
