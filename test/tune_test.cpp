#include "engine/tune.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "engine/train.h"
#include "io/synthetic.h"
#include "objectives/catalogue.h"
#include "objectives/linear.h"
#include "test/support.h"

using namespace sounder;
using namespace sounder::test;

namespace {

const Split& problem() {
  static const Split halves = [] {
    SyntheticOptions options;
    options.rows = 1200;
    options.columns = 80;
    options.nonzeros_per_row = 8;
    return split(generate(options), 0.5, 2);
  }();
  return halves;
}

const Dataset& training() {
  return problem().training;
}

const Dataset& validation() {
  return problem().validation;
}

Options quick(std::size_t threads = 1) {
  Options options = with_threads(threads);
  options.epochs = 5;
  return options;
}

Trained alone(const Options& common, const Candidate& candidate, const Objective& objective) {
  Options options = common;
  options.l2 = candidate.l2;
  options.step = candidate.step;
  Monitor monitor;
  monitor.validation = validation();
  return train(training(), objective, options, monitor);
}

const Tried& result_of(const Tuned& tuned, const Candidate& candidate) {
  const auto row = std::ranges::find(tuned.ranking, candidate, &Tried::candidate);
  REQUIRE(row != tuned.ranking.end());
  return *row;
}

Tuned tune_all(const Options& common, const std::vector<Candidate>& candidates, const Objective& objective) {
  return tune(training(), objective, common, candidates, validation());
}

// The step of its gradient can overshoot as it likes.
struct Squared {
  double value(float margin, float label) const { return std::pow(double{margin} - label, 2); }
  float slope(float margin, float label) const { return 2 * (margin - label); }
};

// A loss whose slopes wait, once some are wanted, until so many threads are at work; but not for long.
struct Gate {
  std::atomic<int> wanted = 0;
  Concurrency place;
};
struct Gated {
  Gate* gate;

  double value(float margin, float label) const { return std::pow(double{margin} - label, 2) / 2; }
  float slope(float margin, float label) const {
    using Clock = std::chrono::steady_clock;
    const Concurrency::Inside inside(gate->place);
    const Clock::time_point end = Clock::now() + std::chrono::milliseconds(500);
    while (gate->place.peak() < gate->wanted && Clock::now() < end) std::this_thread::yield();
    if (gate->place.peak() < gate->wanted) gate->wanted = 0;
    return margin - label;
  }
};

const std::vector<Candidate> kGrid = {{.l2 = 1e-3, .step = 0.5}, {.l2 = 1e-3, .step = 8},
                                      {.l2 = 0.1, .step = 1},    {.l2 = 30, .step = 0.01},
                                      {.l2 = 1e-5, .step = {}},  {.l2 = 0, .step = 2}};

}  // namespace

TEST_CASE("tune: on one thread every candidate passes through the bits of train()") {
  for (const Rule rule : {Rule::kSgd, Rule::kAdagrad, Rule::kFtrl}) {
    for (const Schedule schedule : {Schedule::kAuto, Schedule::kConstant, Schedule::kBackoff}) {
      if (traits_of(rule).derives && schedule == Schedule::kBackoff) continue;
      CAPTURE(name_of(rule));
      CAPTURE(name_of(schedule));
      const auto objective = make_objective("logistic");
      Options options = quick();
      options.rule = rule;
      options.schedule = schedule;
      options.bias = true;
      const Tuned tuned = tune_all(options, kGrid, *objective);
      REQUIRE(tuned.ranking.size() == kGrid.size());
      for (const Candidate& candidate : kGrid) {
        CAPTURE(candidate.l2);
        const auto [model, report] = alone(options, candidate, *objective);
        REQUIRE(report.rollbacks == 0);
        const Tried& tried = result_of(tuned, candidate);
        CHECK(tried.step == report.step);
        CHECK(tried.best_epoch == report.best_epoch);
        CHECK(tried.objective == report.objective);
        CHECK(tried.training.loss == report.training.loss);
        CHECK(tried.validation.loss == report.validation->loss);
        CHECK(tried.validation.auc == report.validation->auc);
      }
      const Model winner = alone(options, tuned.ranking.front().candidate, *objective).model;
      CHECK(tuned.model.weights == winner.weights);
      CHECK(tuned.model.bias == winner.bias);
      CHECK(tuned.model.l2 == winner.l2);
    }
  }
}

