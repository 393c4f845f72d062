#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <string>
#include <system_error>

#include "io/output.h"
#include "program/flag_groups.h"
#include "program/flag_kinds.h"

namespace sounder {
namespace {

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

}  // namespace

void add_flags(CLI::App& app, TrainFlags& flags) {
  add_input_flags(app, flags);
  add_path(app, "--start", flags.start,
           "A model to go on from: the meaning of columns and labels is its own, and rows are scaled as it "
           "says; not with the rule sdca; --model may replace it");
  add_output(app, "--model", flags.model, "Where the model goes");
  add_report(app, flags.report);
  add_path(app, "--valid", flags.validation,
           "Held-out samples: evaluated along with the objective; they decide which epoch is best");
  add_labels(app, "--valid-labels", flags.validation_labels, "--valid");
  add_ignore_unknown(app, flags.ignore_unknown, "--valid");
  add_number(app, "--valid-share", flags.valid_share, "X",
             "Without --valid: share of DATA, drawn at random, that is held out as those samples are");
  add_number_or(
      app, "--folds", "none", std::size_t{0}, flags.folds,
      "Cross validation: N folds at random, each tested on a model trained on the others; no model is kept");
  add_quiet(app, flags.quiet);
  add_problem_flags(app, flags);
  add_method_flags(app, flags.options);
  add_stop_flags(app, flags.options);
  add_machine_flags(app, flags.options);
  add_number(app, "--memory", flags.memory_mb, "MB",
             "A block file larger than this is read as it is needed; default: half of what is free");
  app.add_flag(
      "--measure", flags.measure,
      "Report how stale blocks were and how much noise that made, against what the theory allows; not with "
      "--sparsify or the disciplines exclusive and reproducible");
  app.footer(list_choices() +
             "\nExample:\n  sounder train rcv1.svm.gz --objective logistic --l2 1e-5 --model rcv1.model "
             "--report rcv1.json\n\nCtrl-C stops and keeps the best model so far; once more leaves at once.");
}

void add_flags(CLI::App& app, ConvertFlags& flags) {
  add_path_or(app, "DATA", "/dev/stdin", flags.data,
              "Samples in LIBSVM text, also .gz, .bz2 or .zst; -: standard input")
      ->required();
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
  // What samples in blocks do not depend on, or objectives have that cannot be stored.
  remove(app, {"--l2", "--class-weights", "--hidden", "--topics", "--alpha", "--beta", "--rank",
               "--most-weight", "--biases", "--non-negative", "--negative-weight"});
  app.footer(list_objectives(true) + list_rules() +
             "\nA file for one objective is good for all with such labels, two classes or real ones.\n"
             "\nExample:\n  sounder convert rcv1.svm.gz rcv1.blocks\n  sounder train rcv1.blocks --l2 1e-5"
             "\n\nCtrl-C stops and writes nothing.");
}

void check(const CLI::App& app, const ConvertFlags& flags) {
  refuse_if(flags.scale_columns, "--scale-columns is not kept in a block file: scale the columns before");
  validate(flags.options, *make_objective(flags.objective, flags.parameters));
  refuse_if(flags.output == "-" || is_standard_output(flags.output),
            flags.output + ": blocks cannot go to standard output; give a file (./- names one)");
  std::error_code unknown;
  const auto status = std::filesystem::status(flags.output, unknown);
  refuse_if(std::filesystem::exists(status) && !std::filesystem::is_regular_file(status),
            flags.output + ": blocks go to a regular file only, as they are mapped into memory");
  check_problem(app, flags);
}

void check(const CLI::App& app, const TrainFlags& flags) {
  validate(flags.options, *make_objective(flags.objective, flags.parameters));
  check_problem(app, flags);
  check_method(app, flags.options);
  refuse_if(flags.folds == 1, "--folds = 1: must be none or >= 2");
  refuse_if(flags.folds > 0 && !(flags.model.empty() && flags.validation.empty() && !flags.valid_share),
            "--folds trains no model to keep and holds out its own samples: leave out --model, --valid and "
            "--valid-share");
  refuse_if(flags.folds > 0 && !flags.start.empty(),
            "--start may have seen the samples that --folds holds out: leave it out");
  refuse_if(flags.folds > 0 && flags.memory_mb, "--memory is for a block file, and --folds needs samples");
  refuse_if(flags.folds > 0 && flags.measure, "--measure tells about one run: leave out --folds");
  refuse_if(app.count("--patience") > 0 && flags.options.tolerance == 0,
            "--patience needs a --tolerance above 0");
  check_validation(app, flags);
  refuse_if(flags.memory_mb && !(*flags.memory_mb > 0),
            fmt::format("--memory = {}: must be > 0", flags.memory_mb.value_or(0)));
}

}  // namespace sounder
