// What train() makes of labels, weights, held-out samples, objectives of the caller's own and small data;
// public headers alone.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <mutex>
#include <numeric>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "engine/evaluate.h"
#include "engine/train.h"
#include "io/random.h"
#include "io/synthetic.h"
#include "objectives/catalogue.h"
#include "objectives/linear.h"
#include "test/support.h"

using namespace sounder;
using namespace sounder::test;

namespace {

Dataset problem(std::size_t rows = 600, std::size_t columns = 80,
                SyntheticKind kind = SyntheticKind::kClassification) {
  return generate({.kind = kind,
                   .rows = rows,
                   .columns = columns,
                   .nonzeros_per_row = std::min(8.0, static_cast<double>(columns))});
}

Options careful(std::size_t threads = 1) {
  Options options;
  options.threads = static_cast<int>(threads);
  options.step = 2;
  options.epochs = 40;
  options.l2 = 1e-2;
  return options;
}

std::string refusal(const Dataset& data, const std::string& objective, const Monitor& monitor = {}) {
  return input_error_of([&] { train(data, *make_objective(objective), careful(), monitor); });
}

// `data` with row i repeated times[i] times, or weighted by it.
Dataset repeated(const Dataset& data, const std::vector<int>& times) {
  Dataset::Columns parts;
  for (std::size_t i = 0; i < data.rows(); ++i) {
    for (int k = 0; k < times[i]; ++k) parts.append(data.row(i));
  }
  return Dataset(data.dimension(), std::move(parts));
}

Dataset weighted(const Dataset& data, const std::vector<int>& times) {
  return data.with_weights({times.begin(), times.end()});
}

// Not a linear model: three weights a coordinate, whose sum over the support should be the label.
class Sums final : public FakeObjective {
 public:
  Shape shape() const override { return {.width = 3}; }
  Evaluation evaluate(const Samples& samples, const ConstWeights& weights) const override {
    Evaluation sum;
    for_each_row(samples, [&](std::size_t i, const auto& row) {
      double error = -samples.labels[i];
      for (std::size_t k = 0; k < row.size; ++k)
        for (std::size_t j = 0; j < 3; ++j) error += weights.scale * weights.weights[row.positions[k] + j];
      sum += {.loss = error * error / 2,
              .weight = 1,
              .hits = 0,
              .squared_error = error * error,
              .absolute_error = std::fabs(error)};
    });
    return sum;
  }
  std::uint64_t step(const Samples& samples, const LocalWeights& weights, const Step& step) const override {
    auto scale = static_cast<float>(step.scale);
    for_each_row(samples, [&](std::size_t i, const auto& row) {
      float error = -samples.labels[i];
      for (std::size_t k = 0; k < row.size; ++k)
        for (std::size_t j = 0; j < 3; ++j) error += scale * weights.weights[row.positions[k] + j];
      scale *= static_cast<float>(step.shrink);
      for (std::size_t k = 0; k < row.size; ++k)
        for (std::size_t j = 0; j < 3; ++j)
          weights.weights[row.positions[k] + j] -= step.size * error / scale;
    });
    return samples.nonzeros();
  }
};

// Writes down which samples its steps say that they are of.
class Numbering final : public FakeObjective {
 public:
  std::uint64_t step(const Samples& samples, const LocalWeights&, const Step& step) const override {
    const std::scoped_lock lock(mutex_);
    seen.emplace_back(step.before, step.before + static_cast<double>(samples.rows()));
    return samples.nonzeros();
  }

  mutable std::vector<std::pair<double, double>> seen;

 private:
  mutable std::mutex mutex_;
};

}  // namespace

TEST_CASE("train: labels that do not suit the objective are refused, with the row") {
  const Dataset data = problem(3, 4);
  CHECK(refusal(data.with_labels({1, -1, 2}), "hinge").starts_with("row 2 (counted from 0): the label is 2"));
  CHECK(refusal(data.with_labels({0, -1, 1}), "logistic")
            .starts_with("row 0 (counted from 0): the label is 0"));
  CHECK(refusal(data.with_labels({0, -1, 1}), "logistic").find("-1 and +1") != std::string::npos);
  CHECK(refusal(data.with_labels({0.5F, -1, 2}), "huber").empty());
}

TEST_CASE("train: data without a sample or without a weight is refused") {
  CHECK(refusal(Dataset(3, {}), "hinge") == "the data has no samples");
  CHECK(refusal(weighted(problem(2, 4), {0, 0}), "hinge") ==
        "every sample has weight 0: at least one must be > 0");
}

