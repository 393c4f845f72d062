// Averaging: the model returned is the mean of all iterates, which are worked out here sample by sample.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include "engine/source.h"
#include "engine/train.h"
#include "engine/trial.h"
#include "io/random.h"
#include "test/rules_rig.h"
#include "test/support.h"

using namespace sounder;
using namespace sounder::test;

namespace {

Options averaging(Rule rule, int from, int epochs, bool bias, double l2) {
  Options options = with_threads(1);
  options.rule = rule;
  options.schedule = Schedule::kConstant;
  options.step = rule == Rule::kSaga ? 0.15 : 0.25;
  options.average_from = from;
  options.epochs = epochs;
  options.bias = bias;
  options.l2 = l2;
  options.block_rows = 1;
  options.tau = 2;  // so that a task is one sample
  return options;
}

bool can_average(Rule rule) {
  return input_error_of([&] { validate(averaging(rule, 1, 1, false, 0.1)); }).empty();
}

// Runs the rule over the rows in the order that train() takes them in, and adds up iterates.
class Serial {
 public:
  Serial(const Dataset& data, const Objective& objective, const Options& options)
      : options_(options), rig_(data, objective, options.rule, options.bias), random_(options.seed) {
    order_.resize((data.rows() + options.block_rows - 1) / options.block_rows);
    std::iota(order_.begin(), order_.end(), 0U);
    rows_ = shuffled_rows(data.rows(), options.seed);
    if (Source(data).in_random_order()) std::ranges::sort(rows_);
    sum_.resize(rig_.array.size());
    const Source source(data);
    const Layout layout = source.layout(objective, options, 1);
    const std::vector<float> start = source.start(layout, objective, options);
    bias_square_ = Trial(source, layout, start, objective, options).bias_square();
    if (options.bias) rig_.array[0] = start[0];
  }

  Model mean() {
    for (int epoch = 1; epoch <= options_.epochs; ++epoch) run_epoch(epoch);
    Model model;
    std::vector<float> mean(sum_.begin(), sum_.end());
    for (float& w : mean) w = static_cast<float>(w / count_);
    rig_.layout.extract(mean, model);
    return model;
  }

 private:
  void run_epoch(int epoch) {
    const RuleTraits& traits = traits_of(options_.rule);
    shuffle(std::span(order_), random_);
    Step step = rig_.step(*options_.step, options_.l1, options_.l2);
    step.bias_square = bias_square_;
    const bool snapshot = traits.snapshots && epoch % 3 == 1;
    if (snapshot) step.pass = Pass::kSnapshot;
    if (snapshot) rig_.for_each_place([&](std::size_t p) { rig_.local().state[0][p] = 0; });
    if (traits.scales) step.shrink = 1 / (1 + step.size * options_.l2);
    for (const std::uint32_t block : order_) {
      const std::size_t first = block * options_.block_rows;
      const std::size_t end = std::min(first + options_.block_rows, rows_.size());
      for (std::size_t k = first; k < end; ++k) run_row(rows_[k], step, epoch >= options_.average_from);
    }
  }
  void run_row(std::size_t row, const Step& step, bool counts) {
    rig_.objective.step(rig_.sample(row), rig_.local(), step);
    rig_.for_each_place([&](std::size_t p) {
      if (!rig_.is_bias(p)) rig_.array[p] *= static_cast<float>(step.shrink);
      if (counts) sum_[p] += rig_.array[p];
    });
    if (counts) ++count_;
  }

  Options options_;
  Rig rig_;
  Random random_;
  std::vector<std::uint32_t> order_, rows_;
  std::vector<double> sum_;
  double count_ = 0;
  float bias_square_ = 1;
};

// `tolerance`: beside what it matters whether the first iterate counts or the last.
void check_mean(const Dataset& data, const Objective& objective, const Options& options,
                double tolerance = 1e-4) {
  CAPTURE(objective.name());
  CAPTURE(name_of(options.rule));
  CAPTURE(options.average_from);
  CAPTURE(options.bias);
  CAPTURE(options.l2);
  const auto [model, report] = train(data, objective, options);
  CHECK(report.rollbacks == 0);
  REQUIRE(report.best_epoch >= options.average_from);
  Options upto =
      options;  // the best epoch, whose model is returned: with a constant step, others do not matter
  upto.epochs = report.best_epoch;
  const Model mean = Serial(data, objective, upto).mean();
  const auto count = static_cast<double>(data.rows()) * (upto.epochs - options.average_from + 1);
  for (std::size_t c = 0; c < mean.weights.size(); ++c)
    CHECK(std::fabs(model.weights[c] - mean.weights[c]) < tolerance + 2 / count);
  for (std::size_t k = 0; k < mean.bias.size(); ++k)
    CHECK(std::fabs(model.bias[k] - mean.bias[k]) < tolerance + 2 / count);
}

}  // namespace

TEST_CASE("average: the model is the mean of all iterates from an epoch on" * doctest::skip(kUnderTsan)) {
  for (const char* name : {"logistic", "least_squares"}) {
    const auto objective = make_objective(name);
    const Dataset data = sparse_rows(objective->labels(), 400, 30, true);
    for (const Rule rule : all_rules()) {
      if (!can_average(rule)) continue;
      for (const int from : {1, 2, 5})
        for (const bool bias : {false, true})
          for (const double l2 : {0.0, 1e-3, 0.02})
            check_mean(data, *objective, averaging(rule, from, 7, bias, l2));
    }
  }
}

