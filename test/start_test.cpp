// Training that goes on from a model.
#include <doctest/doctest.h>

#include <limits>
#include <memory>
#include <sstream>
#include <utility>
#include <vector>

#include "engine/arena.h"
#include "engine/block_file.h"
#include "engine/convert.h"
#include "engine/evaluate.h"
#include "engine/layout.h"
#include "engine/train.h"
#include "engine/tune.h"
#include "io/libsvm.h"
#include "io/synthetic.h"
#include "objectives/catalogue.h"
#include "test/rules_rig.h"

namespace sounder {
namespace {

using namespace test;

constexpr double kNothing = 1e-12;  // a step that changes no weight of a float

Dataset problem(std::size_t rows = 2000, std::size_t columns = 200) {
  return generate({.rows = rows, .columns = columns, .nonzeros_per_row = 15});
}

std::shared_ptr<const Model> shared(Model model) {
  return std::make_shared<const Model>(std::move(model));
}

Options from(std::shared_ptr<const Model> model, std::size_t threads = 1) {
  Options options;
  options.threads = static_cast<int>(threads);
  options.l2 = 1e-4;
  options.epochs = 3;
  options.start = std::move(model);
  return options;
}

// A model of any numbers.
Model numbered(const std::string& objective, std::size_t dimension, std::size_t width, std::size_t biases) {
  Model model;
  model.objective = objective;
  model.dimension = dimension;
  model.width = static_cast<std::uint32_t>(width);
  for (std::size_t i = 0; i < dimension * width; ++i) model.weights.push_back(0.01F * static_cast<float>(i));
  for (std::size_t i = 0; i < biases; ++i) model.bias.push_back(-1.0F - static_cast<float>(i));
  return model;
}

bool starts(Rule rule) {
  return !traits_of(rule).dual;
}

// What a run of so many epochs reports, and one of four that goes on from its model.
std::pair<Report, Report> one_after_the_other(const Dataset& data, const char* name, Options options,
                                              int epochs) {
  const auto objective = make_objective(name);
  options.epochs = epochs;
  const Trained first = train(data, *objective, options);
  options.start = shared(first.model);
  options.epochs = 4;
  return {first.report, train(data, *objective, options).report};
}

}  // namespace

TEST_CASE("start: a layout takes a model as it gives it") {
  const Dataset data = problem(50, 30);
  for (const std::size_t width : {1, 3})
    for (const bool bias : {false, true})
      for (const bool ranked : {false, true}) {
        if (!ranked && bias) continue;
        const Shape shape{.width = width};
        const Layout layout = ranked ? Layout(data, shape, bias) : Layout::of_data(30, shape);
        const Model model = numbered("fake", 30, width, bias ? width : 0);
        Model back;
        layout.extract(layout.start(FakeObjective(), 1, &model), back);
        CHECK(back.weights == model.weights);
        CHECK(back.bias == model.bias);
      }
}

TEST_CASE("start: a step of nothing leaves the model, whatever the rule, the discipline and the threads") {
  const auto objective = make_objective("logistic");
  const Dataset data = problem();
  for (const bool bias : {false, true}) {
    const auto model = shared(numbered("logistic", 200, 1, bias ? 1 : 0));
    const auto check_stays = [&](Options options) {
      options.bias = bias;
      options.l2 = 0;
      options.step = kNothing;
      options.schedule = Schedule::kConstant;
      const Trained trained = train(data, *objective, options);
      for (std::size_t c = 0; c < model->weights.size(); ++c)
        CHECK(trained.model.weights[c] == doctest::Approx(model->weights[c]));
      if (traits_of(options.rule).derives && bias) {  // by way of what it keeps
        CHECK(trained.model.bias.at(0) == doctest::Approx(model->bias.at(0)).epsilon(1e-4));
      } else {
        CHECK(trained.model.bias == model->bias);
      }
      CHECK(trained.report.objective == doctest::Approx(evaluate(*model, *objective, data).loss));
    };
    for (const Rule rule : all_rules())
      for (const std::size_t threads : kThreadSweep) {
        if (!starts(rule)) continue;
        CAPTURE(name_of(rule));
        CAPTURE(threads);
        Options options = from(model, threads);
        options.rule = rule;
        check_stays(options);
      }
    for (const Discipline discipline : all_disciplines()) {
      if (bias && traits_of(discipline).disjoint) continue;
      CAPTURE(name_of(discipline));
      Options options = from(model, 2);
      options.discipline = discipline;
      check_stays(options);
    }
    Options averaged = from(model, 2);
    averaged.average_from = 2;
    check_stays(averaged);
  }
}

TEST_CASE("start: two runs are as good as one of all epochs, and no worse than the first") {
  const Dataset data = problem(8000, 400);
  for (const char* name : {"logistic", "hinge", "least_squares"}) {
    for (const std::size_t threads : kThreadSweep) {
      CAPTURE(name);
      CAPTURE(threads);
      const auto [first, second] = one_after_the_other(data, name, from(nullptr, threads), 10);
      CHECK(second.objective < 1.002 * first.objective);
      CHECK(second.per_epoch.front().objective < 1.05 * first.objective);
    }
  }
}

TEST_CASE("start: ftrl goes on from what its weights follow from") {
  const Dataset data = problem(8000, 400);
  for (const double l1 : {0.0, 1e-4}) {
    CAPTURE(l1);
    Options options = from(nullptr, 2);
    options.rule = Rule::kFtrl;
    options.l1 = l1;
    const auto [first, second] = one_after_the_other(data, "logistic", options, 20);
    CHECK(second.objective < 1.002 * first.objective);
    CHECK(second.per_epoch.back().objective < 1.05 * first.objective);
  }
}

TEST_CASE("start: columns that the model does not have begin at zero") {
  const auto objective = make_objective("logistic");
  const Dataset data = problem();
  Options options = from(shared(numbered("logistic", 50, 1, 0)));
  options.step = kNothing;
  options.l2 = 0;
  const Model model = train(data, *objective, options).model;
  REQUIRE(model.weights.size() == 200);
  CHECK(model.weights[49] == doctest::Approx(0.49));
  CHECK(model.weights[50] == doctest::Approx(0));
}

TEST_CASE("start: weights of columns that no sample touches are the model's, and shrink as all do") {
  const Dataset narrow = problem(300, 40);
  Dataset::Columns parts;
  for (std::size_t i = 0; i < narrow.rows(); ++i) parts.append(narrow.row(i));
  const Dataset data(90, std::move(parts));
  const Model model = numbered("hinge", 90, 1, 0);
  Options options = from(shared(model));
  options.step = 0.5;
  const Model after = train(data, *make_objective("hinge"), options).model;
  REQUIRE(after.weights.size() == 90);
  for (std::size_t c = 41; c < 90; ++c) {
    CHECK(after.weights[c] / model.weights[c] == doctest::Approx(after.weights[89] / model.weights[89]));
    CHECK(after.weights[c] > 0.5F * model.weights[c]);
    CHECK(after.weights[c] < model.weights[c]);
  }
}

TEST_CASE("start: many classes, and a block file") {
  const Dataset data = problem();
  const auto softmax = make_objective("softmax", {{"classes", 3}});
  Options options = from(shared(numbered("softmax", 200, 3, 0)), 2);
  options.step = kNothing;
  options.l2 = 0;
  std::vector<float> labels;
  for (std::size_t i = 0; i < data.rows(); ++i) labels.push_back(static_cast<float>(i % 3));
  CHECK(train(data.with_labels(labels), *softmax, options).model.weights[7] == doctest::Approx(0.07));

  const TempDir directory;
  std::ostringstream text;
  write_libsvm(data, text);
  write_file(directory / "x.svm", text.str());
  const auto logistic = make_objective("logistic");
  Arena arena(with_threads(1));
  convert(directory / "x.svm", directory / "x.blocks", *logistic, {}, arena);
  const auto file = std::make_shared<const BlockFile>(directory / "x.blocks", std::size_t{1} << 30);
  options.start = shared(numbered("logistic", data.dimension(), 1, 0));
  const Trained trained = train(file, *logistic, options);
  CHECK(trained.model.weights[7] == doctest::Approx(0.07));
  CHECK(trained.report.objective == doctest::Approx(evaluate(*options.start, *logistic, data).loss));
}

TEST_CASE("start: candidates begin there, and one does what train does") {
  const Dataset data = problem();
  const auto objective = make_objective("logistic");
  Options options = from(shared(train(data, *objective, from(nullptr)).model));
  options.step = 0.5;
  const Tuned tuned = tune(data, *objective, options, {{.l2 = options.l2, .step = options.step}}, data);
  CHECK(tuned.model.weights == train(data, *objective, options).model.weights);
}

TEST_CASE("start: a model that does not fit is refused") {
  const auto refusal = [](Model model, const auto& set) {
    Options options = from(shared(std::move(model)));
    set(options);
    return input_error_of([&] { train(problem(), *make_objective("logistic"), options); });
  };
  const auto nothing = [](Options&) {};
  const auto good = [] { return numbered("logistic", 200, 1, 0); };
  CHECK(refusal(good(), nothing).empty());
  CHECK(refusal(good(), [](Options& o) { o.bias = true; }).empty());
  CHECK(refusal(good(), [](Options& o) { o.rule = Rule::kSdca; }) ==
        "start: the rule sdca works its weights out from what it keeps; take sgd");
  CHECK(refusal(good(), [](Options& o) { o.rule = Rule::kFtrl; }).empty());
  CHECK(refusal(numbered("hinge", 200, 1, 0), nothing) ==
        "start: found a model of hinge, expected one of logistic");
  CHECK(refusal(numbered("logistic", 201, 1, 0), nothing) ==
        "start: found a model of 201 columns, expected no more than the data's 200");
  CHECK(refusal(numbered("logistic", 200, 2, 0), nothing) ==
        "start: found a model of 2 weights a column, expected 1");
  CHECK(refusal(numbered("logistic", 200, 1, 1), nothing) ==
        "start: found a model with 1 bias weight, expected 0; with a bias it goes on with one");
  Model cut = good();
  cut.weights.pop_back();
  CHECK(refusal(cut, nothing).find("expected them for each of its columns") != std::string::npos);
  Model wild = good();
  wild.weights[3] = std::numeric_limits<float>::quiet_NaN();
  CHECK(refusal(wild, nothing).find("other than finite weights") != std::string::npos);
}

TEST_CASE("start: pairs numbered otherwise are refused") {
  const auto pairs = [](std::size_t users) {
    Dataset::Columns parts;
    for (std::size_t i = 0; i < 300; ++i) {
      parts.indices.insert(parts.indices.end(),
                           {static_cast<Coordinate>(i % users), static_cast<Coordinate>(users + i % 7)});
      parts.offsets.push_back(parts.indices.size());
      parts.labels.push_back(static_cast<float>(i % 5));
    }
    parts.values.assign(parts.indices.size(), 1);
    return Dataset(users + 7, std::move(parts));
  };
  const auto objective = make_objective("matrix_completion", {{"rank", 2}});
  Options options = options_for(*objective);
  options.threads = 1;
  options.start = shared(train(pairs(20), *objective, options).model);
  CHECK(train(pairs(20), *objective, options).report.epochs > 0);
  CHECK(input_error_of([&] { train(pairs(21), *objective, options); }) ==
        "start: found a model of 27 coordinates, expected 28, numbered as the data's");
}

TEST_CASE("start: from a model of other data it is no worse than from nothing, in few epochs") {
  const Dataset data = problem(3000, 300);
  const Dataset other = problem(3000, 400);
  for (const char* name : {"logistic", "squared_hinge", "hinge"}) {
    const auto objective = make_objective(name);
    for (const std::size_t threads : kThreadSweep) {
      CAPTURE(name);
      CAPTURE(threads);
      Options options = from(nullptr, threads);
      const double cold = train(other, *objective, options).report.objective;
      options.start = shared(train(data, *objective, options).model);
      CHECK(train(other, *objective, options).report.objective < 1.1 * cold);
    }
  }
}

TEST_CASE("start: the model is kept where no epoch is better, by what decides that") {
  const Dataset data = problem();
  const auto objective = make_objective("logistic");
  Options options = from(nullptr);
  options.epochs = 60;
  const auto good = shared(train(data, *objective, options).model);
  options.start = good;
  options.epochs = 1;
  options.step = 4;
  options.schedule = Schedule::kConstant;
  const Trained worse = train(data, *objective, options);
  CHECK(worse.report.best_epoch == 0);
  CHECK(worse.model.weights == good->weights);
  CHECK(worse.report.objective < worse.report.per_epoch.front().objective);
  Monitor monitor;
  monitor.validation = data;
  const Trained judged = train(data, *objective, options, monitor);
  CHECK(judged.report.best_epoch == 0);
  CHECK(judged.report.validation->loss == doctest::Approx(evaluate(*good, *objective, data).loss));
  options.step = 0.05;
  options.start = shared(numbered("logistic", 200, 1, 0));
  CHECK(train(data, *objective, options).report.best_epoch == 1);
}

TEST_CASE("start: weights of columns that no sample touches stay the model's, whatever the rule") {
  const Dataset data = problem(500, 40).with_dimension(90);
  const Model model = numbered("logistic", 90, 1, 0);
  for (const Rule rule : all_rules()) {
    if (!starts(rule)) continue;
    CAPTURE(name_of(rule));
    Options options = from(shared(model), 2);
    options.rule = rule;
    options.l2 = 0;
    const Model after = train(data, *make_objective("logistic"), options).model;
    REQUIRE(after.weights.size() == 90);
    for (std::size_t c = 40; c < 90; ++c) CHECK(after.weights[c] == doctest::Approx(model.weights[c]));
  }
}

}  // namespace sounder
