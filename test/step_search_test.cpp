#include "engine/step_search.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "engine/arena.h"
#include "engine/layout.h"
#include "io/synthetic.h"
#include "objectives/catalogue.h"
#include "objectives/linear.h"
#include "test/support.h"

using namespace sounder;
using namespace sounder::test;

namespace {

constexpr std::size_t kRows = 4000;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

double found_on(const Trial& trial, std::size_t threads) {
  Arena arena(with_threads(threads));
  double step = 0;
  arena.execute([&] { step = find_step(trial, kRows, 10); });
  return step;
}

double best_of_fours(const Trial& trial) {
  double best = kInfinity;
  for (int k = -2; k <= 6; ++k)
    best = std::min(best, trial.objective_after(trial.natural_step() * std::pow(4, k)));
  return best;
}

// -log of the likelihood of a count, without what does not depend on the margin: below 0 for large counts.
struct Poisson {
  double value(float margin, float count) const { return std::exp(double{margin}) - double{count} * margin; }
  float slope(float margin, float count) const { return std::exp(margin) - count; }
};

// As good as the nearest of them to the end, and no number behind it.
class Cliff : public FakeObjective {
 public:
  explicit Cliff(float end) : end_(end) {}
  Evaluation evaluate(const Samples& samples, const ConstWeights& weights) const override {
    Evaluation sum = FakeObjective::evaluate(samples, weights);
    if (weights.weights[0] > end_) sum.loss = kInfinity;
    return sum;
  }
  std::uint64_t step(const Samples& samples, const LocalWeights& weights, const Step& step) const override {
    weights.weights[0] = std::max(weights.weights[0], step.size);
    return samples.nonzeros();
  }

 private:
  float end_;
};

}  // namespace

TEST_CASE("step search: the smallest power of two that does about as well as the best of four") {
  for (const char* name : {"hinge", "logistic", "squared_hinge"}) {
    for (const std::size_t columns : {50, 3000}) {
      for (const double l2 : {1e-2, 1e-4}) {
        CAPTURE(name);
        CAPTURE(columns);
        CAPTURE(l2);
        const auto objective = make_objective(name);
        Options options;
        options.l2 = l2;
        const Source source(generate({.rows = kRows, .columns = columns, .nonzeros_per_row = 20}));
        const Layout layout(source.data(), objective->shape(), false, planes_of(options));
        const std::vector<float> start = layout.start(*objective, 1);
        const Trial trial(source, layout, start, *objective, options);

        const double found = found_on(trial, 1);
        for (const std::size_t threads : kThreadSweep) CHECK(found_on(trial, threads) == found);

        // Of losses with kinks it is less by the part of the rows that were tried.
        const double seen = static_cast<double>(trial.rows()) / kRows;
        const double tried = found / (trial.smooth() ? 1 : std::pow(seen, (2 + trial.crowd()) / 12));
        const double power = std::log2(tried / trial.natural_step());
        CHECK(power == doctest::Approx(std::round(power)));

        const Search search = search_for(trial);
        const double enough = search.tie * best_of_fours(trial);
        CHECK(trial.objective_after(tried) < 1.1 * enough);  // what is between two was not tried
        if (power > 2 * search.first + 2) CHECK(trial.objective_after(tried / 4) > 0.9 * enough);
      }
    }
  }
}

TEST_CASE("step search: losses below 0 have a step about as good as the best, too") {
  const Dataset rows = generate({.rows = kRows, .columns = 50, .nonzeros_per_row = 20});
  std::vector<float> counts;
  for (const float label : rows.labels()) counts.push_back(label > 0 ? 9.0F : 4.0F);
  const auto objective = make_linear("poisson", LabelKind::kReal, Poisson{});
  for (const Rule rule : {Rule::kSgd, Rule::kAdagrad}) {
    CAPTURE(name_of(rule));
    Options options;
    options.rule = rule;
    const Source source(rows.with_labels(counts));
    const Layout layout(source.data(), objective->shape(), false, planes_of(options));
    const std::vector<float> start = layout.start(*objective, 1);
    const Trial trial(source, layout, start, *objective, options);
    double best = kInfinity;
    for (int k = -14; k <= 14; ++k)
      best = std::min(best, trial.objective_after(trial.first_step() * std::pow(2, k)));
    REQUIRE(best < -1);
    CHECK(trial.objective_after(found_on(trial, 1)) < best / 2);
  }
}

TEST_CASE("step search: where steps lead to no number, smaller ones are tried") {
  const Source source(generate({.rows = kRows, .columns = 50, .nonzeros_per_row = 20}));
  for (const Rule rule : {Rule::kSgd, Rule::kAdagrad}) {
    for (const float end : {1e-2F, 1e-4F}) {
      CAPTURE(name_of(rule));
      CAPTURE(end);
      Options options;
      options.rule = rule;
      options.l2 = 0;
      const Cliff objective(end);
      const Layout layout(source.data(), objective.shape(), false, planes_of(options));
      const std::vector<float> start = layout.start(objective, 1);
      const Trial trial(source, layout, start, objective, options);
      Arena arena(with_threads(1));
      double found = 0;
      arena.execute([&] { found = find_step(trial, kRows, 1000); });
      CHECK(std::isfinite(trial.objective_after(found)));
      CHECK(found > end / 64);
    }
  }
}
