#include "engine/inspection.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <numeric>
#include <set>
#include <string>
#include <vector>

#include "engine/arena.h"
#include "engine/sample_gradients.h"
#include "engine/train.h"
#include "io/synthetic.h"
#include "objectives/catalogue.h"
#include "support.h"

namespace sounder {
namespace {

Inspection inspect_text(const Options& options, const InspectionOptions& how = {}) {
  Arena arena(options);
  static const Dataset data = generate({.rows = 2000, .columns = 3000, .nonzeros_per_row = 15});
  return inspect(data, *make_objective("logistic"), options, how, arena);
}

TEST_CASE("inspection: estimates agree with exact figures") {
  const Inspection estimated = inspect_text(test::with_threads(2));
  const Inspection exact = inspect_text(test::with_threads(2), {.exact = true, .accuracy = {}});
  for (const auto view : {&Inspection::raw, &Inspection::without_hot, &Inspection::lines}) {
    CHECK((estimated.*view).average.value == doctest::Approx((exact.*view).average.value).epsilon(0.02));
    CHECK((estimated.*view).largest.lower <= (exact.*view).largest.lower);
    CHECK((estimated.*view).largest.upper >= (exact.*view).largest.upper);
    CHECK((exact.*view).largest.lower == (exact.*view).largest.upper);
    CHECK((exact.*view).tau_safe == doctest::Approx(2000 / (2 * (exact.*view).average.value)));
  }
}

TEST_CASE("inspection: cache lines add conflicts, hot coordinates make them") {
  const Inspection found = inspect_text(test::with_threads(2), {.exact = true, .accuracy = {}});
  CHECK(found.hot > 0);
  CHECK(found.without_hot.average.value < found.raw.average.value);
  CHECK(found.raw.average.value <= found.lines.average.value);
  CHECK(found.weighted_chance->value < found.chance(found.raw.average));
  CHECK(std::ranges::is_sorted(found.hottest, std::ranges::greater(), &HotCoordinate::degree));
  CHECK(found.hottest.front().degree == found.by_coordinate.largest_share * 2000);
}

TEST_CASE("inspection: any rule is advised on, the theorem is about sgd") {
  for (const Rule rule : all_rules()) {
    CAPTURE(name_of(rule));
    Options options = test::with_threads(2);
    options.rule = rule;
    const Inspection found = inspect_text(options);
    CHECK(found.advice.step > 0);
    CHECK(found.constants.has_value() == (rule == Rule::kSgd));
    CHECK(found.weighted_chance.has_value() == (rule == Rule::kSgd));
  }
}

TEST_CASE("inspection: the figures are the same on any number of threads") {
  const Inspection one = inspect_text(test::with_threads(1));
  for (const std::size_t threads : test::kThreadSweep) {
    CAPTURE(threads);
    const Inspection found = inspect_text(test::with_threads(threads));
    CHECK(found.raw.average.value == one.raw.average.value);
    CHECK(found.weighted_chance->value == one.weighted_chance->value);
    CHECK(found.in_order.front().chance.value == one.in_order.front().chance.value);
    CHECK(found.advice.block_rows > 0);
    CHECK(found.advice.step > 0);
  }
}

TEST_CASE("inspection: the theorem aims at the accuracy it is given") {
  const Inspection found = inspect_text(test::with_threads(1), {.accuracy = 0.5});
  const ConstantFigures& constants = *found.constants;
  CHECK(constants.accuracy == 0.5);
  CHECK(constants.theorem.strong_convexity == 1e-4);
  CHECK(constants.theorem.step ==
        doctest::Approx(0.5 * 1e-4 / (2 * std::pow(constants.theorem.gradient_bound, 2))));
  CHECK(constants.smoothness == doctest::Approx(0.25 + 1e-4).epsilon(1e-3));
}

TEST_CASE("inspection: only linear models with l2 have the theorem's constants") {
  Options options = test::with_threads(1);
  options.l2 = 0;
  CHECK(!inspect_text(options).constants);
  CHECK(inspect_text(options).inflation.back().workers == 1024);
}

TEST_CASE("inspection: options that make no sense are refused") {
  const auto refusal = [](const InspectionOptions& how, double l2 = 1e-4) {
    Options options = test::with_threads(1);
    options.l2 = l2;
    return test::input_error_of([&] { inspect_text(options, how); });
  };
  CHECK(refusal({.hot_share = 2, .accuracy = {}}) == "hot_share = 2: must be > 0 and <= 1");
  CHECK(refusal({.accuracy = -1}) == "accuracy = -1: must be > 0");
  CHECK(refusal({.accuracy = std::nan("")}).find("must be > 0") != std::string::npos);
  CHECK(refusal({.accuracy = 1}, 0).starts_with("accuracy: the theorem is about linear models"));
}

TEST_CASE("inspection: everything runs in the arena that it is given") {
  class Watching final : public test::FakeObjective {
   public:
    Evaluation evaluate(const Samples& samples, const ConstWeights& weights) const override {
      if (threads_here() != 3) ++elsewhere;
      return FakeObjective::evaluate(samples, weights);
    }

    mutable std::atomic<int> elsewhere = 0;
  } objective;
  const Options options = test::with_threads(3);
  Arena arena(options);
  inspect(generate({.rows = 500, .columns = 300}), objective, options, {}, arena);
  CHECK(objective.elsewhere == 0);
}

TEST_CASE("inspection: what all samples share is not counted, but told") {
  std::vector<std::vector<Coordinate>> rows;
  for (Coordinate i = 0; i < 600; ++i) rows.push_back({i});
  std::vector<float> labels;
  for (std::size_t i = 0; i < 600; ++i) labels.push_back(i % 2 == 0 ? 1.0F : -1.0F);
  const Dataset data = test::numbered_rows(600, rows).with_labels(labels);
  for (const bool bias : {false, true}) {
    Options options = test::with_threads(2);
    options.bias = bias;
    Arena arena(options);
    const Inspection found = inspect(data, *make_objective("logistic"), options, {}, arena);
    CHECK(found.raw.average.value == 0);
    CHECK(found.common == bias);
    const char* const verdict = bias ? "exclusive would not do" : "exclusive would do";
    CHECK(found.advice.why.discipline.why.find(verdict) != std::string::npos);
  }
}

TEST_CASE("inspection: of data that zero weights fit there is no theorem") {
  const Dataset data =
      generate({.rows = 20, .columns = 30, .nonzeros_per_row = 3}).with_labels(std::vector<float>(20));
  Arena arena(test::with_threads(1));
  const Inspection found = inspect(data, *make_objective("least_squares"), test::with_threads(1), {}, arena);
  CHECK(!found.constants);
  CHECK(std::isfinite(found.inflation.back().raw));
}

// Cells of 12 floats: lines of 16 hold one and a part of another.
TEST_CASE("inspection: a cell may stand in two cache lines") {
  std::vector<std::vector<Coordinate>> pairs;
  for (Coordinate i = 0; i < 60; ++i) pairs.push_back({i % 10, 10 + i / 10});
  const Dataset data = test::numbered_rows(16, pairs);
  Arena arena(test::with_threads(2));
  const auto objective = make_objective("matrix_completion", {{"rank", 8}});
  const Layout layout(data, objective->shape(), false);
  std::vector<std::set<std::size_t>> lines;
  layout.for_each([&](std::size_t, std::size_t place, double) {
    lines.emplace_back();
    for (std::size_t f = place; f < place + layout.width(); ++f) lines.back().insert(f / 16);
  });
  const auto touched = [&](std::size_t row) {
    std::set<std::size_t> all = lines[pairs[row][0]];
    all.insert(lines[pairs[row][1]].begin(), lines[pairs[row][1]].end());
    return all;
  };
  double conflicts = 0;
  for (std::size_t i = 0; i < pairs.size(); ++i)
    for (std::size_t j = 0; j < pairs.size(); ++j) {
      const auto mine = touched(i);
      const bool meet = std::ranges::any_of(touched(j), [&](auto line) { return mine.contains(line); });
      conflicts += i != j && meet ? 1 : 0;
    }
  const Inspection found =
      inspect(data, *objective, test::with_threads(2), {.exact = true, .accuracy = {}}, arena);
  CHECK(found.lines.average.value == doctest::Approx(conflicts / 60));
  CHECK(found.lines.average.value > found.raw.average.value);
}

TEST_CASE("inspection: weights of another unit, all alike, change nothing") {
  const Options options = test::with_threads(1);
  Arena arena(options);
  const Dataset data = generate({.rows = 500, .columns = 300, .nonzeros_per_row = 15});
  const auto objective = make_objective("logistic");
  const Inspection one = inspect(data, *objective, options, {}, arena);
  const Inspection many =
      inspect(data.with_weights(std::vector<float>(500, 1e4F)), *objective, options, {}, arena);
  CHECK(many.weighted_chance->value == one.weighted_chance->value);
}

TEST_CASE("inspection: pairs of users and items") {
  std::vector<std::vector<Coordinate>> pairs;
  for (Coordinate i = 0; i < 600; ++i) pairs.push_back({i % 20, 20 + i / 20});
  Arena arena(test::with_threads(2));
  const Inspection found = inspect(test::numbered_rows(50, pairs), *make_objective("matrix_completion"),
                                   test::with_threads(2), {.exact = true, .accuracy = {}}, arena);
  CHECK(found.raw.average.value == doctest::Approx(29 + 19));
  CHECK(!found.constants);
  CHECK(found.weighted_chance->value > 0);
}

TEST_CASE("inspection: the advice is what training does") {
  const struct {
    SyntheticOptions data;
    const char* objective;
    int threads;
    int epochs;
  } cases[] = {{{.rows = 400, .columns = 500, .nonzeros_per_row = 20}, "logistic", 0, 30},
               {{.rows = 400, .columns = 500, .nonzeros_per_row = 10}, "hinge", 2, 30},
               {{.rows = 4000, .columns = 300, .nonzeros_per_row = 5}, "hinge", 2, 1},
               {{.rows = 400, .columns = 70'000, .nonzeros_per_row = 5}, "logistic", 2, 3},
               {{.rows = 4000, .columns = 1000, .nonzeros_per_row = 5}, "hinge", 3, 30}};
  for (const auto& [shape, name, threads, epochs] : cases) {
    CAPTURE(shape.columns);
    CAPTURE(threads);
    Options options = test::with_threads(static_cast<std::size_t>(threads));
    options.epochs = epochs;
    const Dataset data = generate(shape);
    Arena arena(options);
    const Inspection found = inspect(data, *make_objective(name), options, {}, arena);
    const Report report = train(data, *make_objective(name), options).report;
    CHECK(found.advice.block_rows == report.block_rows);
    CHECK(found.advice.refresh_rows == report.refresh_rows);
    CHECK(found.advice.tau == report.tau);
    const auto values_of = [](const Choices& choices) {
      std::vector<std::string> values;
      choices.for_each([&](auto, const Choice& choice) { values.push_back(choice.value); });
      return values;
    };
    CHECK(values_of(found.advice.why) == values_of(report.choices));
  }
}

// E |<g_i, g_j>| / E |g|^2 of gradients that are slopes of +-1/2 along the samples.
double weighted_chance_of(const Dataset& data) {
  std::vector<std::vector<double>> rows(data.rows(), std::vector<double>(data.dimension()));
  for (std::size_t i = 0; i < data.rows(); ++i)
    for (std::size_t k = 0; k < data.row(i).support.size(); ++k)
      rows[i][data.row(i).support[k]] = data.row(i).values[k];
  double products = 0;
  double squares = 0;
  for (std::size_t i = 0; i < rows.size(); ++i)
    for (std::size_t j = 0; j < rows.size(); ++j) {
      const double product = std::inner_product(rows[i].begin(), rows[i].end(), rows[j].begin(), 0.0);
      (i == j ? squares : products) += std::fabs(product);
    }
  return products / (squares * static_cast<double>(rows.size() - 1));
}

TEST_CASE(
    "inspection: conflicts by gradients, of rows as long as they are, are those of the data's coordinates" *
    doctest::skip(test::kUnderTsan)) {
  const Dataset long_rows = generate({.rows = 2000, .columns = 60, .nonzeros_per_row = 5});
  Dataset::Columns parts;
  for (std::size_t i = 0; i < long_rows.rows(); ++i) parts.append(long_rows.row(i));
  for (float& value : parts.values) value *= 0.2F;
  const Dataset even(long_rows.dimension(), Dataset::Columns(parts));
  for (std::size_t k = 0; k < parts.offsets[1]; ++k) parts.values[k] *= 300;
  const Dataset uneven(even.dimension(), std::move(parts));
  for (const Dataset* data : {&even, &uneven}) {
    const double exact = weighted_chance_of(*data);
    for (const std::string name : {"logistic", "hinge"}) {
      for (const bool bias : {false, true}) {
        CAPTURE(name);
        CAPTURE(bias);
        Options options = test::with_threads(2);
        options.bias = bias;
        Arena arena(options);
        const Inspection found = inspect(*data, *make_objective(name), options, {}, arena);
        CHECK(found.weighted_chance->value == doctest::Approx(exact).epsilon(0.25));
      }
    }
  }
}

TEST_CASE("inspection: bounds of gradients are in units of the labels") {
  const Dataset data =
      generate({.kind = SyntheticKind::kRegression, .rows = 1000, .columns = 50, .nonzeros_per_row = 8});
  const auto bound = [&](float scale) {
    std::vector<float> labels(data.labels().begin(), data.labels().end());
    for (float& label : labels) label *= scale;
    Options options = test::with_threads(1);
    options.l2 = 1e-9;
    Arena arena(options);
    return inspect(data.with_labels(labels), *make_objective("quantile"), options, {}, arena)
        .constants->theorem.gradient_bound;
  };
  CHECK(bound(1e-4F) == doctest::Approx(bound(1)).epsilon(0.05));
  CHECK(bound(1e4F) == doctest::Approx(bound(1)).epsilon(0.05));
}

TEST_CASE("inspection: samples without a column meet nobody") {
  const Dataset data(0, {{0, 0, 0}, {}, {}, {1, -1}, {}});
  for (const bool exact : {false, true}) {
    Arena arena(test::with_threads(2));
    const Inspection found = inspect(data, *make_objective("logistic"), test::with_threads(2),
                                     {.exact = exact, .accuracy = {}}, arena);
    CHECK(found.raw.largest.upper == 0);
    CHECK(found.hottest.empty());
  }
}

TEST_CASE("sample gradients: those of least squares at zero are -label x") {
  const Dataset data = test::numbered_rows(40, {{0, 39}, {1, 5, 20}, {0, 5}});
  const auto objective = make_objective("least_squares");
  const Layout layout(data, objective->shape(), false);
  const std::vector<float> start = layout.start(*objective, 1);
  const SampleGradients gradients(data, layout, start, *objective, 1e-6);
  CHECK(squared_norm(gradients.of(0)) == 0);
  CHECK(squared_norm(gradients.of(1)) == doctest::Approx(9 + 16 + 25).epsilon(1e-3));
  CHECK(squared_norm(gradients.of(2)) == doctest::Approx(4 * (36 + 49)).epsilon(1e-3));
  CHECK(dot(gradients.of(1), gradients.of(2)) == doctest::Approx(2 * 4 * 7).epsilon(1e-3));

  const Dataset large = data.with_labels({0, 1e30F, 2e30F});
  const SampleGradients long_ones(large, layout, start, *objective, 1e-6);
  CHECK(squared_norm(long_ones.of(2)) / 1e60 == doctest::Approx(4 * (36 + 49)).epsilon(1e-3));
  CHECK(dot(long_ones.of(1), long_ones.of(2)) / 1e60 == doctest::Approx(2 * 4 * 7).epsilon(1e-3));
}

TEST_CASE(
    "inspection: one worker, whom nobody makes stale, needs no more iterations; a bias has no theorem") {
  Options options = test::with_threads(1);
  const Inspection found = inspect_text(options);
  CHECK(found.inflation.front().workers == 1);
  CHECK(found.inflation.front().raw == 1);
  CHECK(found.inflation.front().without_hot == 1);
  CHECK(found.inflation[1].raw > 1);
  CHECK(found.constants);
  options.bias = true;
  CHECK(!inspect_text(options).constants);
}

}  // namespace
}  // namespace sounder
