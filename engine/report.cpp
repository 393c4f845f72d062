#include "engine/report.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "io/counted.h"
#include "io/json_text.h"

namespace sounder {
namespace {

using Json = nlohmann::ordered_json;

template <class T>
void put(Json& json, const char* key, const std::optional<T>& value) {
  if (value) json[key] = *value;
}

template <class T>
Json or_auto(const std::optional<T>& value) {
  return value ? Json(*value) : Json("auto");
}

void put_metrics(Json& json, const Metrics& metrics) {
  json["loss"] = metrics.loss;
  put(json, "accuracy", metrics.accuracy);
  put(json, "rmse", metrics.rmse);
  put(json, "mae", metrics.mae);
  put(json, "auc", metrics.auc);
  put(json, "perplexity", metrics.perplexity);
}

void put_remarks(Json& json, const Remarks& remarks) {
  for (const auto& [key, remark] : remarks) {
    std::visit([&json, &name = key](const auto& value) { json[name] = value; }, remark);
  }
}

Json json_of_nodes(const Options& options) {
  if (options.numa_nodes.empty()) return "all";
  return on_any_node(options) ? Json("any") : Json(options.numa_nodes);
}

Json json_of(const Options& options) {
  Json json{{"l2", options.l2},
            {"l1", options.l1},
            {"bias", options.bias},
            {"epochs", options.epochs},
            {"step", or_auto(options.step)},
            {"schedule", name_of(options.schedule)},
            {"decay", decay_of(options)},
            {"rule", name_of(options.rule)},
            {"discipline", options.discipline ? Json(name_of(*options.discipline)) : Json("auto")},
            {"sparsify", name_of(options.sparsify)},
            {"keep", options.keep},
            {"average_from", options.average_from},
            {"seed", options.seed},
            {"tolerance", options.tolerance},
            {"evaluate_every", options.evaluate_every},
            {"patience", options.patience},
            {"gap", options.gap}};
  put(json, "accuracy", options.accuracy);
  put(json, "target", options.target);
  put(json, "time_limit", options.time_limit);
  json.update({{"threads", options.threads},
               {"simulate", options.simulate},
               {"block_rows", options.block_rows},
               {"refresh_rows", options.refresh_rows},
               {"tau", options.tau},
               {"reserved_slots", options.reserved_slots},
               {"numa_nodes", json_of_nodes(options)},
               {"core_type", options.core_type < 0 ? Json("any") : Json(options.core_type)},
               {"threads_per_core", options.threads_per_core},
               {"pin", options.pin},
               {"priority", name_of(options.priority)}});
  return json;
}

Json json_of(const EpochReport& row) {
  Json json{{"epoch", row.epoch},
            {"passes", row.passes},
            {"seconds", row.seconds},
            {"objective", row.objective},
            {"step", row.step}};
  put(json, "gap", row.gap);
  if (row.validation) put_metrics(json["validation"], *row.validation);
  return json;
}

Json json_of(const Choices& choices) {
  Json json = Json::object();
  choices.for_each([&](std::string_view name, const Choice& choice) {
    json[name] = {{"value", choice.value}, {"because", choice.why}};
  });
  return json;
}

Json json_of(const NodeReport& node) {
  return {{"numa_node", node.numa_node < 0 ? Json("any") : Json(node.numa_node)},
          {"threads", node.threads},
          {"blocks", node.blocks},
          {"tasks", node.tasks},
          {"remote_tasks", node.remote_tasks}};
}

Json json_of(const Theorem& theorem) {
  return {{"strong_convexity", theorem.strong_convexity},
          {"gradient_bound", theorem.gradient_bound},
          {"step", theorem.step},
          {"samples", theorem.samples}};
}

Json json_of(const Asynchrony& asynchrony) {
  return {{"blocks", asynchrony.blocks},
          {"staleness_p50", asynchrony.staleness_p50},
          {"staleness_p99", asynchrony.staleness_p99},
          {"staleness_max", asynchrony.staleness_max},
          {"tau_safe", std::isfinite(asynchrony.safe) ? Json(asynchrony.safe) : Json(nullptr)},
          {"headroom", std::isfinite(asynchrony.safe) ? Json(asynchrony.headroom()) : Json(nullptr)},
          {"gradient", asynchrony.gradient},
          {"r1", asynchrony.position},
          {"r2", asynchrony.alignment},
          {"share_of_gradient_noise", asynchrony.share()}};
}

}  // namespace

std::string to_json(const std::optional<Metrics>& metrics, const Remarks& remarks) {
  Json json;
  if (metrics) put_metrics(json, *metrics);
  put_remarks(json, remarks);
  return json_text(json);
}

// The figures are those of the epoch that is kept, which need not be the last.
std::string Report::brief() const {
  std::string quality;
  if (training.accuracy) quality = fmt::format(", accuracy {:.2f} %", 100 * *training.accuracy);
  if (training.perplexity) quality = fmt::format(", perplexity {:.6g}", *training.perplexity);
  if (training.rmse) quality = fmt::format(", rmse {:.6g}", *training.rmse);
  const bool last = best_epoch == 0 || best_epoch == epochs;
  const std::string before =
      last ? "" : fmt::format("{}, the best is epoch {}: ", counted(epochs, "epoch"), best_epoch);
  const std::string behind = last ? fmt::format(" after {}", counted(epochs, "epoch")) : "";
  return fmt::format("{}: {}objective {:.6g}{}{}; {:.0f} M non-zeros/s on {}, {:.2f} s of updates",
                     name_of(outcome), before, objective, quality, behind, nonzeros_per_second / 1e6,
                     counted(threads, "thread"), train_seconds);
}

std::string Report::to_json() const {
  Json json{{"outcome", name_of(outcome)}};
  if (!advice.empty()) json["advice"] = advice;
  if (!note.empty()) json["note"] = note;
  json["objective_name"] = objective_name;
  json["objective"] = objective;
  put(json, "gap", gap);
  put_metrics(json, training);
  if (validation) put_metrics(json["validation"], *validation);
  json.update({{"best_epoch", best_epoch},
               {"epochs", epochs},
               {"passes", passes},
               {"samples", samples},
               {"coordinates", coordinates},
               {"nonzeros", nonzeros},
               {"threads", threads},
               {"block_rows", block_rows},
               {"refresh_rows", refresh_rows},
               {"tau", tau},
               {"discipline", name_of(discipline_of(options))},
               {"rule", name_of(options.rule)},
               {"schedule", name_of(schedule)},
               {"step", step},
               {"rollbacks", rollbacks},
               {"load_seconds", load_seconds},
               {"prepare_seconds", prepare_seconds},
               {"search_seconds", search_seconds},
               {"train_seconds", train_seconds},
               {"evaluate_seconds", evaluate_seconds},
               {"nonzeros_per_second", nonzeros_per_second}});
  put(json, "share_lost", share_lost);
  put(json, "share_pushed", share_pushed);
  json["choices"] = json_of(choices);
  if (theorem) json["theorem"] = json_of(*theorem);
  if (asynchrony) json["asynchrony"] = json_of(*asynchrony);
  for (const NodeReport& node : nodes) json["nodes"].push_back(json_of(node));
  json["per_epoch"] = Json::array();
  for (const EpochReport& row : per_epoch) json["per_epoch"].push_back(json_of(row));
  json["options"] = json_of(options);
  put_remarks(json["options"], remarks);
  return json_text(json);
}

}  // namespace sounder