TEST_CASE("tune: one candidate is a run of train()") {
  const auto objective = make_objective("hinge");
  const Candidate only{.l2 = 1e-4, .step = {}};
  Options options = quick();
  options.bias =
      true;  // so blocks are made: train() would work on the weights themselves, without pulls and pushes
  const Tuned tuned = tune_all(options, {only}, *objective);
  REQUIRE(tuned.ranking.size() == 1);
  CHECK(tuned.model.weights == alone(options, only, *objective).model.weights);
  CHECK(tuned.outcome == Outcome::kEpochLimit);
  CHECK(tuned.epochs == 5);
  CHECK(tuned.samples == 600);
  CHECK(tuned.validation_samples == 600);
  CHECK(tuned.nonzeros == training().nonzeros());
}

TEST_CASE("tune: any number of threads comes to what one does") {
  const auto objective = make_objective("logistic");
  const std::vector<Candidate> candidates = {
      {.l2 = 1e-2, .step = 1}, {.l2 = 1e-3, .step = 1}, {.l2 = 10, .step = 0.1}};
  Options options = quick();
  options.epochs = 20;
  const Tuned serial = tune_all(options, candidates, *objective);
  for (const std::size_t threads : kThreadSweep) {
    for (const Discipline discipline : {Discipline::kAtomic, Discipline::kLockFree, Discipline::kRacy}) {
      CAPTURE(threads);
      CAPTURE(name_of(discipline));
      options.threads = static_cast<int>(threads);
      options.discipline = discipline;
      options.block_rows = 8;
      const Tuned tuned = tune_all(options, candidates, *objective);
      CHECK(tuned.threads == static_cast<int>(threads));
      for (const Candidate& candidate : candidates) {
        CAPTURE(candidate.l2);
        CHECK(result_of(tuned, candidate).objective ==
              doctest::Approx(result_of(serial, candidate).objective).epsilon(0.02));
      }
    }
  }
}

