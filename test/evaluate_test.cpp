#include "engine/evaluate.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include "engine/arena.h"
#include "engine/train.h"
#include "engine/tune.h"
#include "io/random.h"
#include "io/synthetic.h"
#include "objectives/catalogue.h"
#include "test/support.h"

using namespace sounder;
using namespace sounder::test;

namespace {

// One column, whose value is the margin under a weight of 1.
Dataset with_scores(const std::vector<float>& scores, std::vector<float> labels,
                    std::vector<float> weights = {}) {
  Dataset::Columns parts;
  parts.labels = std::move(labels);
  parts.weights = std::move(weights);
  for (const float score : scores) {
    parts.indices.push_back(0);
    parts.values.push_back(score);
    parts.offsets.push_back(parts.indices.size());
  }
  return Dataset(1, std::move(parts));
}

Model model_of(std::vector<float> weights, std::vector<float> bias = {}) {
  Model model;
  model.dimension = weights.size();
  model.weights = std::move(weights);
  model.bias = std::move(bias);
  return model;
}

std::optional<double> area(const std::vector<float>& scores, const std::vector<float>& labels) {
  return evaluate(model_of({1}), *make_objective("hinge"), with_scores(scores, labels)).auc;
}

constexpr std::size_t kColumns = 6;

// Rows of two columns of ones, which suit all objectives, with labels of `classes` classes.
Dataset two_columns(std::size_t rows, LabelKind labels, std::size_t classes) {
  Dataset::Columns parts;
  for (std::size_t i = 0; i < rows; ++i) {
    parts.indices.insert(parts.indices.end(),
                         {static_cast<Coordinate>(i % 3), static_cast<Coordinate>(3 + i / 3 % 3)});
    parts.offsets.push_back(parts.indices.size());
    const auto number = static_cast<float>(i % classes);
    parts.labels.push_back(labels == LabelKind::kTwoClass ? 2 * number - 1 : number);
  }
  parts.values.assign(parts.indices.size(), 1);
  return Dataset(kColumns, std::move(parts));
}

// With weights at random, of that size.
Model random_model(const Objective& objective, double size) {
  Random random(5);
  const Shape shape = objective.shape();
  Model model;
  model.dimension = kColumns;
  model.width = static_cast<std::uint32_t>(shape.width);
  model.weights.resize(kColumns * shape.width);
  model.bias.resize((shape.common + (shape.takes_bias() ? 1 : 0)) * shape.width);
  for (std::vector<float>* all : {&model.weights, &model.bias})
    for (float& weight : *all) weight = static_cast<float>(size * random.gaussian());
  return model;
}

// Calls body(objective, data) for each objective of the catalogue that has probabilities.
template <class Body>
void for_each_probable(Body&& body) {
  for (const CatalogueRow& row : catalogue()) {
    CAPTURE(row.name);
    const bool many = row.make({})->labels() == LabelKind::kManyClass;
    Objective::Parameters parameters;
    if (many) parameters["classes"] = 4;
    const auto objective = row.make(parameters);
    if (objective->has_probabilities()) body(*objective, two_columns(30, objective->labels(), many ? 4 : 2));
  }
}

// Of the row's own label.
float probability_of_label(const Objective& objective, std::span<const float> row, float label) {
  if (objective.labels() == LabelKind::kManyClass) return row[static_cast<std::size_t>(label)];
  return label > 0 ? row[0] : 1 - row[0];
}

}  // namespace

TEST_CASE("evaluate: predictions are margins") {
  const auto objective = make_objective("least_squares");
  const Dataset data(3, {{0, 2, 2, 3}, {0, 2, 1}, {1, 2, 3}, {0, 0, 0}, {}});
  CHECK(predict(model_of({1, -1, 0.5F}), *objective, data) == std::vector<float>{2, 0, -3});
  CHECK(predict(model_of({1, -1, 0.5F}, {10}), *objective, data) == std::vector<float>{12, 10, 7});
  CHECK(predict(model_of({1, -1, 0.5F, 9, 9}), *objective, data) == std::vector<float>{2, 0, -3});
  CHECK(predict(model_of({1, -1, 0.5F}), *objective, data.with_labels({1, 2, 3})).size() == 3);
  CHECK(predict(model_of({1}), *objective, Dataset(1, {})).empty());
}

