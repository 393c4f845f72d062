#include "engine/report.h"

#include <doctest/doctest.h>

#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

using namespace sounder;
using Json = nlohmann::json;

namespace {

const Metrics kHeldOut{.loss = 3, .accuracy = {}, .rmse = {}, .mae = {}, .auc = {}};

Report example() {
  Report report;
  report.outcome = Outcome::kConverged;
  report.objective_name = "hinge";
  report.objective = 0.25;
  report.training = {.loss = 0.125, .accuracy = 0.875, .rmse = {}, .mae = {}, .auc = {}};
  report.epochs = 2;
  report.samples = 1000;
  report.nonzeros = 123'456'789'012;
  report.threads = 2;
  report.train_seconds = 1.5;
  report.nonzeros_per_second = 2e8;
  report.per_epoch = {{.epoch = 1, .seconds = 0.5, .objective = 0.5, .step = 1, .validation = {}},
                      {.epoch = 2, .seconds = 1.5, .objective = 0.25, .step = 0.5, .validation = kHeldOut}};
  return report;
}

}  // namespace

TEST_CASE("report: JSON has every key that programs may count on") {
  const Json json = Json::parse(example().to_json());
  for (const char* key :
       {"outcome", "objective", "loss", "accuracy", "epochs", "samples", "coordinates", "nonzeros", "threads",
        "block_rows", "discipline", "rule", "step", "load_seconds", "prepare_seconds", "train_seconds",
        "nonzeros_per_second", "per_epoch", "options"}) {
    CAPTURE(key);
    CHECK(json.contains(key));
  }
  CHECK(json["outcome"] == "converged");
  CHECK(json["objective"] == 0.25);
  CHECK(json["accuracy"] == 0.875);
  CHECK(!json.contains("rmse"));
  CHECK(json["nonzeros"] == 123'456'789'012);
  REQUIRE(json["per_epoch"].size() == 2);
  for (const char* key : {"epoch", "seconds", "objective", "step"}) CHECK(json["per_epoch"][0].contains(key));
  CHECK(!json["per_epoch"][0].contains("validation"));
  CHECK(json["per_epoch"][1]["validation"]["loss"] == 3);
}

TEST_CASE("report: JSON has what was chosen and why") {
  Report report = example();
  report.choices.block = {.value = "64", .why = "for a reason"};
  const Json json = Json::parse(report.to_json())["choices"];
  CHECK(json == Json{{"block", {{"value", "64"}, {"because", "for a reason"}}}});
}

TEST_CASE("report: JSON has every option in force") {
  Report report = example();
  report.options.l2 = 0.5;
  report.options.seed = std::numeric_limits<std::uint64_t>::max();
  const Json automatic = Json::parse(report.to_json())["options"];
  for (const char* key : {"l2",         "bias",      "epochs",           "step", "schedule",
                          "decay",      "rule",      "discipline",       "seed", "tolerance",
                          "patience",   "threads",   "block_rows",       "tau",  "reserved_slots",
                          "numa_nodes", "core_type", "threads_per_core", "pin",  "priority"}) {
    CAPTURE(key);
    CHECK(automatic.contains(key));
  }
  CHECK(automatic["l2"] == 0.5);
  CHECK(automatic["seed"] == std::numeric_limits<std::uint64_t>::max());
  CHECK(automatic["step"] == "auto");
  CHECK(automatic["discipline"] == "auto");
  CHECK(!automatic.contains("target"));
  report.options.step = 2;
  report.options.discipline = Discipline::kRacy;
  report.options.target = 0.1;
  report.options.time_limit = 60;
  const Json given = Json::parse(report.to_json())["options"];
  CHECK(given["step"] == 2);
  CHECK(given["discipline"] == "racy");
  CHECK(given["target"] == 0.1);
  CHECK(given["time_limit"] == 60);
}

TEST_CASE("report: remarks stand with the options") {
  Report report = example();
  report.remarks = {
      {"file", std::string("a \"b\"\n")}, {"normalize", true}, {"rows", std::uint64_t{7}}, {"above", 0.5}};
  const Json options = Json::parse(report.to_json())["options"];
  CHECK(options["file"] == "a \"b\"\n");
  CHECK(options["normalize"] == true);
  CHECK(options["rows"] == 7);
  CHECK(options["above"] == 0.5);
}

TEST_CASE("report: JSON of a run without an epoch and of numbers that are not finite") {
  Report report;
  report.objective = std::numeric_limits<double>::quiet_NaN();
  report.training.loss = std::numeric_limits<double>::infinity();
  report.advice = "less";
  const Json json = Json::parse(report.to_json());
  CHECK(json["objective"].is_null());
  CHECK(json["loss"].is_null());
  CHECK(json["advice"] == "less");
  CHECK(json["per_epoch"] == Json::array());
}

TEST_CASE("report: metrics as JSON") {
  const Json two_class =
      Json::parse(to_json(Metrics{.loss = 0.5, .accuracy = 1, .rmse = {}, .mae = {}, .auc = 0.75}));
  CHECK(two_class == Json{{"loss", 0.5}, {"accuracy", 1}, {"auc", 0.75}});
  const Json real = Json::parse(to_json(Metrics{.loss = 2, .accuracy = {}, .rmse = 2, .mae = 1, .auc = {}},
                                        {{"file", std::string("f")}}));
  CHECK(real == Json{{"loss", 2}, {"rmse", 2}, {"mae", 1}, {"file", "f"}});
}

TEST_CASE("report: brief is one line with what matters") {
  const std::string brief = example().brief();
  CHECK(brief.find('\n') == brief.npos);
  for (const char* part :
       {"converged", "objective 0.25", "87.50 %", "2 epochs", "200 M", "2 threads", "1.50 s"}) {
    CAPTURE(brief);
    CHECK(brief.find(part) != brief.npos);
  }
}

TEST_CASE("report: brief says which epoch its figures are of, where that is not the last") {
  Report report = example();
  report.best_epoch = 2;
  CHECK(report.brief().starts_with("converged: objective 0.25, accuracy 87.50 % after 2 epochs; "));
  report.epochs = 30;
  CHECK(report.brief().starts_with(
      "converged: 30 epochs, the best is epoch 2: objective 0.25, accuracy 87.50 %; "));
}

TEST_CASE("report: outcomes have names") {
  CHECK(name_of(Outcome::kConverged) == "converged");
  CHECK(name_of(Outcome::kEpochLimit) == "epoch_limit");
  CHECK(name_of(Outcome::kTimeLimit) == "time_limit");
  CHECK(name_of(Outcome::kDiverged) == "diverged");
  CHECK(name_of(Outcome::kCancelled) == "cancelled");
}
