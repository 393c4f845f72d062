// Dual coordinate ascent: its mathematics through Objective, its gap and its bookkeeping through the engine.
#include "objectives/rule_sdca.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "engine/arena.h"
#include "engine/gradient_task.h"
#include "engine/sampler.h"
#include "engine/train.h"
#include "io/synthetic.h"
#include "objectives/catalogue.h"
#include "objectives/linear.h"
#include "test/support.h"

using namespace sounder;
using namespace sounder::test;

namespace {

std::vector<float> labels_for(const Objective& objective) {
  if (objective.labels() == LabelKind::kTwoClass) return {-1, 1};
  return {-2.5F, 0, 3};
}

// A sample x = (1) that keeps a slope.
struct OneSample {
  float label;
  float memory[3] = {};  // of sdca; the first is the slope
  float squared_norm = 1;
  float value = 1;
  std::uint64_t offsets[2] = {0, 1};
  std::uint16_t position = 0;

  Samples samples() {
    return {.offsets = offsets,
            .positions = &position,
            .values = &value,
            .labels = &label,
            .squared_norms = &squared_norm,
            .memory = memory,
            .memory_stride = 1};
  }
};

double conjugate_of(const Objective& objective, float slope, float label) {
  OneSample one{label};
  return objective.conjugates(one.samples(), {&slope, 1});
}

// sup of slope z - loss over margins up to `most`, kinks at tenths and at eighths included.
double supremum(const Objective& objective, float slope, float label, int most) {
  double sup = -std::numeric_limits<double>::infinity();
  OneSample one{label};
  for (int k = -160 * most; k <= 160 * most; ++k) {
    const float z = static_cast<float>(k) / 160;
    sup = std::max(sup, double{slope} * z - objective.evaluate(one.samples(), {.weights = &z}).loss);
  }
  return sup;
}

// D(s) of rule_sdca.h, from its definition.
double dual_of(const Objective& objective, const Dataset& data, const std::vector<float>& slopes, double l2) {
  std::vector<double> sum(data.dimension());
  for (std::size_t i = 0; i < data.rows(); ++i) {
    const Row row = data.row(i);
    for (std::size_t k = 0; k < row.support.size(); ++k)
      sum[row.support[k]] += double{row.weight} * slopes[i] * row.values[k];
  }
  const auto n = static_cast<double>(data.rows());
  const double squared = std::inner_product(sum.begin(), sum.end(), sum.begin(), 0.0);
  return -objective.conjugates(samples_of(data, 0, data.rows()), slopes) / n - squared / (2 * l2 * n * n);
}

// With an empty row, a row twice, and weights of mean 1 of which some are 0.
Dataset problem(const Objective& objective, std::size_t rows = 300, std::size_t columns = 40) {
  SyntheticOptions options;
  const bool real = objective.labels() == LabelKind::kReal;
  options.kind = real ? SyntheticKind::kRegression : SyntheticKind::kClassification;
  options.rows = rows;
  options.columns = columns;
  options.nonzeros_per_row = 6;
  options.noise = 0.2;
  const Dataset data = generate(options);
  Dataset::Columns parts;
  const auto add = [&](const Row& row, std::size_t size) {
    parts.indices.insert(parts.indices.end(), row.support.begin(),
                         row.support.begin() + std::ptrdiff_t(size));
    parts.values.insert(parts.values.end(), row.values.begin(), row.values.begin() + std::ptrdiff_t(size));
    parts.labels.push_back(row.label);
    parts.offsets.push_back(parts.indices.size());
  };
  for (std::size_t i = 2; i < rows; ++i) add(data.row(i), data.row(i).support.size());
  add(data.row(2), data.row(2).support.size());
  add(data.row(0), 0);
  for (std::size_t i = 0; i < rows; ++i) parts.weights.push_back(i % 3 == 0 ? 0 : i % 3 == 1 ? 1 : 2);
  return Dataset(columns, std::move(parts));
}

Options ascent(double l2, std::size_t threads = 1) {
  Options options = with_threads(threads);
  options.rule = Rule::kSdca;
  options.l2 = l2;
  options.epochs = 500;
  options.block_rows = 16;
  return options;
}

}  // namespace

