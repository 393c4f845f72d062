// What makes variance reduction work: update directions whose mean is the gradient and whose noise vanishes at the
// optimum; and a memory and a mean that stay together, whoever else writes.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <thread>
#include <vector>

#include "engine/arena.h"
#include "engine/gradient_task.h"
#include "io/random.h"
#include "test/rules_rig.h"
#include "test/support.h"

using namespace sounder;
using namespace sounder::test;

namespace {

// Keeps a gradient a sample, and their mean.
bool reduces_variance(Rule rule) {
  return traits_of(rule).memory && traits_of(rule).reweights;
}

// Lets the rule remember these slopes, and their mean.
void remember(Rig& rig, const std::vector<double>& slopes) {
  rig.block.memory.assign(slopes.begin(), slopes.end());
  const std::vector<double> mean = rig.mean_of(rig.block.memory);
  rig.for_each_place([&](std::size_t p) { rig.local().state[0][p] = static_cast<float>(mean[p]); });
}

// How far one pass moves any weight.
double pass_moves(Rig& rig, const Step& step) {
  const std::vector<float> before = rig.array;
  rig.objective.step(rig.samples(), rig.local(), step);
  double most = 0;
  rig.for_each_place(
      [&](std::size_t p) { most = std::max(most, std::fabs(double{rig.array[p]} - before[p])); });
  return most;
}

// Of wide coordinates, under a rule that shares: each sample moves all weights of what it touches by 1, and the state the other way.
class Wide final : public Objective {
 public:
  static constexpr std::size_t kWidth = 3;

  std::string name() const override { return "wide"; }
  LabelKind labels() const override { return LabelKind::kReal; }
  Shape shape() const override { return {.width = kWidth}; }
  bool suits(Rule rule) const override { return traits_of(rule).shares; }
  void predict(const Samples&, const ConstWeights&, std::span<float>) const override {}
  Evaluation evaluate(const Samples&, const ConstWeights&) const override { return {}; }
  std::uint64_t step(const Samples& samples, const LocalWeights& local, const Step&) const override {
    for_each_support(samples, [&](std::size_t, auto positions) {
      for (const std::size_t position : positions) {
        for (std::size_t j = 0; j < kWidth; ++j) local.weights[position + j] += 1;
        local.state[0][position] -= 1;
      }
    });
    return samples.nonzeros();
  }
};

// Runs body(block number) for all blocks, dealt out to so many threads.
template <class Body>
void on_threads(std::size_t threads, std::size_t blocks, const Body& body) {
  std::vector<std::jthread> workers;
  for (std::size_t first = 0; first < threads; ++first) {
    workers.emplace_back([=, &body] {
      for (std::size_t b = first; b < blocks; b += threads) body(static_cast<std::uint32_t>(b));
    });
  }
}

}  // namespace

TEST_CASE("rules: the mean of the update directions over all samples is the gradient") {
  constexpr double kSize = 0x1p-4;
  for_each_rule([](const Objective& objective, Rule rule) {
    if (!reduces_variance(rule)) return;
    for (const bool bias : {false, true}) {
      for (const bool weighted : {false, true}) {
        CAPTURE(objective.name());
        CAPTURE(name_of(rule));
        CAPTURE(bias);
        CAPTURE(weighted);
        Rig start(sparse_rows(objective.labels(), 60, 12, weighted), objective, rule, bias);
        Random random(7);
        start.for_each_place([&](std::size_t p) { start.array[p] = static_cast<float>(random.gaussian()); });
        std::vector<double> slopes(start.rows());
        for (double& slope : slopes) slope = random.gaussian();
        remember(start, slopes);
        std::vector<double> mean(start.array.size());
        for (std::size_t i = 0; i < start.rows(); ++i) {
          Rig rig = start;
          objective.step(rig.sample(i), rig.local(), rig.step(kSize));
          rig.for_each_place([&](std::size_t p) {
            const double direction = (double{start.array[p]} - rig.array[p]) / kSize;
            mean[p] += direction / static_cast<double>(rig.rows());
          });
        }
        const std::vector<double> gradient = start.mean_of(start.slopes(start.array));
        start.for_each_place(
            [&](std::size_t p) { CHECK(mean[p] == doctest::Approx(gradient[p]).epsilon(1e-5).scale(1)); });
      }
    }
  });
}

TEST_CASE("rules: at the optimum, with its slopes remembered, reduced variance moves nothing; sgd moves") {
  for_each_rule([](const Objective& objective, Rule rule) {
    if (!objective.smooth() || !(reduces_variance(rule) || rule == Rule::kSgd)) return;
    const bool reduced = reduces_variance(rule);
    for (const double l1 : {0.0, 0.01}) {
      if (l1 > 0 && !reduced) continue;
      CAPTURE(objective.name());
      CAPTURE(name_of(rule));
      CAPTURE(l1);
      Rig rig(sparse_rows(objective.labels(), 120, 20, true), objective, rule, true);
      const Optimum optimum = optimum_of(rig, l1, 0.01);
      rig.for_each_place([&](std::size_t p) { rig.array[p] = static_cast<float>(optimum.weights[p]); });
      if (reduced) remember(rig, rig.slopes(rig.array));
      Step step = rig.step(0.5 / objective.curvature(), l1, 0.01);
      if (!reduced) step.shrink = 1 / (1 + step.size * step.l2);
      const double moved = pass_moves(rig, step);
      CHECK(reduced == (moved < 2e-5));
      if (!reduced) CHECK(moved > 1e-2);
    }
  });
}

