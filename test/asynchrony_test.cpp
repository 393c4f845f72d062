#include "engine/asynchrony.h"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "engine/train.h"
#include "io/synthetic.h"
#include "objectives/catalogue.h"
#include "support.h"

namespace sounder {
namespace {

// One cell of four coordinates, and visits to it.
struct Rig {
  Dataset data = test::numbered_rows(4, {{0, 1, 2, 3}});
  Layout layout{data, {}, false};
  Parameters parameters{1, 4};
  MeasuringWriter writer{make_writer(Discipline::kAtomic, parameters, 1), parameters, layout};
  std::vector<Cell> cells{0};

  Visit pull(std::size_t samples, LocalCopy& copy) {
    Visit visit{.support = cells, .samples = samples};
    writer.pull(visit, copy);
    return visit;
  }
  void push(Visit visit, LocalCopy& copy, float change) {
    copy.after()[0] += change;
    writer.push(visit, copy);
    writer.leave(visit);
  }
};

Monitor measuring() {
  Monitor monitor;
  monitor.measure = true;
  return monitor;
}

TEST_CASE("asynchrony: what others change between pull and push is measured") {
  Rig rig;
  LocalCopy mine;
  LocalCopy other;
  const Visit visit = rig.pull(10, mine);
  rig.push(rig.pull(5, other), other, 2);
  rig.push(visit, mine, -1);
  const Asynchrony found = *rig.writer.asynchrony();
  CHECK(found.blocks == 1);
  CHECK(found.staleness_max == 5);
  CHECK(found.gradient == 1);
  CHECK(found.position == 4);
  CHECK(found.alignment == 2);
  CHECK(found.share() == 4);
  CHECK(rig.parameters.all()[0] == 1);
}

TEST_CASE("asynchrony: changes whose squares no float holds are measured as well") {
  Rig rig;
  LocalCopy mine;
  LocalCopy other;
  const Visit visit = rig.pull(10, mine);
  rig.push(rig.pull(5, other), other, 0x1p101F);
  rig.push(visit, mine, -0x1p100F);
  const Asynchrony found = *rig.writer.asynchrony();
  CHECK(found.gradient == 0x1p200);
  CHECK(found.position == 0x1p202);
  CHECK(found.alignment == 0x1p201);
}

TEST_CASE("asynchrony: one visit in 32 is measured, and one after the other they are not stale") {
  Rig rig;
  LocalCopy copy;
  for (int k = 0; k < 64; ++k) rig.push(rig.pull(3, copy), copy, 1);
  const Asynchrony found = *rig.writer.asynchrony();
  CHECK(found.blocks == 2);
  CHECK(found.staleness_max == 0);
  CHECK(found.gradient == 1);
  CHECK(found.position == 0);
}

TEST_CASE("asynchrony: percentiles are of samples at work beside a block") {
  Rig rig;
  LocalCopy copy;
  LocalCopy early;
  for (int k = 0; k < 200; ++k) {
    const Visit visit = rig.pull(1, early);
    for (int filler = 0; filler < 31; ++filler) rig.push(rig.pull(k < 198 ? 1 : 10, copy), copy, 0);
    rig.push(visit, early, 1);
  }
  const Asynchrony found = *rig.writer.asynchrony();
  CHECK(found.blocks == 200);
  CHECK(found.staleness_p50 == 31);
  CHECK(found.staleness_p99 == 31);
  CHECK(found.staleness_max == 310);
}

TEST_CASE("asynchrony: a run tells it when asked, and stays within its bound") {
  const Dataset data = generate({.rows = 3000, .columns = 400, .nonzeros_per_row = 10});
  const auto objective = make_objective("logistic");
  for (const std::size_t threads : test::kThreadSweep) {
    CAPTURE(threads);
    Options options = test::with_threads(threads);
    options.epochs = 5;
    options.block_rows = 8;
    const Report report = train(data, *objective, options, measuring()).report;
    REQUIRE(report.asynchrony);
    CHECK(report.asynchrony->blocks > 0);
    CHECK(report.asynchrony->safe > 0);
    CHECK(report.asynchrony->staleness_max <= 2 * report.tau);
    CHECK(std::isfinite(report.asynchrony->share()));
    if (threads == 1) CHECK(report.asynchrony->staleness_max == 0);
    CHECK(!train(data, *objective, options).report.asynchrony);
  }
}

// Every row has a column of its own, so a step moves one weight by 1/4 at most.
TEST_CASE("asynchrony: changes are those of the weights, whatever their scale") {
  std::vector<std::vector<Coordinate>> rows;
  for (Coordinate i = 0; i < 400; ++i) rows.push_back({i});
  const Dataset numbered = test::numbered_rows(400, rows);
  std::vector<float> labels;
  for (std::size_t i = 0; i < 400; ++i) labels.push_back(i % 2 == 0 ? 1.0F : -1.0F);
  const Dataset data = numbered.normalized().with_labels(labels);
  for (const double l2 : {1e-6, 0.01, 0.1, 1.0}) {
    CAPTURE(l2);
    Options options = test::with_threads(1);
    options.block_rows = 1;
    options.l2 = l2;
    options.epochs = 4;
    options.schedule = Schedule::kConstant;
    options.step = 0.5;
    const Report report = train(data, *make_objective("logistic"), options, measuring()).report;
    CHECK(report.asynchrony->gradient > 0);
    CHECK(report.asynchrony->gradient <= 0.25);
  }
}

TEST_CASE("asynchrony: measuring changes nothing") {
  const Dataset data = generate({.rows = 500, .columns = 100, .nonzeros_per_row = 5});
  const auto objective = make_objective("hinge");
  const Options options = test::with_threads(1);
  CHECK(train(data, *objective, options, measuring()).model.weights ==
        train(data, *objective, options).model.weights);
}

TEST_CASE("asynchrony: what is not stale by chance is not measured") {
  const Dataset data = generate({.rows = 50, .columns = 10, .nonzeros_per_row = 2});
  const auto objective = make_objective("hinge");
  Options options = test::with_threads(1);
  options.simulate = 4;
  CHECK(
      test::input_error_of([&] { train(data, *objective, options, measuring()); }).starts_with("measure: "));
  options.simulate = 0;
  for (const Discipline discipline : {Discipline::kExclusive, Discipline::kReproducible}) {
    options.discipline = discipline;
    CHECK(test::input_error_of([&] {
            train(data, *objective, options, measuring());
          }).starts_with("measure: under "));
  }
  options.discipline = {};
  options.sparsify = Sparsify::kTopK;
  CHECK(
      test::input_error_of([&] { train(data, *objective, options, measuring()); }).starts_with("measure: "));
}

}  // namespace
}  // namespace sounder
