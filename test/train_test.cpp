// What train() promises, through public headers alone.
#include "engine/train.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "engine/evaluate.h"
#include "io/random.h"
#include "io/synthetic.h"
#include "objectives/catalogue.h"
#include "objectives/linear.h"
#include "test/support.h"

using namespace sounder;
using namespace sounder::test;

namespace {

Dataset problem(std::size_t rows = 600, std::size_t columns = 80) {
  return generate({.rows = rows, .columns = columns, .nonzeros_per_row = 8});
}

Options quick(std::size_t threads = 1) {
  Options options;
  options.threads = static_cast<int>(threads);
  options.step = 1;
  options.epochs = 5;
  options.l2 = 1e-3;
  return options;
}

// What keeps its copies from block to block does so from epoch to epoch, until somebody looks.
Options unseen(std::size_t threads, int epochs, int evaluate_every) {
  Options options = quick(threads);
  options.bias = true;  // so blocks are made
  options.epochs = epochs;
  options.evaluate_every = evaluate_every;
  return options;
}

Dataset wide_problem() {
  return generate({.rows = 4000, .columns = 3000, .nonzeros_per_row = 20});
}

// f of the model returned, worked out from the data.
double objective_of(const Model& model, const Objective& objective, const Dataset& data) {
  double norm = 0;
  for (const float w : model.weights) norm += double{w} * w;
  return evaluate(model, objective, data).loss + model.l2 / 2 * norm;
}

// A loss of the caller's own: |z - y|, smoothed.
struct Smoothed {
  double value(float margin, float label) const {
    return std::sqrt(1 + std::pow(double{margin} - label, 2)) - 1;
  }
  double slope(float margin, float label) const {
    return (margin - label) / std::sqrt(1 + std::pow(double{margin} - label, 2));
  }
};

// Another one, whose steps can overshoot as they like.
struct Squared {
  double value(float margin, float label) const { return std::pow(double{margin} - label, 2); }
  float slope(float margin, float label) const { return 2 * (margin - label); }
};

struct Broken {
  double value(float, float) const { return std::nan(""); }
  float slope(float, float) const { return 1; }
};

}  // namespace

TEST_CASE("train: one thread gives the same bits for the same seed") {
  for (const CatalogueRow& row : linear_catalogue()) {
    for (const Discipline discipline : {Discipline::kAtomic, Discipline::kLockFree, Discipline::kRacy}) {
      CAPTURE(row.name);
      const auto objective = row.make({});
      Options options = quick();
      options.discipline = discipline;
      options.bias = true;
      const Trained once = train(problem(), *objective, options);
      const Trained again = train(problem(), *objective, options);
      CHECK(once.model.weights == again.model.weights);
      CHECK(once.model.bias == again.model.bias);
      CHECK(once.report.objective == again.report.objective);
      options.seed = 2;
      CHECK(train(problem(), *objective, options).model.weights != once.model.weights);
    }
  }
}

TEST_CASE("train: without a step too, and the step found is the one reported") {
  const auto objective = make_objective("logistic");
  Options options = quick();
  options.step.reset();
  const Trained once = train(problem(), *objective, options);
  const Trained again = train(problem(), *objective, options);
  CHECK(once.model.weights == again.model.weights);
  CHECK((once.report.step > 0 && std::isfinite(once.report.step)));
  CHECK(once.report.objective < std::log(2));
}

TEST_CASE("train: model and report belong to the data, the options and each other") {
  for (const std::size_t threads : kThreadSweep) {
    CAPTURE(threads);
    const Dataset data = problem();
    const auto objective = make_objective("huber", {{"huber_delta", 0.5}});
    Options options = quick(threads);
    options.bias = true;
    options.block_rows = 32;
    const auto [model, report] = train(data, *objective, options);
    CHECK(model.objective == "huber");
    CHECK(model.parameters.at("huber_delta") == 0.5);
    CHECK(model.dimension == 80);
    CHECK(model.weights.size() == 80);
    CHECK(model.bias.size() == 1);
    CHECK(model.l2 == options.l2);
    CHECK(model.rows == 600);
    CHECK(report.objective == doctest::Approx(objective_of(model, *objective, data)).epsilon(1e-4));
    CHECK(report.training.loss == doctest::Approx(evaluate(model, *objective, data).loss).epsilon(1e-4));
    CHECK(report.samples == 600);
    CHECK(report.coordinates == 80);
    CHECK(report.nonzeros == data.nonzeros());
    CHECK(report.threads == static_cast<int>(threads));
    CHECK(report.block_rows == 32);
    CHECK(report.tau >= 32);
    REQUIRE(report.per_epoch.size() == 5);
    CHECK(report.per_epoch[static_cast<std::size_t>(report.best_epoch) - 1].objective == report.objective);
  }
}

