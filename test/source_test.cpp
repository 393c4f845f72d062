// When a data set is trained on as it lies, and that this reaches what blocks reach.
#include "engine/source.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "engine/train.h"
#include "io/random.h"
#include "io/synthetic.h"
#include "objectives/catalogue.h"
#include "test/support.h"

using namespace sounder;
using namespace sounder::test;

namespace {

Dataset problem(std::size_t rows = 4000) {
  return generate({.rows = rows, .columns = 300, .nonzeros_per_row = 20});
}

// A row has the label of the one before with chance 0.6: they resemble each other by a fifth.
Dataset drifting(const Dataset& data) {
  const std::vector<std::size_t> order = by_label(data);
  Random random(7);
  std::vector<std::size_t> mixed;
  std::size_t low = 0;
  std::size_t high = order.size();
  bool up = false;
  while (low < high) {
    if (random.below(10) < 4) up = !up;
    mixed.push_back(order[up ? --high : low++]);
  }
  return in_order(data, mixed);
}

Options quick(std::size_t threads = 2) {
  Options options;
  options.threads = static_cast<int>(threads);
  options.epochs = 1;
  return options;
}

bool borrows(const Dataset& data, const Options& options, const std::string& objective = "logistic") {
  return !Source(data).layout(*make_objective(objective), options, options.threads).ranked();
}

}  // namespace

TEST_CASE("source: data lies ready for few epochs, if its rows are shuffled and blocks need nothing more") {
  const Dataset data = problem();
  CHECK(borrows(data, quick()));
  CHECK(borrows(data, quick(), "hinge"));
  CHECK(!borrows(sorted_by_label(data), quick()));
  const struct {
    const char* what;
    void (*set)(Options&);
  } cases[] = {
      {"many epochs", [](Options& o) { o.epochs = 30; }},
      {"bias", [](Options& o) { o.bias = true; }},
      {"state", [](Options& o) { o.rule = Rule::kAdagrad; }},
      {"memory", [](Options& o) { o.rule = Rule::kSdca; }},
      {"average", [](Options& o) { o.average_from = 1; }},
      {"racy", [](Options& o) { o.discipline = Discipline::kRacy; }},
      {"lock_free", [](Options& o) { o.discipline = Discipline::kLockFree; }},
      {"batches", [](Options& o) { o.discipline = Discipline::kExclusive; }},
      {"rounds", [](Options& o) { o.discipline = Discipline::kReproducible; }},
      {"samples", [](Options& o) { o.discipline = Discipline::kLocked; }},
      {"rows", [](Options& o) { o.block_rows = 1; }},
      {"refresh", [](Options& o) { o.refresh_rows = 40; }},
      {"simulation", [](Options& o) { o.simulate = 4; }},
      {"mask", [](Options& o) { o.sparsify = Sparsify::kTopK; }},
      {"nodes", [](Options& o) { o.numa_nodes = {0}; }},
  };
  for (const auto& [what, set] : cases) {
    CAPTURE(what);
    Options options = quick();
    set(options);
    CHECK(!borrows(data, options));
  }
  Options refreshes = quick();
  refreshes.refresh_rows = 40;
  CHECK(train(data, *make_objective("logistic"), refreshes).report.refresh_rows == 40);
}