TEST_CASE("evaluate: what has probabilities") {
  std::vector<std::string> names;
  for_each_probable([&](const Objective& objective, const Dataset&) { names.push_back(objective.name()); });
  CHECK(names == std::vector<std::string>{"logistic", "one_vs_rest_logistic", "softmax", "network",
                                          "matrix_completion_logistic"});
  CHECK(input_error_of([] {
          probabilities(model_of({1}), *make_objective("hinge"), with_scores({1}, {1}));
        }) == "the objective hinge has no probabilities");
}

TEST_CASE("evaluate: probabilities are those of the loss") {
  for_each_probable([](const Objective& objective, const Dataset& data) {
    if (objective.name() == "one_vs_rest_logistic") return;  // a loss for each class, not of one event
    const Model model = random_model(objective, 0.7);
    const std::vector<float> all = probabilities(model, objective, data);
    const std::size_t width = objective.scores();
    REQUIRE(all.size() == data.rows() * width);
    double loss = 0;
    for (std::size_t i = 0; i < data.rows(); ++i) {
      const auto row = std::span(all).subspan(i * width, width);
      if (width > 1) CHECK(std::accumulate(row.begin(), row.end(), 0.0) == doctest::Approx(1));
      loss -= std::log(probability_of_label(objective, row, data.labels()[i]));
    }
    CHECK(loss / static_cast<double>(data.rows()) ==
          doctest::Approx(evaluate(model, objective, data).loss).epsilon(1e-5));
  });
}

TEST_CASE("evaluate: probabilities are 0 to 1 however large the weights") {
  for_each_probable([](const Objective& objective, const Dataset& data) {
    for (const double size : {1e3, 1e8, 1e15}) {
      for (const float p : probabilities(random_model(objective, size), objective, data))
        CHECK((p >= 0 && p <= 1));
    }
  });
}

TEST_CASE("evaluate: the class that is predicted has the highest score, and other scores are predictions") {
  for_each_probable([](const Objective& objective, const Dataset& data) {
    const Model model = random_model(objective, 1);
    const std::vector<float> predictions = predict(model, objective, data);
    const std::vector<float> all = scores(model, objective, data);
    const std::size_t width = objective.scores();
    if (width == 1) {
      CHECK(all == predictions);
      return;
    }
    for (std::size_t i = 0; i < data.rows(); ++i) {
      const auto row = std::span(all).subspan(i * width, width);
      CHECK(static_cast<float>(std::ranges::max_element(row) - row.begin()) == predictions[i]);
    }
  });
}

TEST_CASE("evaluate: two classes have loss, accuracy and area under the curve") {
  const Dataset data = with_scores({2, 0.5F, -1, 3}, {1, 1, -1, -1});
  const Metrics metrics = evaluate(model_of({1}), *make_objective("hinge"), data);
  CHECK(metrics.loss == doctest::Approx((0 + 0.5 + 0 + 4) / 4));
  CHECK(metrics.accuracy == 0.75);
  CHECK(metrics.auc == 0.5);
  CHECK(!metrics.rmse);
}

TEST_CASE("evaluate: real labels have loss, root mean squared and mean absolute error") {
  const Dataset data = with_scores({1, 2, 3}, {1, 4, 2});
  const Metrics metrics = evaluate(model_of({1}), *make_objective("least_squares"), data);
  CHECK(metrics.loss == doctest::Approx((4 + 1) / 2.0 / 3));
  CHECK(*metrics.rmse == doctest::Approx(std::sqrt(5.0 / 3)));
  CHECK(*metrics.mae == doctest::Approx(1));
  CHECK(!metrics.accuracy);
  CHECK(!metrics.auc);
}

