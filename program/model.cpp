#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/evaluate.h"
#include "engine/recommend.h"
#include "io/counted.h"
#include "io/error.h"
#include "io/model_file.h"
#include "io/output.h"
#include "objectives/catalogue.h"
#include "objectives/model_objective.h"
#include "program/commands.h"

namespace sounder {
namespace {

// A model, and samples as it takes them.
struct Session {
  explicit Session(const EvaluateFlags& flags);

  Metrics evaluate() const;

  const EvaluateFlags& flags;
  Arena arena;
  ParallelFor parallel = parallel_on(arena);
  Model model;
  std::unique_ptr<Objective> objective;
  SampleScheme scheme;
  KnownData data;
};

Session::Session(const EvaluateFlags& given)
    : flags(given),
      arena(given.options),
      model(load_model(given.model)),
      objective(objective_of(model, given.model)) {
  check_formats(flags, model.objective);
  for (const auto& [parameter, value] : objective->parameters())
    if (!model.parameters.contains(parameter))
      throw InputError({flags.model}, fmt::format("found no parameter {} of {}", parameter, model.objective));
  if (objective->labels() == LabelKind::kTwoClass && !model.labels.binary()) model.labels = {-1, 1, {}};
  if (!flags.observed.empty()) observe(model, flags, parallel);
  scheme = scheme_of(model, *objective);
  scheme.index_base = flags.index_base.value_or(model.index_base);
  data = read_known({flags.data, flags.label_file}, scheme, flags.ignore_unknown, parallel);
}

Metrics Session::evaluate() const {
  return sounder::evaluate(model, *objective, encoded(data, scheme, flags.data), parallel);
}

// Nothing when the labels are not those of the model's classes: samples to predict need no meaningful ones.
std::optional<Metrics> evaluate_if_labelled(const Session& session) try {
  return session.evaluate();
} catch (const InputError&) {
  return std::nullopt;
}

// Pairs without ratings are all to be found, and so are those that were trained on for being there. Of likes and dislikes,
// whatever labels they have in the file, likes are.
Ranking rank(const Session& session) {
  if (session.scheme.format != SampleFormat::kRatings)
    throw InputError(
        {session.flags.model},
        fmt::format("found a model of {}, expected one of ratings for --top", session.model.objective));
  const bool all = session.data.unlabelled || session.objective->shape().draws;
  const bool likes = !all && session.objective->labels() == LabelKind::kTwoClass;
  return rank_held_out(
      Recommender(session.model, *session.objective),
      likes ? encoded(session.data, session.scheme, session.flags.data) : session.data.samples,
      all ? std::nullopt : std::optional(0.0F), session.flags.top, session.parallel);
}

Remarks remarks_of(const Ranking& ranking) {
  return {{"top", std::uint64_t{ranking.top}},
          {"ranked_users", ranking.users},
          {"precision", ranking.precision},
          {"recall", ranking.recall},
          {"ndcg", ranking.ndcg}};
}

std::string describe(const Ranking& ranking) {
  return fmt::format(", precision@{0} {1:.4f}, recall@{0} {2:.4f}, ndcg@{0} {3:.4f} of {4}", ranking.top,
                     ranking.precision, ranking.recall, ranking.ndcg, counted(ranking.users, "user"));
}

Remarks remarks_of(const Session& session) {
  const EvaluateFlags& flags = session.flags;
  Remarks remarks{{"model", flags.model},
                  {"data", flags.data},
                  {"objective", session.model.objective},
                  {"samples", std::uint64_t{session.data.samples.rows()}},
                  {"coordinates", std::uint64_t{session.data.samples.dimension()}},
                  {"nonzeros", session.data.samples.nonzeros()},
                  {"index_base", std::uint64_t{session.scheme.index_base}},
                  {"normalize", session.model.normalize},
                  {"ignore_unknown", flags.ignore_unknown},
                  {"threads", static_cast<std::uint64_t>(session.arena.threads())}};
  remarks.insert(session.data.remarks.begin(), session.data.remarks.end());
  return remarks;
}

// The objectives of the catalogue that have probabilities.
std::string list_probable() {
  std::vector<std::string_view> names;
  for (const CatalogueRow& row : catalogue())
    if (row.make({})->has_probabilities()) names.push_back(row.name);
  return fmt::format("{}", fmt::join(names, ", "));
}

void check_numbers(const Session& session, const PredictFlags& flags) {
  const Objective& objective = *session.objective;
  if (flags.margins && objective.labels() == LabelKind::kCount)
    throw InputError({flags.model},
                     "found a model of " + objective.name() +
                         ", which has no margins; without --margins it predicts p(word | document)");
  if (flags.probabilities && !objective.has_probabilities())
    throw InputError({flags.model},
                     fmt::format("found a model of {}, which has no probabilities; those of {} do",
                                 objective.name(), list_probable()));
}

// Numbers for each sample, as many as the flags ask for.
std::vector<float> predictions_of(const Session& session, const PredictFlags& flags) {
  const auto run = [&](auto* what) {
    return what(session.model, *session.objective, session.data.samples, session.parallel);
  };
  check_numbers(session, flags);
  if (flags.probabilities) return run(probabilities);
  if (flags.margins) return run(scores);
  std::vector<float> values = run(predict);
  std::ranges::transform(values, values.begin(),
                         [&](float margin) { return session.model.labels.decode(margin); });
  return values;
}

// How much the samples have that the model does not know, and who the documents are.
std::string describe_unknown(const Session& session) {
  const Remarks& remarks = session.data.remarks;
  std::string text;
  if (session.scheme.format == SampleFormat::kDocword && session.flags.observed.empty())
    text = ", of documents taken for those of the training data (--observed infers others)";
  for (const auto& [key, what] : {std::pair("unknown_users", "users"), std::pair("unknown_items", "items")}) {
    const auto found = remarks.find(key);
    if (found == remarks.end()) continue;
    if (const auto count = std::get<std::uint64_t>(found->second); count > 0)
      text += fmt::format(", {} of unknown {}", count, what);
  }
  const auto values = remarks.find("unknown_values");
  if (values == remarks.end()) return text;
  if (const auto count = std::get<std::uint64_t>(values->second); count > 0)
    text += fmt::format(", {} of unknown columns left out", counted(count, "value"));
  return text;
}

// On standard error, where predictions go to standard output.
void tell_unknown(const Session& session) {
  const std::string unknown = describe_unknown(session);
  if (!unknown.empty())
    complain(
        fmt::format("{}: {}{}", session.flags.data, counted(session.data.samples.rows(), "sample"), unknown));
}

}  // namespace

std::string describe(const Metrics& metrics) {
  std::string text = fmt::format("loss {:.6g}", metrics.loss);
  if (metrics.accuracy) text += fmt::format(", accuracy {:.2f} %", 100 * *metrics.accuracy);
  if (metrics.rmse) text += fmt::format(", rmse {:.6g}", *metrics.rmse);
  if (metrics.mae) text += fmt::format(", mae {:.6g}", *metrics.mae);
  if (metrics.perplexity) text += fmt::format(", perplexity {:.6g}", *metrics.perplexity);
  if (metrics.auc) text += fmt::format(", auc {:.4f}", *metrics.auc);
  return text;
}

int run(const EvaluateFlags& flags, Interrupts& interrupts) {
  const Session session(flags);
  const std::optional<Metrics> metrics =
      flags.top > 0 ? evaluate_if_labelled(session) : std::optional(session.evaluate());
  std::optional<Ranking> ranking;
  if (flags.top > 0) ranking = rank(session);
  const Interrupts::Hold hold(interrupts);
  if (!flags.report.empty()) {
    Remarks remarks = remarks_of(session);
    if (ranking) remarks.merge(remarks_of(*ranking));
    write_file(flags.report, to_json(metrics, remarks));
  }
  if (!flags.quiet)
    say_beside(flags.outputs(), fmt::format("{}{}{}{}\n", metrics ? describe(*metrics) + ", " : "",
                                            counted(session.data.samples.rows(), "sample"),
                                            describe_unknown(session), ranking ? describe(*ranking) : ""));
  return interrupts.exit_code();
}

int run(const PredictFlags& flags, Interrupts& interrupts) {
  const Session session(flags);
  const bool aside = flags.output != kStandardOutput;
  const bool judged = !flags.report.empty() || (aside && !flags.quiet);
  const std::vector<float> predictions = predictions_of(session, flags);
  const std::optional<Metrics> metrics = judged ? evaluate_if_labelled(session) : std::nullopt;

  const Interrupts::Hold hold(interrupts);
  const bool scored = flags.margins || flags.probabilities;
  write_predictions(flags.output, predictions, scored ? session.objective->scores() : 1);
  if (!flags.report.empty()) {
    Remarks remarks = remarks_of(session);
    remarks.insert(
        {{"output", flags.output}, {"margins", flags.margins}, {"probabilities", flags.probabilities}});
    write_file(flags.report, to_json(metrics, remarks));
  }
  if (aside && !flags.quiet) {
    const std::string quality = metrics ? describe(*metrics) + ", " : "";
    say_beside(flags.outputs(),
               fmt::format("{}{} in {}{}\n", quality, counted(session.data.samples.rows(), "prediction"),
                           flags.output, describe_unknown(session)));
  }
  if (!aside && !flags.quiet) tell_unknown(session);
  return interrupts.exit_code();
}

}  // namespace sounder