TEST_CASE("rules: under contention the mean stays that of the remembered gradients") {
  constexpr std::size_t kRows = 2000;
  for_each_rule([](const Objective& objective, Rule rule) {
    if (!reduces_variance(rule) || objective.name() != "logistic") return;
    const Dataset data = sparse_rows(objective.labels(), kRows, 30, true);
    const Layout layout(data, {}, true, {.reweight = true, .state = 1});
    for (const std::size_t threads : kThreadSweep) {
      CAPTURE(name_of(rule));
      CAPTURE(threads);
      Arena arena(with_threads(1));
      std::vector<Block> blocks =
          make_blocks(BlockMaker(data, layout, 1), deal_rows(data, Grouping::kRandom, 8, 1), arena);
      Parameters parameters(layout.cells(), layout.cell_floats());
      std::vector<float> array = layout.start(objective, 1);
      parameters.write(array);
      const auto writer = make_writer(Discipline::kAtomic, parameters, 1);
      const GradientTask task(objective, layout, blocks, *writer);
      Step step{.rule = rule, .size = 0.2F, .l2 = 1e-3, .rows = kRows};
      for (int epoch = 0; epoch < 5; ++epoch) {
        step.pass = traits_of(rule).snapshots && epoch == 0 ? Pass::kSnapshot : Pass::kUpdate;
        on_threads(threads, blocks.size(), [&](std::uint32_t b) {
          task.run({.blocks = {&b, 1}, .step = step});
        });
      }
      std::vector<double> sum(parameters.floats());
      double bias = 0;
      for (Block& block : blocks) {
        add_implied(objective, layout, block, sum);
        for (std::size_t i = 0; i < block.rows(); ++i) bias += double{block.weights[i]} * block.memory[i];
      }
      sum[0] += bias;
      std::ranges::copy(parameters.all(), array.begin());
      const float* mean = layout.local(array.data()).state[0];
      double largest = 0;
      for (std::size_t cell = 0; cell < layout.cells(); ++cell) {
        for (std::size_t p = cell * layout.cell_floats(), i = 0; i < layout.weight_floats(); ++i, ++p) {
          largest = std::max(largest, std::fabs(sum[p] / kRows));
          CHECK(std::fabs(mean[p] - sum[p] / kRows) < 2e-6);
        }
      }
      CHECK(largest > 1e-3);
    }
  });
}

TEST_CASE("rules: what blocks change at the same time is shared where they meet") {
  for_each_rule([](const Objective& objective, Rule rule) {
    if (!traits_of(rule).shares || objective.name() != "logistic") return;
    const Dataset data = sparse_rows(LabelKind::kTwoClass, 60, 30, false);
    const Layout layout(data, {}, true, {.reweight = true, .state = 1});
    const BlockMaker maker(data, layout, 1);
    const std::vector<float> start = layout.start(objective, 1);
    std::vector<float> after[2];
    for (std::vector<float>& array : after) {
      std::vector<Block> blocks{maker.make(std::vector<std::uint32_t>{0, 1, 2, 3})};
      Parameters parameters(layout.cells(), layout.cell_floats());
      parameters.write(start);
      const auto writer = make_writer(Discipline::kAtomic, parameters, 1);
      const std::uint32_t block = 0;
      const double others = &array == after ? 0 : 3;
      const Step step{.rule = rule, .size = 1, .rows = 60, .others = others};
      GradientTask(objective, layout, blocks, *writer).run({.blocks = {&block, 1}, .step = step});
      array.resize(start.size());
      std::ranges::copy(parameters.all(), array.begin());
    }
    for (std::size_t cell = 0; cell < layout.cells(); ++cell) {
      for (std::size_t p = cell * layout.cell_floats(), i = 0; i < layout.weight_floats(); ++i, ++p) {
        const float met = std::fmin(1.0F, 4 / start[p + layout.weight_floats()]);
        CHECK(after[1][p] == doctest::Approx(after[0][p] / (1 + 3 * met)));
        const std::size_t state = p + 2 * layout.weight_floats();
        CHECK(after[1][state] == after[0][state]);
      }
    }
    CHECK(after[0][0] != 0);
  });
}

TEST_CASE("rules: of a wide coordinate all weights are shared alike") {
  const Wide objective;
  const Dataset data = sparse_rows(LabelKind::kReal, 60, 30, false);
  const Layout layout(data, objective.shape(), false, {.reweight = true, .state = 1});
  std::vector<Block> blocks{BlockMaker(data, layout, 0).make(std::vector<std::uint32_t>{0, 1, 2, 3})};
  const std::vector<float> start = layout.start(objective, 1);
  Parameters parameters(layout.cells(), layout.cell_floats());
  parameters.write(start);
  const auto writer = make_writer(Discipline::kAtomic, parameters, 1);
  const std::uint32_t block = 0;
  GradientTask(objective, layout, blocks, *writer)
      .run({.blocks = {&block, 1}, .step = {.rule = Rule::kSaga, .others = 3}});
  const std::span<const float> after = parameters.all();
  for (const Cell cell : blocks[0].support) {
    const std::size_t first = cell * layout.cell_floats();
    const float met = std::fmin(1.0F, 4 / start[first + Wide::kWidth]);
    const float samples = -after[first + Wide::kWidth + 1];  // that touch it
    for (std::size_t j = 0; j < Wide::kWidth; ++j)
      CHECK(after[first + j] == doctest::Approx(samples / (1 + 3 * met)));
  }
}