TEST_CASE("train: bad options are refused before anything else") {
  Options options = careful();
  options.l2 = -1;
  CHECK(input_error_of([&] { train(Dataset(), FakeObjective(), options); }) == "l2 = -1: must be >= 0");
}

TEST_CASE("train: held-out samples that do not fit are refused") {
  Monitor monitor;
  monitor.validation = problem(5, 80).with_labels({1, 2, 3, 4, 5});
  CHECK(!refusal(problem(), "hinge", monitor).empty());
  monitor.validation = Dataset(80, {});
  CHECK(!refusal(problem(), "hinge", monitor).empty());
  monitor.validation = problem(5, 81);
  CHECK(!refusal(problem(), "hinge", monitor).empty());
}

TEST_CASE("train: held-out samples are evaluated every epoch and choose the best one") {
  for (const std::size_t threads : kThreadSweep) {
    CAPTURE(threads);
    Monitor monitor;
    monitor.validation = problem(50, 80);
    Options options = careful(threads);
    options.l2 = 0;
    options.step = 50;
    options.schedule = Schedule::kConstant;
    const auto objective = make_objective("logistic");
    const auto [model, report] = train(problem(60, 80), *objective, options, monitor);
    REQUIRE(report.validation);
    CHECK(report.validation->auc);
    const auto loss = [](const EpochReport& row) { return row.validation->loss; };
    const auto best = std::ranges::min_element(report.per_epoch, {}, loss);
    CHECK(report.best_epoch == best->epoch);
    CHECK(report.validation->loss == loss(*best));
    CHECK(evaluate(model, *objective, *monitor.validation).loss == doctest::Approx(loss(*best)));
  }
}

TEST_CASE(
    "train: a pass that moves nothing is not the best epoch, though held-out samples liked what it began "
    "with") {
  Monitor monitor;
  std::vector<float> flipped;
  const Dataset data = problem(400, 50);
  for (const float label : data.labels()) flipped.push_back(-label);
  monitor.validation = data.with_labels(flipped);
  Options options = careful();
  options.rule = Rule::kSvrg;
  options.step = {};
  const Trained trained = train(data, *make_objective("logistic"), options, monitor);
  CHECK(trained.report.best_epoch > 1);
  CHECK(std::ranges::any_of(trained.model.weights, [](float w) { return w != 0; }));
  options.tolerance = 1e-4;
  options.patience = 1;
  CHECK(train(data, *make_objective("logistic"), options).report.objective <
        1.001 * trained.report.per_epoch.back().objective);
}

TEST_CASE("train: of a model that is the start nothing is told that was not measured") {
  const Dataset huge(1, {{0, 1, 2, 3}, {0, 0, 0}, {1e18F, 1e18F, 1e18F}, {1, 2, 3}, {}});
  Options absurd = careful();
  absurd.rule = Rule::kAdagrad;
  absurd.step = 1e30;
  absurd.l2 = 0;
  const Report report = train(huge, *make_objective("least_squares"), absurd).report;
  CHECK(report.outcome == Outcome::kDiverged);
  CHECK(report.best_epoch == 0);
  CHECK(!report.training.rmse);
  CHECK(report.training.loss == doctest::Approx(report.objective));
}

TEST_CASE("train: a whole weight is a repeated row, and a weight of zero no row") {
  const Dataset data = problem(400, 50);
  std::vector<int> times(data.rows());
  Random random(4);
  for (int& t : times) t = static_cast<int>(random.below(4));
  for (const std::string name : {"logistic", "squared_hinge", "least_squares"})
    for (const std::size_t threads : kThreadSweep) {
      CAPTURE(name);
      CAPTURE(threads);
      const auto objective = make_objective(name);
      const Trained a = train(weighted(data, times), *objective, careful(threads));
      const Trained b = train(repeated(data, times), *objective, careful(threads));
      CHECK(a.report.objective == doctest::Approx(b.report.objective).epsilon(0.01));
      const Metrics metrics = evaluate(a.model, *objective, repeated(data, times));
      CHECK(metrics.loss == doctest::Approx(a.report.training.loss).epsilon(1e-4));
      if (metrics.accuracy) CHECK(*metrics.accuracy > 0.7);
    }
}