TEST_CASE("train: the best epoch is the one returned") {
  const auto objective = make_objective("hinge");
  Options options = quick();
  options.schedule = Schedule::kConstant;
  options.step = 20;
  options.epochs = 12;
  const Report report = train(problem(), *objective, options).report;
  const auto best = std::ranges::min_element(report.per_epoch, {}, &EpochReport::objective);
  CHECK(report.best_epoch == best->epoch);
  CHECK(report.objective == best->objective);
}

TEST_CASE("train: stops at a target, a tolerance, a time limit, a stop request or the last epoch") {
  const struct {
    const char* name;
    std::function<void(Options&)> change;
    Outcome outcome;
    int most_epochs;
  } cases[] = {
      {"epochs", [](Options& o) { o.epochs = 3; }, Outcome::kEpochLimit, 3},
      {"target", [](Options& o) { o.target = 0.9; }, Outcome::kConverged, 1},
      {"no target", [](Options& o) { o.target = -1; }, Outcome::kEpochLimit, 200},
      {"tolerance", [](Options& o) { o.tolerance = 0.05, o.patience = 2; }, Outcome::kConverged, 100},
      {"time limit", [](Options& o) { o.time_limit = 1e-9; }, Outcome::kTimeLimit, 1},
  };
  for (const std::size_t threads : kThreadSweep) {
    for (const auto& [name, change, outcome, most_epochs] : cases) {
      CAPTURE(threads);
      CAPTURE(name);
      Options options = quick(threads);
      options.block_rows = 40;
      options.epochs = 200;
      change(options);
      const auto [model, report] = train(problem(), *make_objective("hinge"), options);
      CHECK(name_of(report.outcome) == name_of(outcome));
      CHECK(report.epochs <= most_epochs);
      CHECK(all_finite(model));
    }
  }
}

TEST_CASE("train: patience is in epochs without an improvement of the tolerance") {
  const FakeObjective flat;
  for (const int patience : {1, 2, 5}) {
    Options options = quick();
    options.epochs = 50;
    options.tolerance = 1e-3;
    options.patience = patience;
    const Report report = train(problem(), flat, options).report;
    CHECK(report.outcome == Outcome::kConverged);
    CHECK(report.epochs == patience + 1);
  }
}

TEST_CASE("train: a time limit ends a long run within it") {
  const auto start = std::chrono::steady_clock::now();
  Options options = quick(2);
  options.epochs = 1'000'000;
  options.time_limit = 0.2;
  const Report report = train(problem(), *make_objective("logistic"), options).report;
  CHECK(report.outcome == Outcome::kTimeLimit);
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(5));
}

TEST_CASE("train: a stop request, before or during the run, keeps the best so far") {
  for (const std::size_t threads : kThreadSweep) {
    for (const int stop_after : {0, 3}) {
      CAPTURE(threads);
      CAPTURE(stop_after);
      std::stop_source stop;
      if (stop_after == 0) stop.request_stop();
      Monitor monitor;
      monitor.stop = stop.get_token();
      monitor.on_epoch = [&](const EpochReport& row) {
        if (row.epoch == stop_after) stop.request_stop();
      };
      Options options = quick(threads);
      options.epochs = 1000;
      const auto [model, report] = train(problem(), *make_objective("hinge"), options, monitor);
      CHECK(report.outcome == Outcome::kCancelled);
      CHECK(report.epochs <= stop_after + 1);
      CHECK(report.objective <= 1);
      CHECK(all_finite(model));
    }
  }
}

TEST_CASE("train: epochs that nobody looks at are counted, and end where others do") {
  const Dataset data = wide_problem();
  const auto objective = make_objective("hinge");
  for (const std::size_t threads : kThreadSweep) {
    CAPTURE(threads);
    const Report seen = train(data, *objective, unseen(threads, 20, 1)).report;
    const Report report = train(data, *objective, unseen(threads, 20, 7)).report;
    CHECK(report.epochs == 20);
    CHECK(report.passes == doctest::Approx(20));
    REQUIRE(report.per_epoch.size() == 3);
    CHECK(report.per_epoch[0].epoch == 7);
    CHECK(report.per_epoch[1].epoch == 14);
    CHECK(report.per_epoch[2].epoch == 20);
    CHECK(report.per_epoch[1].passes == doctest::Approx(14));
    CHECK(report.objective == doctest::Approx(seen.objective).epsilon(0.02));
  }
}