TEST_CASE("sdca: the conjugate is the supremum of slope x margin - loss, infinite where that has no end" *
          doctest::skip(kUnderTsan)) {
  for (const CatalogueRow& row : linear_catalogue()) {
    const auto objective = row.make({});
    for (const float label : labels_for(*objective)) {
      for (float slope = -3; slope <= 3; slope += 0.25F) {
        CAPTURE(row.name);
        CAPTURE(label);
        CAPTURE(slope);
        const double sup = supremum(*objective, slope, label, 60);
        const bool unbounded = supremum(*objective, slope, label, 120) > sup + 1;
        const double conjugate = conjugate_of(*objective, slope, label);
        CHECK(std::isinf(conjugate) == unbounded);
        if (!unbounded) CHECK(std::fabs(conjugate - sup) < 1e-4);
      }
    }
  }
}

TEST_CASE("sdca: a step maximises the dual in the slope of its sample") {
  for (const CatalogueRow& row : linear_catalogue()) {
    for (const double l2 : {1e-3, 1.0}) {
      const auto objective = row.make({});
      const Dataset data = problem(*objective, 60, 10);
      std::vector<float> weights(data.dimension());
      std::vector<float> slopes(data.rows());
      for (std::size_t step = 0; step < 3 * data.rows(); ++step) {
        const std::size_t i = step % data.rows();
        Samples one = samples_of(data, i, 1);
        const float norm = std::inner_product(data.row(i).values.begin(), data.row(i).values.end(),
                                              data.row(i).values.begin(), 0.0F);
        one.squared_norms = &norm;
        std::array<float, 3> kept = {slopes[i]};
        one.memory = kept.data();
        one.memory_stride = 1;
        objective->step(one, {.weights = weights.data()},
                        {.rule = Rule::kSdca, .l2 = l2, .rows = static_cast<double>(data.rows())});
        slopes[i] = kept[0];
        const double reached = dual_of(*objective, data, slopes, l2);
        for (const float change : {-1.0F, -0.05F, -0.01F, 0.01F, 0.05F, 1.0F}) {
          CAPTURE(row.name);
          CAPTURE(step);
          CAPTURE(change);
          std::vector<float> other = slopes;
          other[i] += change;
          if (data.row(i).weight == 0) continue;
          CHECK(dual_of(*objective, data, other, l2) <= reached + 2e-7 * (1 + std::fabs(reached)));
        }
      }
    }
  }
}

TEST_CASE("sdca: the logistic slope solves its equation, from any start, and repeated, to the last digits") {
  const auto logistic = make_objective("logistic");
  for (double reach = 1e-8; reach < 2e6; reach *= 10) {
    for (double margin = -50; margin <= 50; margin += 1.25) {
      for (const float start : {0.0F, -1e-3F, -0.5F, -1.0F}) {
        CAPTURE(reach);
        CAPTURE(margin);
        CAPTURE(start);
        double low = 0, high = 1;
        for (int k = 0; k < 100; ++k) {
          const double b = (low + high) / 2;
          (b < 1 / (1 + std::exp(margin + reach * b)) ? low : high) = b;
        }
        OneSample one{.label = 1, .memory = {start}, .squared_norm = static_cast<float>(reach)};
        float weight = static_cast<float>(margin - reach * start);
        const Step step{.rule = Rule::kSdca, .l2 = 1, .rows = 1};
        for (const double tolerance : {1e-3, 1e-3, 1e-5}) {
          weight = static_cast<float>(margin - reach * double{one.memory[0]});
          one.memory[2] = 0;  // never rests
          logistic->step(one.samples(), {.weights = &weight}, step);
          CHECK(std::fabs(-one.memory[0] - low) <= tolerance);
        }
      }
    }
  }
}