TEST_CASE("train: columns that no row touches stay at zero and change nothing else") {
  const auto wide_column = [](Coordinate c) { return 37 * c + 5; };
  for (const std::string name : {"logistic", "softmax"}) {
    const auto objective = make_objective(name);
    const Dataset given = problem();
    Dataset::Columns parts;
    for (std::size_t i = 0; i < given.rows(); ++i) parts.append(given.row(i));
    if (name == "softmax") std::ranges::replace(parts.labels, -1.0F, 0.0F);
    const Dataset dense(given.dimension(), Dataset::Columns(parts));
    std::ranges::transform(parts.indices, parts.indices.begin(), wide_column);
    const Dataset wide(40 * dense.dimension(), std::move(parts));
    for (const Rule rule : all_rules()) {
      if (!objective->suits(rule) || traits_of(rule).dual) continue;
      for (const std::size_t threads : kThreadSweep) {
        CAPTURE(name);
        CAPTURE(name_of(rule));
        CAPTURE(threads);
        Options options = careful(threads);
        options.rule = rule;
        options.block_rows = 50;                 // which goes by the number of columns, too,
        options.schedule = Schedule::kConstant;  // as do others
        options.discipline = threads == 1 ? Discipline::kAtomic : Discipline::kReproducible;
        const Model narrow = train(dense, *objective, options).model;
        Model spread = train(wide, *objective, options).model;
        for (Coordinate c = 0; c < dense.dimension(); ++c) {
          float* const weights = spread.weights.data() + wide_column(c) * spread.width;
          CHECK(std::equal(weights, weights + spread.width, narrow.weights.data() + c * narrow.width));
          std::fill_n(weights, spread.width, 0.0F);
        }
        CHECK(std::ranges::count(spread.weights, 0.0F) == std::ssize(spread.weights));
      }
    }
  }
}

TEST_CASE("train: a column that only a row of weight zero touches stays at zero") {
  for (const std::size_t threads : kThreadSweep) {
    Dataset::Columns parts;
    const Dataset data = problem();
    for (std::size_t i = 0; i < data.rows(); ++i) parts.append(data.row(i));
    parts.weights.assign(data.rows(), 1);
    parts.indices.push_back(5000);
    parts.values.push_back(1);
    parts.offsets.push_back(parts.indices.size());
    parts.labels.push_back(1);
    parts.weights.push_back(0);
    const Model model =
        train(Dataset(5001, std::move(parts)), *make_objective("hinge"), careful(threads)).model;
    CHECK(model.weights.back() == 0);
  }
}

TEST_CASE("train: a bias takes up what labels have in common, whatever l2") {
  std::vector<float> labels;
  const Dataset data = problem(400, 50, SyntheticKind::kRegression);
  for (const float label : data.labels()) labels.push_back(label + 20);
  for (const std::size_t threads : kThreadSweep) {
    CAPTURE(threads);
    Options options = careful(threads);
    options.step = 0.2;
    options.l2 = 0.1;
    const auto objective = make_objective("least_squares");
    const Trained without = train(data.with_labels(labels), *objective, options);
    options.bias = true;
    const Trained with = train(data.with_labels(labels), *objective, options);
    CHECK(*with.report.training.rmse < 1.5);
    CHECK(*without.report.training.rmse > 2 * *with.report.training.rmse);
    CHECK(with.model.bias[0] == doctest::Approx(20).epsilon(0.05));
  }
}

TEST_CASE("train: an objective of the caller's own, with three weights a coordinate") {
  for (const std::size_t threads : kThreadSweep) {
    CAPTURE(threads);
    Options options = careful(threads);
    options.step = 0.02;
    options.l2 = 1e-4;
    options.block_rows = 10;
    const Dataset data = numbered_rows(6, {{0, 1}, {1, 2}, {3}, {4, 5}, {0, 5}, {2, 3}});
    std::vector<std::vector<Coordinate>> supports(300);
    for (std::size_t i = 0; i < supports.size(); ++i) {
      const Row row = data.row(i % 6);
      supports[i].assign(row.support.begin(), row.support.end());
    }
    std::vector<float> labels(300);
    for (std::size_t i = 0; i < labels.size(); ++i) labels[i] = static_cast<float>(i % 6) - 2;
    const auto [model, report] = train(numbered_rows(6, supports).with_labels(labels), Sums(), options);
    CHECK(model.objective == "fake");
    CHECK(model.width == 3);
    CHECK(model.weights.size() == 18);
    CHECK(report.outcome == Outcome::kEpochLimit);
    CHECK(report.objective < 0.05);
  }
}

