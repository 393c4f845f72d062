#include "engine/tune.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "io/counted.h"
#include "io/json_text.h"
#include "io/model_file.h"
#include "io/output.h"
#include "program/commands.h"

namespace sounder {
namespace {

using Json = nlohmann::ordered_json;

std::string or_auto(const std::optional<double>& step) {
  return step ? fmt::format("{:g}", *step) : "auto";
}

// As a shell takes it for one word.
std::string quoted(const std::string& word) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=.,:/@%";
  if (!word.empty() && word.find_first_not_of(kPlain) == std::string::npos) return word;
  std::string text = "'";
  for (const char c : word) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return text + "'";
}

// What trains the candidate on all samples.
std::string command_for(const TuneFlags& flags, const Candidate& candidate) {
  std::string text = "sounder train";
  for (const std::string& word : flags.shared) text += ' ' + quoted(word);
  text += fmt::format(" --l2 {}", candidate.l2);
  if (candidate.step) text += fmt::format(" --step {}", *candidate.step);
  return text + " --model " + quoted(flags.model.empty() ? "best.model" : flags.model);
}

// --- Table

std::string row_of(const Tried& tried) {
  std::string text =
      fmt::format("{:>10g}{:>10}{:>10.4g}", tried.candidate.l2, or_auto(tried.candidate.step), tried.step);
  if (tried.diverged) return text + "  diverged\n";
  return text +
         fmt::format("{:>7}{:>12.6g}  {}\n", tried.best_epoch, tried.objective, describe(tried.validation));
}

std::string table_of(const TuneFlags& flags, const Tuned& tuned, const Objective& objective) {
  const std::string held_out = flags.validation.empty()
                                   ? fmt::format("{:g} % of them, at random", 100 * *flags.valid_share)
                                   : flags.validation;
  std::string text =
      fmt::format("{}: {}, {} of {}, {} on {}; {} to choose by ({})\n\n", flags.data, objective.name(),
                  name_of(flags.options.rule), tuned.ranking.size(), counted(tuned.epochs, "epoch"),
                  counted(tuned.samples, "sample"), tuned.validation_samples, held_out);
  text += fmt::format("{:>10}{:>10}{:>10}{:>7}{:>12}  {}\n", "l2", "step", "in force", "epoch", "objective",
                      "validation");
  for (const Tried& tried : tuned.ranking) text += row_of(tried);
  if (!tuned.note.empty()) text += fmt::format("\nnote: {}\n", tuned.note);
  return text;
}

std::string summary(const TuneFlags& flags, const Tuned& tuned, const Objective& objective) {
  std::string text = table_of(flags, tuned, objective);
  const Tried& best = tuned.ranking.front();
  if (best.diverged) return text;
  if (!flags.model.empty())
    text += fmt::format("\nmodel: {}, trained without what it was chosen by\n", flags.model);
  text += fmt::format("\nbest: l2 {:g}, step {}: {}\n", best.candidate.l2, or_auto(best.candidate.step),
                      describe(best.validation));
  return text + fmt::format("on all samples: {}\n", command_for(flags, best.candidate));
}

// --- JSON

Json json_of(const Metrics& metrics) {
  return Json::parse(to_json(metrics));
}

Json json_of(const Tried& tried) {
  Json json{{"l2", tried.candidate.l2}, {"step", tried.step}, {"diverged", tried.diverged}};
  if (tried.best_epoch == 0) return json;
  json.update({{"best_epoch", tried.best_epoch},
               {"objective", tried.objective},
               {"training", json_of(tried.training)},
               {"validation", json_of(tried.validation)}});
  return json;
}

std::string json_of(const TuneFlags& flags, const Tuned& tuned, const Objective& objective) {
  const Options& options = flags.options;
  Json json{{"outcome", name_of(tuned.outcome)}, {"data", flags.data}};
  if (flags.validation.empty()) {
    json["valid_share"] = *flags.valid_share;
  } else {
    json["valid"] = flags.validation;
  }
  if (!tuned.note.empty()) json["note"] = tuned.note;
  json.update({{"objective_name", objective.name()},
               {"rule", name_of(options.rule)},
               {"schedule", name_of(options.schedule)},
               {"discipline", name_of(discipline_of(options))},
               {"l1", options.l1},
               {"bias", options.bias},
               {"normalize", flags.normalize},
               {"scale_columns", flags.scale_columns},
               {"seed", options.seed},
               {"epochs", tuned.epochs},
               {"samples", tuned.samples},
               {"validation_samples", tuned.validation_samples},
               {"coordinates", tuned.coordinates},
               {"nonzeros", tuned.nonzeros},
               {"threads", tuned.threads},
               {"block_rows", tuned.block_rows},
               {"prepare_seconds", tuned.prepare_seconds},
               {"search_seconds", tuned.search_seconds},
               {"train_seconds", tuned.train_seconds},
               {"evaluate_seconds", tuned.evaluate_seconds}});
  put_remarks(json, weighting_of(flags));
  json["ranking"] = Json::array();
  for (const Tried& tried : tuned.ranking) json["ranking"].push_back(json_of(tried));
  if (!tuned.ranking.front().diverged) json["command"] = command_for(flags, tuned.ranking.front().candidate);
  return json_text(json);
}

}  // namespace

int run(const TuneFlags& flags, Interrupts& interrupts) {
  std::optional<ProgressLine> progress(flags.quiet);
  progress->rewrite(fmt::format("reading {}", flags.data));
  TrainingSet data = load(flags);
  const Objective& objective = *data.objective;

  const Interrupts::Hold hold(interrupts);
  const Monitor monitor{
      .on_epoch = [&](const EpochReport& row) { progress->append("best: " + describe(row)); },
      .on_progress = [&](const Progress& now) { progress->rewrite(describe(now)); },
      .stop = interrupts.token(),
      .validation = {}};
  // The command that is told has no held-out samples to choose an epoch by, unless they are a file.
  const JudgedBy judged = flags.validation.empty() ? JudgedBy::kLastEpoch : JudgedBy::kBestEpoch;
  Tuned tuned = tune(std::move(data.samples), objective, flags.options, flags.candidates(), *data.validation,
                     monitor, judged);
  progress.reset();
  complete(tuned.model, data, flags.data);
  const bool diverged = tuned.ranking.front().diverged;
  if (!flags.model.empty() && !diverged) save_model(tuned.model, flags.model);
  if (!flags.report.empty()) write_file(flags.report, json_of(flags, tuned, objective));
  if (!flags.quiet) say_beside(flags.outputs(), summary(flags, tuned, objective));
  if (tuned.outcome == Outcome::kCancelled) return interrupts.exit_code();
  if (!diverged) return interrupts.exit_code();
  complain("all candidates diverged: give smaller --steps, or none, or normalize the rows");
  return kFailure;
}

}  // namespace sounder