TEST_CASE("evaluate: labels that training refuses are refused") {
  CHECK(input_error_of([] {
          evaluate(model_of({1}), *make_objective("hinge"), with_scores({1, 2, 3}, {1, -1, 7}));
        }).starts_with("row 2 (counted from 0): the label is 7, expected one of -1 and +1"));
  Model pairs = model_of(std::vector<float>(3 * 8, 1));
  const auto objective = make_objective("matrix_completion_kl", {{"rank", 8}});
  pairs.width = static_cast<std::uint32_t>(objective->width());
  pairs.weights.resize(3 * pairs.width, 1);
  pairs.dimension = 3;
  const Dataset data(3, {{0, 2, 4}, {0, 1, 0, 2}, {1, 1, 1, 1}, {2, -1}, {}});
  CHECK(input_error_of([&] { evaluate(pairs, *objective, data); }) ==
        "row 1 (counted from 0): the label is -1, expected a number >= 0");
  CHECK(evaluate(pairs, *objective, data.with_labels({2, 0})).rmse);
}

TEST_CASE("evaluate: weights count, and whole ones count like repeated rows") {
  const Dataset weighted = with_scores({2, 0.5F, -1, 3}, {1, 1, -1, -1}, {0, 2, 1, 3});
  const Dataset repeated = with_scores({0.5F, 0.5F, -1, 3, 3, 3}, {1, 1, -1, -1, -1, -1});
  const auto objective = make_objective("logistic");
  const Metrics a = evaluate(model_of({1}), *objective, weighted);
  const Metrics b = evaluate(model_of({1}), *objective, repeated);
  CHECK(a.loss == doctest::Approx(b.loss));
  CHECK(*a.accuracy == doctest::Approx(*b.accuracy));
  CHECK(*a.auc == doctest::Approx(*b.auc));
  CHECK(*evaluate(model_of({1}), *objective, with_scores({3, 1, 2}, {1, 1, -1}, {1, 0, 1})).auc == 1);
}

TEST_CASE("evaluate: area under the curve, by hand") {
  const struct {
    std::vector<float> scores, labels;
    double expected;
  } cases[] = {
      {{1, 2, 3, 4}, {-1, -1, 1, 1}, 1},     {{1, 2, 3, 4}, {1, 1, -1, -1}, 0},
      {{5, 5, 5, 5}, {1, -1, 1, -1}, 0.5},   {{1, 3, 2, 4}, {-1, -1, 1, 1}, 0.75},
      {{1, 2, 2, 3}, {-1, -1, 1, 1}, 0.875},
  };
  for (const auto& [scores, labels, expected] : cases)
    CHECK(*area(scores, labels) == doctest::Approx(expected));
  CHECK(!area({1, 2}, {1, 1}));
  CHECK(!area({1, 2}, {-1, -1}));
}

TEST_CASE("evaluate: scores that are no numbers have no area under the curve") {
  const Dataset data(2, {{0, 2, 4, 6}, {0, 1, 0, 1, 0, 1}, {10, 10, 1, 2, 2, 1}, {1, -1, 1}, {}});
  CHECK(!evaluate(model_of({std::nanf(""), 1}), *make_objective("hinge"), data).auc);
}