TEST_CASE("train: a run that is stopped between two looks tells how far it came") {
  const Dataset data = wide_problem();
  for (const std::size_t threads : kThreadSweep) {
    CAPTURE(threads);
    Options options = unseen(threads, 1'000'000, 1'000'000);
    options.time_limit = 0.3;
    const Report report = train(data, *make_objective("logistic"), options).report;
    CHECK(report.outcome == Outcome::kTimeLimit);
    CHECK(report.epochs >= 1);
    CHECK(std::fabs(report.passes - report.epochs) <= 1.1);  // tasks in flight may not be counted
    REQUIRE(report.per_epoch.size() == 1);
    CHECK(report.per_epoch[0].epoch == report.epochs);
  }
  // Whatever it is doing when time runs out.
  for (int k = 1; k <= 100; ++k) {
    CAPTURE(k);
    Options options = unseen(1, 1'000'000, 1'000'000);
    options.time_limit = 0.002 + 2e-5 * k;
    CHECK(train(data, *make_objective("logistic"), options).report.per_epoch.size() == 1);
  }
}

TEST_CASE("train: an explosion that nobody looks at is noticed before most of the epochs are gone") {
  for (const std::size_t threads : kThreadSweep) {
    CAPTURE(threads);
    Options options = unseen(threads, 64, 64);
    options.step = 1e8;
    options.rule = Rule::kAdagrad;  // whose steps may overshoot a sample
    const auto [model, report] = train(wide_problem(), *make_objective("least_squares"), options);
    CHECK(report.rollbacks > 7);  // as many as doubling all along would leave room for
    CHECK(all_finite(model));
  }
}

TEST_CASE("train: a step far too large is taken back until the objective is finite and better than nothing") {
  for (const std::size_t threads : kThreadSweep) {
    for (const double step : {1e4, 1e8}) {
      CAPTURE(threads);
      CAPTURE(step);
      Options options = quick(threads);
      options.step = step;
      options.epochs = 60;
      options.l2 = 0;
      options.block_rows = 50;
      const auto [model, report] =
          train(problem(), *make_linear("own", LabelKind::kReal, Squared{}), options);
      CHECK(report.objective <= Squared{}.value(0, 1));
      CHECK(report.rollbacks > 0);
      CHECK(report.step < step);
      CHECK(all_finite(model));
    }
  }
}

TEST_CASE("train: evaluated are every so many epochs, the last one, and one that has exploded") {
  const Dataset data = problem();
  const auto objective = make_objective("logistic");
  for (const std::size_t threads : kThreadSweep) {
    CAPTURE(threads);
    Options options = quick(threads);
    options.evaluate_every = 2;
    const Report report = train(data, *objective, options).report;
    std::vector<int> epochs;
    for (const EpochReport& row : report.per_epoch) epochs.push_back(row.epoch);
    CHECK(epochs == std::vector{2, 4, 5});
    CHECK(report.objective < std::log(2));
    if (threads == 1) {
      options.evaluate_every = 1;
      CHECK(train(data, *objective, options).report.objective == report.objective);
    }
  }
  struct Plain {
    double value(float z, float y) const { return (double{z} - y) * (double{z} - y) / 2; }
    float slope(float z, float y) const { return z - y; }
  };
  Options options = quick();
  options.step = 1e4;
  options.epochs = 20;
  options.evaluate_every = 100;
  const Trained trained = train(data, *make_linear("plain", LabelKind::kReal, Plain{}), options);
  CHECK(trained.report.rollbacks > 0);
  CHECK(trained.report.per_epoch.size() == 1);
  CHECK(all_finite(trained.model));
}

TEST_CASE("train: a loss that is no number diverges with advice and a finite model") {
  for (const std::size_t threads : kThreadSweep) {
    CAPTURE(threads);
    const auto [model, report] =
        train(problem(), *make_linear("broken", LabelKind::kReal, Broken{}), quick(threads));
    CHECK(report.outcome == Outcome::kDiverged);
    CHECK(!report.advice.empty());
    CHECK(report.per_epoch.empty());
    CHECK(all_finite(model));
  }
}

