#include "objectives/model_objective.h"

#include <doctest/doctest.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "test/support.h"

namespace sounder {
namespace {

// Of two documents and three words, as `sounder train` writes it.
Model topics() {
  Model model;
  model.objective = "topic_model";
  model.parameters = {{"topics", 2}};
  model.dimension = 5;
  model.width = 2;
  model.weights.resize(10);
  model.bias.resize(2);
  model.names = {{"1", "2"}, {"a", "b", "c"}};
  return model;
}

}  // namespace

TEST_CASE("model objective: what a model was trained for, with its parameters") {
  CHECK(objective_of(topics(), "f")->name() == "topic_model");
  CHECK(objective_of(topics(), "f")->width() == 2);
}

TEST_CASE("model objective: as many classes as outputs, or none") {
  Model softmax;
  softmax.objective = "softmax";
  softmax.parameters = {{"classes", 3}};
  softmax.width = 3;
  Model logistic;
  logistic.objective = "logistic";
  const auto error_of = [](Model model, std::vector<float> classes) {
    model.labels.classes = std::move(classes);
    return test::input_error_of([&] { objective_of(model, "f"); });
  };
  CHECK(error_of(softmax, {}).empty());
  CHECK(error_of(softmax, {1, 2, 3}).empty());
  CHECK(error_of(softmax, {0, 1}) == "f: labels of 2 classes, expected 3 for softmax");
  CHECK(error_of(logistic, {}).empty());
  CHECK(error_of(logistic, {1, 2}) == "f: labels of 2 classes, expected 0 for logistic");
}

TEST_CASE("model objective: a model that does not fit its objective is refused") {
  const struct {
    std::function<void(Model&)> change;
    const char* message;
  } cases[] = {
      {[](Model& m) { m.objective = "cosine"; }, "f: objective = cosine: must be one of hinge"},
      {[](Model& m) { m.parameters["topics"] = 0; }, "f: topics = 0: must be"},
      {[](Model& m) { m.parameters["topics"] = 3; }, "f: width 2, expected 3 for topic_model"},
      {[](Model& m) { m.bias.clear(); }, "f: 0 biases, expected 2 for topic_model"},
      {[](Model& m) { m.names.clear(); }, "f: names of 0 kinds, expected two for topic_model"},
      {[](Model& m) { m.names.pop_back(); }, "f: names of 1 kinds, expected two for topic_model"},
  };
  for (const auto& [change, message] : cases) {
    Model model = topics();
    change(model);
    const std::string error = test::input_error_of([&] { objective_of(model, "f"); });
    CHECK_MESSAGE(error.starts_with(message), error);
  }
}

}  // namespace sounder