TEST_CASE("evaluate: more weights than positions tell apart are refused") {
  const Dataset data(430'000, {{0, 1, 2}, {429'999, 5}, {1, 1}, {9'999, 0}, {}});
  const auto objective = make_objective("softmax", {{"classes", 10'000}});
  const std::string message = "430000 coordinates of 10000 weights each: a model has at most 2^32 weights";
  Model model;
  model.dimension = 430'000;
  model.width = 10'000;
  CHECK(input_error_of([&] { predict(model, *objective, data); }) == message);
  CHECK(input_error_of([&] { evaluate(model, *objective, data); }) == message);
  const auto open = make_objective("softmax");  // has as many classes as the data
  CHECK(input_error_of([&] { train(data, *open); }) == message);
  CHECK(input_error_of([&] { tune(data, *open, {}, {Candidate{}}, data); }) == message);
  CHECK(input_error_of([&] { check_positions(std::uint64_t{1} << 32, 1); }).empty());
  CHECK(input_error_of([&] { check_positions(1 << 16, 1 << 16); }).empty());
  CHECK(!input_error_of([&] { check_positions((1 << 16) + 1, 1 << 16); }).empty());
}

TEST_CASE("evaluate: the loss of zero is that of rows without a non-zero") {
  std::vector<float> labels(9000, 1);
  std::vector<float> weights(9000, 1);
  for (std::size_t i = 0; i < 3000; ++i) labels[i] = 5, weights[i] = 0.5F;
  const Dataset data(1, {std::vector<std::uint64_t>(9001), {}, {}, labels, weights});
  CHECK(loss_of_zero(data, *make_objective("least_squares")) ==
        doctest::Approx((1500 * 12.5 + 6000 * 0.5) / 7500));
  CHECK(loss_of_zero(with_scores({3, 4}, {1, 3}), *make_objective("least_squares")) == 2.5);
}

TEST_CASE("evaluate: the same bits whatever runs the pieces") {
  const Dataset data = generate({.rows = 10'000, .columns = 300, .nonzeros_per_row = 5});
  Random random(3);
  std::vector<float> weights(300);
  for (float& w : weights) w = static_cast<float>(random.gaussian());
  const Model model = model_of(weights, {0.1F});
  const auto objective = make_objective("logistic");
  const Metrics expected = evaluate(model, *objective, data);
  for (const std::size_t threads : kThreadSweep) {
    Options arena_options;
    arena_options.threads = static_cast<int>(threads);
    Arena arena(arena_options);
    const ParallelFor parallel = [&](std::size_t count, const auto& body) {
      arena.parallel_for(count, body);
    };
    const Metrics metrics = evaluate(model, *objective, data, parallel);
    CHECK(metrics.loss == expected.loss);
    CHECK(metrics.accuracy == expected.accuracy);
    CHECK(metrics.auc == expected.auc);
    CHECK(predict(model, *objective, data, parallel) == predict(model, *objective, data));
    CHECK(probabilities(model, *objective, data, parallel) == probabilities(model, *objective, data));
  }
}

TEST_CASE("evaluate: a model of another shape than the objective's is refused") {
  const Dataset data = numbered_rows(5, {{0, 4}, {4}});
  Model good;
  good.objective = "logistic";
  good.dimension = 5;
  good.weights.resize(5);
  const auto refusal = [&](const Model& model, const char* objective) {
    return input_error_of([&] { predict(model, *make_objective(objective, {}), data); });
  };
  CHECK(refusal(good, "logistic").empty());
  Model wrong = good;
  wrong.weights.pop_back();
  CHECK(refusal(wrong, "logistic").starts_with("found a model of 4 x 1 weights and 0 beside them"));
  wrong = good;
  wrong.bias = {1, 2};
  CHECK(!refusal(wrong, "hinge").empty());
  CHECK(!refusal(good, "matrix_completion").empty());
}

TEST_CASE("evaluate: an objective that the model is not of is refused") {
  Model model = model_of({1});
  model.objective = "huber";
  model.parameters = {{"huber_delta", 0.5}};
  const Dataset data = with_scores({1}, {3});
  CHECK(evaluate(model, *make_objective("huber", {{"huber_delta", 0.5}}), data).loss ==
        doctest::Approx(0.875));
  CHECK(input_error_of([&] { evaluate(model, *make_objective("huber"), data); }) ==
        "found a model of huber with other parameters: objective_of() makes the one it is of");
  CHECK(input_error_of([&] { predict(model, *make_objective("least_squares"), data); }) ==
        "found a model of huber, expected one of least_squares");
}