// Data on which train() would leave all but one worker out: so wide that moving the model costs more than they save.
TEST_CASE("tune: all threads work, however few the epochs") {
  const Dataset data =
      generate({.rows = 2000, .columns = 300, .nonzeros_per_row = 20}).with_dimension(70'000);
  for (const std::size_t threads : kThreadSweep) {
    CAPTURE(threads);
    Options options = quick(threads);
    options.epochs = 2;
    Gate gate;
    Monitor monitor;
    monitor.on_epoch = [&](const EpochReport&) { gate.wanted = static_cast<int>(threads); };
    const auto objective = make_linear("own", LabelKind::kReal, Gated{&gate});
    tune(data, *objective, options, {{.l2 = 1e-3, .step = 0.1}, {.l2 = 1e-3, .step = 0.05}}, data, monitor);
    CHECK(gate.place.peak() >= static_cast<int>(threads));
  }
}

TEST_CASE(
    "tune: a candidate that diverges is dropped, and the others do not "
    "notice") {
  const auto objective = make_linear("own", LabelKind::kReal, Squared{});
  const std::vector<Candidate> tame = {{.l2 = 1e-3, .step = 0.05}, {.l2 = 1e-3, .step = 0.01}};
  for (const std::size_t threads : kThreadSweep) {
    CAPTURE(threads);
    std::vector<Candidate> candidates = tame;
    candidates.insert(candidates.begin(), {.l2 = 1e-3, .step = 1e8});
    const Tuned with = tune_all(quick(threads), candidates, *objective);
    REQUIRE(with.ranking.size() == 3);
    CHECK(with.ranking.back().diverged);
    CHECK(with.ranking.back().candidate == candidates.front());
    CHECK(with.ranking.back().best_epoch == 0);
    CHECK(!with.ranking[0].diverged);
    CHECK(!with.ranking[1].diverged);
    CHECK(with.epochs == 5);
    if (threads > 1) continue;
    const Tuned without = tune_all(quick(threads), tame, *objective);
    CHECK(with.model.weights == without.model.weights);
    CHECK(result_of(with, tame[1]).objective == result_of(without, tame[1]).objective);
  }
}

TEST_CASE("tune: when all candidates diverge there is no model") {
  const Tuned tuned = tune_all(quick(2), {{.l2 = 0, .step = 1e8}, {.l2 = 0, .step = 1e9}},
                               *make_linear("own", LabelKind::kReal, Squared{}));
  CHECK(tuned.outcome == Outcome::kDiverged);
  CHECK(tuned.epochs < 5);
  CHECK(tuned.model.weights.empty());
  CHECK(std::ranges::all_of(tuned.ranking, &Tried::diverged));
}

TEST_CASE("tune: the ranking goes by the validation data, not by the training data") {
  std::vector<float> labels(validation().labels().begin(), validation().labels().end());
  for (float& label : labels) label = -label;
  const Dataset contrary = validation().with_labels(labels);
  const Candidate fits{.l2 = 1e-4, .step = 1};
  const Candidate hardly{.l2 = 10, .step = 1};
  const auto objective = make_objective("logistic");
  const Tuned tuned = tune(training(), *objective, quick(), {fits, hardly}, contrary);
  CHECK(tuned.ranking.front().candidate == hardly);
  CHECK(result_of(tuned, fits).training.loss < result_of(tuned, hardly).training.loss);
  CHECK(tune_all(quick(), {fits, hardly}, *objective).ranking.front().candidate == fits);
}

TEST_CASE("tune: a stop request or a time limit keeps what there is") {
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
      const Tuned tuned = tune(training(), *make_objective("hinge"), options, kGrid, validation(), monitor);
      CHECK(tuned.outcome == Outcome::kCancelled);
      CHECK(tuned.epochs <= stop_after + 1);
      CHECK(tuned.model.weights.size() == 80);
    }
  }
  Options options = quick();
  options.epochs = 100'000'000;
  options.time_limit = 0.05;
  CHECK(tune_all(options, kGrid, *make_objective("hinge")).outcome == Outcome::kTimeLimit);
}

TEST_CASE("tune: what serves one candidate only is refused") {
  const struct {
    std::function<void(Options&)> change;
    std::string message;
  } cases[] = {
      {[](Options& o) { o.rule = Rule::kSaga; }, "rule = saga: what it remembers"},
      {[](Options& o) { o.rule = Rule::kSdca; }, "rule = sdca: "},
      {[](Options& o) { o.rule = Rule::kSvrg; }, "rule = svrg: what it remembers"},
      {[](Options& o) { o.discipline = Discipline::kOrdered; }, "discipline = ordered: takes one candidate"},
      {[](Options& o) { o.discipline = Discipline::kExclusive; },
       "discipline = exclusive: takes one candidate"},
      {[](Options& o) { o.simulate = 4; }, "simulate: "},
      {[](Options& o) { o.average_from = 1; }, "average_from: "},
      {[](Options& o) { o.evaluate_every = 2; }, "evaluate_every: candidates are compared after every epoch"},
      {[](Options& o) { o.target = 1; }, "target, tolerance and gap end a run early"},
      {[](Options& o) { o.tolerance = 0.1; }, "target, tolerance and gap end a run early"},
      {[](Options& o) { o.epochs = 0; }, "epochs = 0: must be >= 1"},
  };
  const auto objective = make_objective("logistic");
  for (const auto& [change, message] : cases) {
    Options options = quick();
    change(options);
    const std::string refusal =
        input_error_of([&] { tune(training(), *objective, options, {Candidate{}}, validation()); });
    CHECK_MESSAGE(refusal.starts_with(message), refusal);
  }
  CHECK(input_error_of([&] { tune_all(quick(), {}, *objective); }) ==
        "there are no candidates to choose from");
  CHECK(input_error_of([&] { tune_all(quick(), {{.l2 = -1, .step = {}}}, *objective); }) ==
        "l2 = -1: must be >= 0");
  CHECK(!input_error_of([&] { tune(training(), *objective, quick(), {Candidate{}}, Dataset()); }).empty());
}