TEST_CASE("source: one worker alone leaves the same bits on one thread and two") {
  const Dataset data =
      problem(8000).with_dimension(70'000);  // so wide that blocks would cost more than they bring
  for (const char* const objective : {"logistic", "hinge"}) {
    Options options = quick(1);
    options.epochs = 3;
    options.l2 = 1e-3;
    const Trained alone = train(data, *make_objective(objective), options);
    Monitor watched;
    watched.measure = true;
    CHECK(train(data, *make_objective(objective), options, watched).report.objective ==
          doctest::Approx(alone.report.objective).epsilon(1e-4));
    options.threads = 2;
    REQUIRE(borrows(data, options, objective));
    const Trained two = train(data, *make_objective(objective), options);
    CHECK(two.report.choices.threads.value == "1");
    CHECK(two.report.threads == 1);
    CHECK(two.report.nodes.at(0).threads == 1);
    CHECK(two.model.weights == alone.model.weights);
  }
  CHECK(train(problem(), *make_objective("hinge"), quick()).report.choices.threads.value == "2");
}

TEST_CASE("source: weights have a mean of 1, and hold up nothing") {
  const Dataset data = problem();
  std::vector<float> weights(data.rows(), 3);
  const Dataset thrice = data.with_weights(weights);
  CHECK(Source(thrice).data().row(7).weight == 1);
  CHECK(borrows(thrice, quick()));
  const auto logistic = make_objective("logistic");
  for (const int epochs : {1, 20}) {  // as it lies, and in blocks
    Options options = quick(1);
    options.epochs = epochs;
    CHECK(train(thrice, *logistic, options).model.weights == train(data, *logistic, options).model.weights);
  }
  for (std::size_t i = 0; i < weights.size(); ++i) weights[i] = data.labels()[i] > 0 ? 4 : 1;
  CHECK(Source(data.with_weights(weights)).data().row(0).weight ==
        doctest::Approx(weights[0] * static_cast<double>(data.rows()) /
                        std::accumulate(weights.begin(), weights.end(), 0.0)));
}

TEST_CASE("source: steps are tried on rows that weigh something, however little") {
  const Dataset data = problem();
  const auto report_with = [&](float front, float back, const char* objective) {
    std::vector<float> weights(data.rows(), back);
    std::fill_n(weights.begin(), data.rows() / 4, front);
    Options options = quick(1);
    options.epochs = 3;
    return train(data.with_weights(weights), *make_objective(objective), options).report;
  };
  for (const char* const objective : {"logistic", "hinge"}) {
    CAPTURE(objective);
    const Report usual = report_with(1, 1, objective);
    for (const float weight : {1.0F, 1e-42F, 1e38F}) {
      CAPTURE(weight);
      const Report report = report_with(0, weight, objective);
      CHECK(report.step >= usual.step / 4);
      CHECK(report.objective < 1.1 * usual.objective);
    }
  }
}

TEST_CASE("source: one worker is better alone the sooner, the smaller blocks are") {
  const Source data(problem(8000).with_dimension(1000));
  const auto hinge = make_objective("hinge");
  CHECK(data.better_alone(*hinge, 1, 1000));
  CHECK(!data.better_alone(*hinge, 2, 1000));
  CHECK(data.better_alone(*hinge, 2, 10));
}

TEST_CASE("source: data in a slight order lies in short runs, and is trained on as well") {
  const Dataset data = problem();
  const Dataset ordered = drifting(data);
  CHECK(Source(data).longest_run() == data.rows());
  CHECK(Source(sorted_by_label(data)).longest_run() == 0);
  const std::size_t run = Source(ordered).longest_run();
  REQUIRE(run > 0);
  REQUIRE(run < 100);
  for (const std::size_t threads : kThreadSweep) {
    CAPTURE(threads);
    const Options options = quick(threads);
    REQUIRE(borrows(ordered, options));
    const Report report = train(ordered, *make_objective("logistic"), options).report;
    CHECK(report.block_rows <= run);
    CHECK(report.objective < 1.05 * train(data, *make_objective("logistic"), options).report.objective);
  }
}

TEST_CASE("source: only the bias of a linear model begins where it were best on its own") {
  const Dataset data = problem(100).with_labels(std::vector<float>(100, 7.0F));
  Options options = quick();
  options.bias = true;
  const auto start_of = [&](const Objective& objective) {
    return Source(data).start(ranked_layout(data, objective, options), objective, options);
  };
  CHECK(start_of(*make_objective("least_squares")).front() == 7);
  class Pairwise final : public FakeObjective {
   public:
    Shape shape() const override { return {.width = 2}; }
    LabelKind labels() const override { return LabelKind::kReal; }
  };
  CHECK(std::ranges::all_of(start_of(Pairwise()), [](float weight) { return weight == 0; }));
}

TEST_CASE("source: one epoch over the data as it lies is as good as one over blocks") {
  const Dataset data = problem();
  const Dataset sorted = sorted_by_label(data);
  for (const char* const objective : {"logistic", "hinge", "squared_hinge"})
    for (const std::size_t threads : kThreadSweep) {
      CAPTURE(objective);
      CAPTURE(threads);
      Options options = quick(threads);
      options.step = 0.2;
      REQUIRE(borrows(data, options, objective));
      REQUIRE(!borrows(sorted, options, objective));
      const Report lying = train(data, *make_objective(objective), options).report;
      const Report made = train(sorted, *make_objective(objective), options).report;
      CHECK(lying.outcome == Outcome::kEpochLimit);
      CHECK(lying.objective < 1.1 * made.objective);
    }
}
