#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/evaluate.h"
#include "engine/tune.h"
#include "io/error.h"
#include "io/json_text.h"
#include "io/output.h"
#include "objectives/catalogue.h"
#include "program/commands.h"

namespace sounder {
namespace {

using Json = nlohmann::ordered_json;

// The figures that metrics may have, by name.
constexpr std::pair<const char*, std::optional<double> Metrics::*> kFigures[] = {
    {"accuracy", &Metrics::accuracy},
    {"rmse", &Metrics::rmse},
    {"mae", &Metrics::mae},
    {"auc", &Metrics::auc},
    {"perplexity", &Metrics::perplexity}};

// Of the folds that have the figure: one class alone has no AUC.
std::optional<double> mean_of(const std::vector<Metrics>& folds, std::optional<double> Metrics::*figure) {
  double sum = 0;
  double count = 0;
  for (const Metrics& fold : folds) {
    if (!(fold.*figure)) continue;
    sum += *(fold.*figure);
    ++count;
  }
  return count > 0 ? std::optional(sum / count) : std::nullopt;
}

Metrics mean_of(const std::vector<Metrics>& folds) {
  Metrics mean;
  for (const Metrics& fold : folds) mean.loss += fold.loss / static_cast<double>(folds.size());
  for (const auto& [name, figure] : kFigures) mean.*figure = mean_of(folds, figure);
  return mean;
}

void put(Json& json, const Metrics& metrics, const std::string& suffix) {
  json["loss" + suffix] = metrics.loss;
  for (const auto& [name, figure] : kFigures) {
    if (metrics.*figure) json[name + suffix] = *(metrics.*figure);
  }
}

Json json_of(const TrainFlags& flags, const TrainingData& data, const std::vector<Metrics>& folds) {
  Json json{{"data", flags.data}, {"objective", flags.objective}, {"samples", data.samples.rows()}};
  json["seed"] = flags.options.seed;
  json["epochs"] = flags.options.epochs;
  json["l2"] = flags.options.l2;
  json["l1"] = flags.options.l1;
  json["bias"] = flags.options.bias;
  json["rule"] = name_of(flags.options.rule);
  json["normalize"] = flags.normalize;
  json["scale_columns"] = flags.scale_columns;
  put_remarks(json, weighting_of(flags));
  json["folds"] = Json::array();
  for (const Metrics& fold : folds) put(json["folds"].emplace_back(Json::object()), fold, "");
  put(json, mean_of(folds), "_mean");
  return json;
}

struct Diverged {
  std::string advice;
};

// Of fold `k`, by a model of all other rows, at its last epoch or its best objective: the fold's rows have no say, and all
// count the same.
Metrics metrics_of_fold(const TrainFlags& flags, const Objective& objective, const Split& parts,
                        std::size_t k, const ParallelFor& parallel, std::stop_token stop) try {
  const Monitor monitor{.on_epoch = {}, .on_progress = {}, .stop = std::move(stop), .validation = {}};
  const Trained trained = train(parts.training, objective, flags.options, monitor);
  if (trained.report.outcome == Outcome::kDiverged) throw Diverged{trained.report.advice};
  const auto fitted = make_objective(trained.model.objective, trained.model.parameters);
  return evaluate(trained.model, *fitted, parts.validation.with_weights({}), parallel);
} catch (const InputError& error) {
  throw InputError({flags.data}, fmt::format("without fold {}: {}", k + 1, error.what()));
}

}  // namespace

int cross_validate(const TrainFlags& flags, Interrupts& interrupts) try {
  if (names_blocks(flags.data)) throw InputError({flags.data}, "--folds needs samples, found a block file");
  Arena arena(flags.options);
  const ParallelFor parallel = parallel_on(arena);
  const TrainingData data = read_for_training(flags, parallel);
  const Interrupts::Hold hold(interrupts);
  std::vector<Metrics> folds;
  for (std::size_t k = 0; k < flags.folds; ++k) {
    const Split parts = fold(data.samples, flags.folds, k, flags.options.seed);
    const Metrics metrics = metrics_of_fold(flags, *data.objective, parts, k, parallel, interrupts.token());
    if (interrupts.requested()) return stopped(interrupts);
    folds.push_back(metrics);
    if (!flags.quiet) say_beside(flags.outputs(), fmt::format("fold {}: {}\n", k + 1, describe(metrics)));
  }
  if (!flags.quiet) say_beside(flags.outputs(), fmt::format("mean:   {}\n", describe(mean_of(folds))));
  if (!flags.report.empty()) write_file(flags.report, json_text(json_of(flags, data, folds)));
  return interrupts.exit_code();
} catch (const Diverged& diverged) {
  complain("a fold diverged: " + diverged.advice);
  return kFailure;
}

}  // namespace sounder