TEST_CASE("train: an objective below zero is no divergence") {
  struct Shifted {
    double value(float margin, float label) const {
      return (double{margin} - label) * (double{margin} - label) - 3;
    }
    float slope(float margin, float label) const { return 2 * (margin - label); }
  };
  Options options = quick();
  options.step = 0.05;
  const Report report =
      train(problem(), *make_linear("shifted", LabelKind::kReal, Shifted{}), options).report;
  CHECK(report.outcome == Outcome::kEpochLimit);
  CHECK(report.rollbacks == 0);
  CHECK(report.objective < -2);
}

TEST_CASE("train: an exact fit is no divergence") {
  SyntheticOptions shape;
  shape.kind = SyntheticKind::kRegression;
  shape.rows = 500;
  shape.columns = 20;
  shape.nonzeros_per_row = 8;
  shape.noise = 0;
  Options options = quick();
  options.l2 = 0;
  options.schedule = Schedule::kConstant;
  options.epochs = 300;
  const Report report = train(generate(shape), *make_objective("least_squares"), options).report;
  CHECK(report.outcome == Outcome::kEpochLimit);
  CHECK(report.objective < 1e-6);
}

TEST_CASE("train: the theorem's step and budget are worked out from l2, the accuracy and the data") {
  Options options = quick();
  options.step.reset();
  options.schedule = Schedule::kTheorem;
  options.accuracy = 0.01;
  const Report report = train(problem(), *make_objective("hinge"), options).report;
  REQUIRE(report.theorem.has_value());
  const auto [m, bound, step, samples] = *report.theorem;
  CHECK(m == options.l2);
  CHECK(bound >= 1);  // rows of length 1 and slopes of 1 at w = 0
  CHECK(bound < 1.1);
  CHECK(step == doctest::Approx(0.01 * m / (2 * bound * bound)));
  CHECK(report.step == step);
  CHECK(report.per_epoch.back().step == step);
  const double ratio = bound * bound / (m * m);
  CHECK(samples == doctest::Approx(2 * ratio / 0.01 * std::log(2 * ratio / 0.01)));
  options.schedule = Schedule::kConstant;
  options.accuracy.reset();
  CHECK(!train(problem(), *make_objective("hinge"), options).report.theorem.has_value());
}

TEST_CASE("train: the theorem's accuracy is reached within its budget") {
  const auto objective = make_objective("logistic");
  for (const double accuracy : {0.01, 0.003}) {
    for (const std::size_t threads : kThreadSweep) {
      CAPTURE(threads);
      Options options;
      options.l2 = 0.19;
      options.threads = static_cast<int>(threads);
      options.epochs = 200;
      const std::vector<float> best = train(problem(), *objective, options).model.weights;
      options.schedule = Schedule::kTheorem;
      options.accuracy = accuracy;
      options.epochs = 1;
      const Theorem theorem = train(problem(), *objective, options).report.theorem.value();
      options.epochs = static_cast<int>(std::ceil(theorem.samples / 600));
      const std::vector<float> reached = train(problem(), *objective, options).model.weights;
      REQUIRE(std::inner_product(best.begin(), best.end(), best.begin(), 0.0) > 5 * accuracy);
      double distance = 0;
      for (std::size_t i = 0; i < best.size(); ++i) distance += std::pow(double{best[i]} - reached[i], 2);
      CHECK(distance < accuracy);
    }
  }
}

TEST_CASE("train: a loss along a straight line has steps, and one of no curvature at all none") {
  struct Straight {
    double bend;
    double value(float z, float y) const { return -double{y} * z; }
    float slope(float, float y) const { return -y; }
    double curvature() const { return bend; }
  };
  const Dataset data = generate({.rows = 500, .columns = 20, .nonzeros_per_row = 5});
  const auto run = [&](double bend, Rule rule) {
    Options options;
    options.threads = 1;
    options.l2 = 1;
    options.rule = rule;
    return train(data, *make_linear("straight", LabelKind::kTwoClass, Straight{bend}), options).report;
  };
  for (const Rule rule : {Rule::kSgd, Rule::kSaga}) {
    CAPTURE(name_of(rule));
    const Report report = run(0, rule);
    CHECK(report.outcome == Outcome::kEpochLimit);
    if (rule == Rule::kSgd) CHECK(report.rollbacks == 0);
    CHECK(report.objective < 0);
  }
  for (const double bend : {-1.0, std::nan(""), HUGE_VAL})
    CHECK(input_error_of([&] { run(bend, Rule::kSgd); }).starts_with("the curvature of straight is "));
}