TEST_CASE("average: the mean survives an L2 so strong that the scale is folded inside an epoch" *
          doctest::skip(kUnderTsan)) {
  const auto objective = make_objective("least_squares");
  const Dataset data = sparse_rows(objective->labels(), 400, 30, false);
  for (const bool bias : {false, true}) {
    for (const double l2 : {0.1, 1.0}) {  // the scale falls by e^10, and by e^89 and three folds, an epoch
      Options options = averaging(Rule::kSgd, 2, 4, bias, l2);
      check_mean(data, *objective, options);
    }
  }
}

TEST_CASE("average: the mean is that of the iterates, however far the scale falls within a task" *
          doctest::skip(kUnderTsan)) {
  for (const char* name : {"logistic", "least_squares"}) {
    const auto objective = make_objective(name);
    const Dataset data = sparse_rows(objective->labels(), 400, 30, true);
    for (const std::size_t block_rows : {0, 1, 25, 100})
      for (const bool bias : {false, true}) {
        CAPTURE(block_rows);
        Options options = averaging(Rule::kSgd, 1, 3, bias, 0.5);  // e^-0.12 a sample
        options.block_rows = std::max<std::size_t>(block_rows, 1);
        options.tau = block_rows == 1 ? 2 : 0;  // 0: one sample a block, but many a task
        check_mean(data, *objective, options);
      }
  }
}

TEST_CASE("average: in blocks of many rows, too" * doctest::skip(kUnderTsan)) {
  const auto objective = make_objective("logistic");
  const Dataset data = sparse_rows(objective->labels(), 2000, 200, true);
  for (const Rule rule : all_rules()) {
    if (!can_average(rule)) continue;
    Options options = averaging(rule, 2, 8, true, 1e-3);
    options.block_rows = 20;
    options.tau = 40;
    check_mean(data, *objective, options);
  }
}

TEST_CASE("average: with a constant step it comes closer to the optimum than what it is the mean of") {
  for (const char* name : {"logistic", "least_squares"}) {
    const auto objective = make_objective(name);
    const Dataset data = sparse_rows(objective->labels(), 1000, 40, false);
    Rig rig(data, *objective, Rule::kSgd, true);
    const double optimum = optimum_of(rig, 0, 1e-2, 1000).objective;
    for (const std::size_t threads : kThreadSweep) {
      CAPTURE(std::string(name));
      CAPTURE(threads);
      Options options = averaging(Rule::kSgd, 6, 25, true, 1e-2);
      options.threads = static_cast<int>(threads);
      options.block_rows = 10;
      options.tau = 0;
      options.discipline = Discipline::kReproducible;  // both runs see the same staleness
      const double averaged = train(data, *objective, options).report.per_epoch.back().objective;
      options.average_from = 0;
      const auto rows = train(data, *objective, options).report.per_epoch;
      const double sum =
          std::accumulate(rows.begin() + 5, rows.end(), 0.0,
                          [](double total, const EpochReport& row) { return total + row.objective; });
      const double typical = sum / static_cast<double>(rows.size() - 5);
      CHECK(averaged - optimum < 0.7 * (typical - optimum));
      CHECK(averaged > optimum * (1 - 1e-6));
    }
  }
}

TEST_CASE("average: a rollback takes the mean back, too" * doctest::skip(kUnderTsan)) {
  const auto objective = make_objective("least_squares");
  const Dataset data = sparse_rows(objective->labels(), 400, 30, true);
  for (const Rule rule : all_rules()) {
    if (!can_average(rule)) continue;
    for (const int from : {1, 8}) {
      CAPTURE(name_of(rule));
      CAPTURE(from);
      Options options = averaging(rule, from, 15, true, 1e-3);
      options.step = 100;
      const Report report = train(data, *objective, options).report;
      CHECK((report.rollbacks > 0 || rule == Rule::kSgd));  // whose implicit steps never overshoot so far
      REQUIRE(!report.per_epoch.empty());
      CHECK(report.per_epoch.back().objective < (rule == Rule::kSgd ? 0.5 : 0.2));
    }
  }
}

TEST_CASE("average: conflict-free batches have the mean of one thread on any number of them") {
  const auto objective = make_objective("logistic");
  const Dataset data = sparse_rows(objective->labels(), 400, 1200, false);
  Options options = averaging(Rule::kSgd, 1, 3, false, 0.05);
  options.discipline = Discipline::kExclusive;
  options.block_rows = 0;
  options.tau = 0;
  const Model alone = train(data, *objective, options).model;
  for (const std::size_t threads : {2, 4}) {
    CAPTURE(threads);
    options.threads = static_cast<int>(threads);
    const Model found = train(data, *objective, options).model;
    for (std::size_t c = 0; c < found.weights.size(); ++c)
      CHECK(found.weights[c] == doctest::Approx(alone.weights[c]).epsilon(1e-3).scale(1e-3));
  }
}