TEST_CASE("tune: every candidate must suit the problem") {
  const Dataset pairs(4, {{0, 2, 4}, {0, 2, 1, 3}, {1, 1, 1, 1}, {1, 2}, {}});
  const auto objective = make_objective("topic_model");
  const auto refusal = [&](const std::vector<Candidate>& candidates) {
    return input_error_of([&] { tune(pairs, *objective, quick(), candidates, pairs); });
  };
  CHECK(refusal({{.l2 = 0, .step = {}}}).empty());
  CHECK(refusal({{.l2 = 0, .step = {}}, {.l2 = 1e-3, .step = {}}})
            .starts_with("l2 = 0.001: must be 0, topic_model does not regularise"));
}

TEST_CASE("tune: a split is seeded, disjoint and complete, and keeps the order") {
  const Dataset data =
      numbered_rows(3, std::vector<std::vector<Coordinate>>(100, {0, 2}), std::vector<float>(100, 2));
  const auto numbers = [](const Dataset& part) {
    return std::vector<float>(part.labels().begin(), part.labels().end());
  };
  const Split once = split(data, 0.2, 7);
  CHECK(once.validation.rows() == 20);
  CHECK(once.training.dimension() == 3);
  CHECK(once.validation.weights()[0] == 2);
  CHECK(std::ranges::is_sorted(numbers(once.training)));
  CHECK(std::ranges::is_sorted(numbers(once.validation)));
  std::vector<float> all;
  std::ranges::merge(numbers(once.training), numbers(once.validation), std::back_inserter(all));
  CHECK(std::ranges::equal(all, data.labels()));
  for (std::size_t i = 0; i < 20; ++i) {
    const Row row = once.validation.row(i);
    CHECK(std::ranges::equal(row.values, data.row(static_cast<std::size_t>(row.label)).values));
  }
  CHECK(numbers(once.validation) == numbers(split(data, 0.2, 7).validation));
  CHECK(numbers(once.validation) != numbers(split(data, 0.2, 8).validation));
}

TEST_CASE("tune: a split leaves neither part empty, and is refused where it cannot") {
  const Dataset two = numbered_rows(1, {{0}, {0}});
  for (const double share : {1e-9, 0.5, 1 - 1e-9}) {
    CHECK(split(two, share, 1).training.rows() == 1);
    CHECK(split(two, share, 1).validation.rows() == 1);
  }
  for (const double share : {0.0, 1.0, -1.0, std::nan("")})
    CHECK(input_error_of([&] { split(two, share, 1); }).starts_with("share = "));
  CHECK(!input_error_of([&] { split(numbered_rows(1, {{0}}), 0.5, 1); }).empty());
}

TEST_CASE("tune: candidates are judged at their best epoch or after the last, as is asked for") {
  std::vector<float> labels(validation().labels().begin(), validation().labels().end());
  for (float& label : labels) label = -label;
  const Dataset contrary = validation().with_labels(labels);  // each epoch is worse there
  const std::vector<Candidate> candidates{{.l2 = 1e-4, .step = 1}};
  const auto objective = make_objective("logistic");
  for (const std::size_t threads : kThreadSweep) {
    CAPTURE(threads);
    const Tuned best = tune(training(), *objective, quick(threads), candidates, contrary);
    const Tuned last =
        tune(training(), *objective, quick(threads), candidates, contrary, {}, JudgedBy::kLastEpoch);
    CHECK(best.ranking.front().best_epoch == 1);
    CHECK(last.ranking.front().best_epoch == 5);
    CHECK(last.ranking.front().objective < best.ranking.front().objective);
    CHECK(last.ranking.front().validation.loss > best.ranking.front().validation.loss);
  }
}