TEST_CASE("sdca: moving the centre leaves the implied weights where they are") {
  const auto hinge = make_objective("hinge");
  const Step step{.rule = Rule::kSdca, .l2 = 0.5, .proximal = 1.5};
  float weights[] = {1, -2, 0};
  float centre[] = {0, -4, 3};
  const LocalWeights local{.weights = weights, .anchors = centre};
  const auto implied = [&] {
    std::vector<float> copy(weights, weights + 3);
    hinge->turn(Turn::kDual, {.weights = copy.data(), .anchors = centre}, 3, step);
    return copy;
  };
  CHECK(implied() == std::vector<float>{4, 4, -9});  // w + 3 (w - c)
  hinge->turn(Turn::kBegin, local, 3, step);
  CHECK(std::vector(weights, weights + 3) == std::vector<float>{1.75F, -0.5F, -2.25F});
  CHECK(std::vector(centre, centre + 3) == std::vector<float>{1, -2, 0});
  CHECK(implied() == std::vector<float>{4, 4, -9});
}

namespace {

// After five epochs of so many threads: where the weights are.
void check_implied(std::size_t threads, double damping, bool lone) {
  CAPTURE(threads);
  CAPTURE(damping);
  CAPTURE(lone);
  constexpr double kL2 = 1e-3;
  const auto objective = make_objective("logistic");
  const Dataset data = problem(*objective, 2000, 30);
  const Layout layout(data, {}, false, {});
  Arena arena(with_threads(1));
  BlockMaker maker(data, layout, 3, false, lone ? Support::kAll : Support::kTouched);
  std::vector<Block> blocks = make_blocks(std::move(maker), deal_rows(data, Grouping::kRandom, 8, 1), arena);
  Parameters parameters(layout.cells(), layout.cell_floats());
  const auto writer = lone ? make_lone_writer(parameters) : make_writer(Discipline::kAtomic, parameters, 1);
  const GradientTask task(*objective, layout, blocks, *writer);
  const Step step{.rule = Rule::kSdca, .l2 = kL2, .rows = 2000, .proximal = kL2, .damping = damping};
  const auto work = [&](std::size_t first) {
    for (auto b = static_cast<std::uint32_t>(first); b < blocks.size();
         b += static_cast<std::uint32_t>(threads))
      task.run({.blocks = {&b, 1}, .step = step});
  };
  for (int epoch = 0; epoch < 5; ++epoch) {
    std::vector<std::jthread> workers;
    for (std::size_t first = 0; first < threads; ++first) workers.emplace_back(work, first);
  }
  std::vector<double> implied(parameters.floats());
  for (Block& block : blocks) add_implied(*objective, layout, block, implied);
  const std::span<const float> array = std::as_const(parameters).all();
  double largest = 0;
  for (const float w : array) largest = std::max(largest, std::fabs(double{w}));
  CHECK(largest > 0.1);
  for (std::size_t i = 0; i < array.size(); ++i)
    CHECK(std::fabs(array[i] + implied[i] / (2 * kL2 * 2000)) < 1e-4 * largest);
}

}  // namespace

TEST_CASE("sdca: under contention the weights are what the slopes imply, damped or not") {
  for (const std::size_t threads : kThreadSweep)
    for (const double damping : {1.0, 2.5}) check_implied(threads, damping, false);
}

TEST_CASE("sdca: so they are of one worker on the weights themselves") {
  for (const double damping : {1.0, 2.5}) check_implied(1, damping, true);
}

TEST_CASE("sdca: every loss converges to a tiny gap, and the gap bounds the distance from the optimum") {
  for (const CatalogueRow& row : linear_catalogue()) {
    const auto objective = row.make({});
    const Dataset data = problem(*objective);
    for (const std::size_t threads : kThreadSweep) {
      for (const Discipline discipline :
           {Discipline::kAtomic, Discipline::kLockFree, Discipline::kReproducible}) {
        CAPTURE(row.name);
        CAPTURE(threads);
        CAPTURE(name_of(discipline));
        Options options = ascent(1e-2, threads);
        options.discipline = discipline;
        options.gap = 1e-5;
        const Report best = train(data, *objective, options).report;
        CHECK(best.outcome == Outcome::kConverged);
        CHECK(best.rollbacks == 0);
        CHECK(best.gap.value() <= 1e-5);
        CHECK(best.gap.value() > -1e-6);
        for (const int epochs : {1, 3}) {
          options.epochs = epochs;
          const Report early = train(data, *objective, options).report;
          CHECK(early.objective * (1 - early.gap.value()) <= best.objective * (1 + 1e-6));
        }
      }
    }
  }
}