TEST_CASE("train: small and empty data") {
  const Dataset cases[] = {
      problem(2, 1),
      numbered_rows(3, {{0, 2}}).with_labels({1}),
      numbered_rows(1, {{0}, {}, {0}}).with_labels({1, -1, 1}),
      numbered_rows(4, {{}, {}, {}}).with_labels({1, -1, 1}),
      numbered_rows(0, {{}, {}}).with_labels({1, -1}),
  };
  for (const Dataset& data : cases) {
    for (const bool bias : {false, true}) {
      for (const std::size_t threads : kThreadSweep) {
        for (const double l2 : {0.0, 1e-3, 10.0}) {
          for (const bool automatic : {false, true}) {
            CAPTURE(data.rows());
            CAPTURE(data.dimension());
            CAPTURE(threads);
            CAPTURE(l2);
            CAPTURE(automatic);
            Options options = careful(threads);
            options.epochs = 3;
            options.bias = bias;
            options.l2 = l2;
            if (automatic) options.step.reset();
            const Trained trained = train(data, *make_objective("logistic"), options);
            // Rows that step at the same time overshoot: by 3 % at most where workers are simulated.
            CHECK(trained.report.objective <= (threads == 1 ? 1.01 : 1.1) * std::log(2));
            CHECK(trained.model.weights.size() == data.dimension());
          }
        }
      }
    }
  }
}

TEST_CASE("train: callbacks come one at a time, and what they throw comes out") {
  for (const std::size_t threads : kThreadSweep) {
    CAPTURE(threads);
    class Slow final : public FakeObjective {
      std::uint64_t step(const Samples& samples, const LocalWeights&, const Step&) const override {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
        return samples.nonzeros();
      }
    };
    Options options = careful(threads);
    options.epochs = 2;
    options.block_rows = 3;
    int told = 0;  // plain on purpose
    double fraction = 0;
    Monitor monitor;
    monitor.on_epoch = [&](const EpochReport&) { ++told; };
    monitor.on_progress = [&](const Progress& progress) {
      ++told;
      CHECK((progress.fraction > fraction && progress.fraction <= 1));
      CHECK(progress.seconds_left >= 0);
      fraction = progress.fraction;
    };
    train(problem(3 * 120 * threads), Slow(), options, monitor);
    CHECK(told > 2);
    monitor.on_progress = [](const Progress&) { throw std::runtime_error("progress"); };
    CHECK_THROWS_WITH_AS(train(problem(3 * 120 * threads), Slow(), options, monitor), "progress",
                         std::runtime_error);
    monitor.on_epoch = [](const EpochReport&) { throw std::runtime_error("epoch"); };
    CHECK_THROWS_WITH_AS(train(problem(), FakeObjective(), options, monitor), "epoch", std::runtime_error);
  }
}

TEST_CASE("train: the rate of progress is that of the updates") {
  class SlowToEvaluate final : public FakeObjective {
    std::uint64_t step(const Samples& samples, const LocalWeights&, const Step&) const override {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      return samples.nonzeros();
    }
    Evaluation evaluate(const Samples& samples, const ConstWeights& weights) const override {
      std::this_thread::sleep_for(std::chrono::milliseconds(4));
      return FakeObjective::evaluate(samples, weights);
    }
  };
  Options options = careful(1);
  options.epochs = 3;
  options.block_rows = 3;
  double rate = 0;
  Monitor monitor;
  monitor.on_progress = [&](const Progress& progress) { rate = progress.nonzeros_per_second; };
  const Report report = train(problem(90), SlowToEvaluate(), options, monitor).report;
  CHECK(rate > report.nonzeros_per_second / 2);
  CHECK(rate < report.nonzeros_per_second * 2);
}

TEST_CASE("train: calls may run at once") {
  const auto objective = make_objective("logistic");
  const double expected = train(problem(), *objective, careful()).report.objective;
  std::vector<double> reached(4);
  {
    std::vector<std::jthread> callers;
    for (std::size_t i = 0; i < reached.size(); ++i)
      callers.emplace_back(
          [&, i] { reached[i] = train(problem(), *objective, careful(i + 1)).report.objective; });
  }
  for (const double objective_reached : reached)
    CHECK(objective_reached == doctest::Approx(expected).epsilon(0.02));
}

TEST_CASE("train: steps number the samples one after the other, whatever tasks and strides they are in") {
  const Dataset data = generate({.rows = 8000, .columns = 100, .nonzeros_per_row = 20});
  for (const std::size_t threads : {1, 2}) {
    for (const auto& [block_rows, refresh_rows] : {std::pair(3, 0), {500, 50}}) {
      CAPTURE(threads);
      CAPTURE(block_rows);
      Numbering objective;
      Options options = with_threads(threads);
      options.block_rows = static_cast<std::size_t>(block_rows);
      options.refresh_rows = static_cast<std::size_t>(refresh_rows);
      options.step = 1;
      options.epochs = 1;
      train(data, objective, options);
      std::ranges::sort(objective.seen);
      double next = 0;
      for (const auto& [begin, end] : objective.seen) {
        REQUIRE(begin == next);
        next = end;
      }
      CHECK(next == 8000);
    }
  }
}