TEST_CASE("sdca: of few rows the objective may rise far while the dual climbs, and the run goes on" *
          doctest::skip(kUnderTsan)) {
  for (const std::string name : {"least_squares", "huber", "epsilon_insensitive", "squared_hinge"}) {
    const auto objective = make_objective(name);
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
      const Dataset data =
          generate({.kind = objective->labels() == LabelKind::kReal ? SyntheticKind::kRegression
                                                                    : SyntheticKind::kClassification,
                    .rows = 60,
                    .columns = 100,
                    .nonzeros_per_row = 60,
                    .seed = seed});
      Options options = with_threads(1);
      options.rule = Rule::kSdca;
      options.l2 = 1e-5;
      options.epochs = 300;
      const Report report = train(data, *objective, options).report;
      CAPTURE(name);
      CAPTURE(seed);
      CHECK(report.outcome == Outcome::kEpochLimit);
      CHECK(report.rollbacks == 0);
    }
  }
}

TEST_CASE("sdca: two threads leave it to one worker, unless a block size is asked for") {
  const auto objective = make_objective("hinge");
  const Dataset data = problem(*objective);
  const auto trained = [&](std::size_t threads, std::size_t block_rows) {
    Options options = ascent(1e-2, threads);
    options.block_rows = block_rows;
    return train(data, *objective, options);
  };
  const Trained two = trained(2, 0);
  CHECK(two.report.choices.threads.value == "1");
  CHECK(two.model.weights == trained(1, 0).model.weights);
  CHECK(trained(2, 16).report.choices.threads.value == "2");
  CHECK(trained(8, 0).report.choices.threads.value == "8");
}

TEST_CASE("sdca: the strongest and the weakest l2 there may be") {
  for (const CatalogueRow& row : linear_catalogue()) {
    const auto objective = row.make({});
    const Dataset data = problem(*objective);
    for (const std::size_t threads : {1, 4}) {
      for (const double l2 : {1e-10, 1e3}) {
        CAPTURE(row.name);
        CAPTURE(threads);
        CAPTURE(l2);
        Options options = ascent(l2, threads);
        options.epochs = 60;
        options.gap = 1e-5;
        const auto [model, report] = train(data, *objective, options);
        CHECK(report.outcome == (l2 > 1 ? Outcome::kConverged : report.outcome));
        CHECK(report.outcome != Outcome::kDiverged);
        CHECK(report.gap.value() > -1e-5);
        CHECK(std::isfinite(report.gap.value()));
        CHECK(std::ranges::all_of(model.weights, [](float w) { return std::isfinite(w); }));
      }
    }
  }
}

TEST_CASE("sdca: refuses a loss that has no dual, and a rollback damps") {
  struct Plain {
    double value(float z, float y) const { return (double{z} - y) * (double{z} - y) / 2; }
    float slope(float z, float y) const { return z - y; }
  };
  const auto plain = make_linear("plain", LabelKind::kReal, Plain{});
  const Dataset data = problem(*plain);
  CHECK(input_error_of([&] { train(data, *plain, ascent(1e-3)); }) ==
        "rule = sdca: does not suit the objective plain; take sgd, svrg, saga, adagrad, ftrl");

  Sampler sampler({.rows = {10}}, {.rows = 10}, {.rule = Rule::kSdca, .l2 = 1, .damping = 1.5}, 1);
  sampler.scale_steps(0.25);
  CHECK(sampler.step().damping == 6);
}
