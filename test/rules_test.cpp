// The mathematics of the update rules on local arrays: what every rule keeps, and the published formulas in double.
// Rule by rule where the formulas differ; dual coordinate ascent has sdca_test.cpp, and SGD's scaled form is in
// objective_conformance_test.cpp.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "engine/turns.h"
#include "io/random.h"
#include "objectives/proximal.h"
#include "test/rules_rig.h"
#include "test/support.h"

using namespace sounder;
using namespace sounder::test;

namespace {

constexpr double kSize = 0.05;
constexpr double kBefore = 120;  // two epochs

// Weights, memory and state anywhere; reweights stay. AdaGrad's and FTRL's sums of squares are not negative.
void scatter(Rig& rig, std::uint64_t seed) {
  Random random(seed);
  const LocalWeights local = rig.local();
  rig.for_each_place([&](std::size_t p) {
    local.weights[p] = static_cast<float>(random.gaussian());
    for (std::size_t k = 0; k < traits_of(rig.rule).state; ++k) {
      const bool squares = rig.rule == Rule::kAdagrad || k == 1;
      local.state[k][p] = static_cast<float>(squares ? 0.1 + random.uniform() : 3 * random.gaussian());
    }
  });
  for (float& slope : std::span(rig.block.memory).first(rig.rows()))
    slope = static_cast<float>(random.gaussian());
}

void give_gaps(Rig& rig) {
  for (std::size_t i = 0; i < rig.rows(); ++i) rig.block.gaps.push_back(static_cast<std::uint32_t>(i % 4));
}

Step shrinking(const Rig& rig) {
  Step step = rig.step(kSize, traits_of(rig.rule).l1 ? 0.02 : 0, 0.3);
  step.scale = 0.5;
  step.shrink = traits_of(rig.rule).scales ? 0.99 : 1;
  step.before = kBefore;
  return step;
}

bool takes_bias(Rule rule) {
  return !traits_of(rule).dual;
}

// A rule's formulas, on vectors by place in the array.
struct Naive {
  Naive(Rig& of, const Step& with)
      : rig(of), step(with), memory(of.block.memory.begin(), of.block.memory.end()) {
    const LocalWeights local = rig.local();
    for (auto* all : {&w, &reweight, &state[0], &state[1]}) all->resize(rig.array.size());
    rig.for_each_place([&](std::size_t p) {
      w[p] = local.weights[p];
      reweight[p] = local.reweight[p];
      for (std::size_t k = 0; k < traits_of(rig.rule).state; ++k) state[k][p] = local.state[k][p];
    });
  }

  double prox(std::size_t p, double moved, double size) const {
    if (rig.is_bias(p)) return moved;
    const double reach = size * reweight[p];
    const double left = std::fmax(std::fabs(moved) - reach * step.l1, 0.0);
    return std::copysign(left, moved) / (1 + reach * step.l2);
  }

  // KroMagnon's and ProxASAGA's algorithm 2: they differ in what is kept.
  void reduce_variance(std::size_t i, double c) {
    const double slope = slope_of(rig.objective, rig.margin(i, w), rig.block.labels[i]);
    const double change = c * (slope - memory[i]);
    rig.for_each_of(i, [&](std::size_t p, double x) {
      w[p] = prox(p, w[p] - step.size * (change * x + reweight[p] * state[0][p]), step.size);
      if (rig.rule == Rule::kSaga) state[0][p] += change * x / step.rows;
    });
    if (rig.rule == Rule::kSaga) memory[i] = slope;
  }

  void adapt(std::size_t i, double c) {
    const double slope = slope_of(rig.objective, rig.margin(i, w), rig.block.labels[i]);
    rig.for_each_of(i, [&](std::size_t p, double x) {
      state[0][p] += c * slope * x * slope * x;
      const double size = state[0][p] > 0 ? step.size / std::sqrt(state[0][p]) : 0;
      w[p] = prox(p, w[p] - size * c * slope * x, size);
    });
  }

  double leader(std::size_t p, double time) const {
    const double z = state[0][p];
    const double t = rig.is_bias(p) ? 0 : time;
    if (std::fabs(z) <= t * step.l1) return 0;
    return -(z - std::copysign(t * step.l1, z)) / ((1 + std::sqrt(state[1][p])) / step.size + t * step.l2);
  }
  void follow(std::size_t i, double c, double time) {
    std::vector<double> lead(w.size());
    rig.for_each_of(i, [&](std::size_t p, double) { lead[p] = leader(p, time); });
    const double slope = c * slope_of(rig.objective, rig.margin(i, lead), rig.block.labels[i]);
    rig.for_each_of(i, [&](std::size_t p, double x) {
      const double g = slope * x;
      const double sigma = (std::sqrt(state[1][p] + g * g) - std::sqrt(state[1][p])) / step.size;
      state[0][p] += g - sigma * lead[p];
      state[1][p] += g * g;
    });
  }

  void run() {
    double time = step.before;
    for (std::size_t i = 0; i < rig.rows(); ++i, ++time) {
      time += rig.block.gaps[i];
      const double c = rig.weight(i);
      if (c == 0) continue;
      if (rig.rule == Rule::kAdagrad) {
        adapt(i, c);
      } else if (rig.rule == Rule::kFtrl) {
        follow(i, c, time);
      } else {
        reduce_variance(i, c);
      }
    }
  }

  Rig& rig;
  Step step;
  std::vector<double> w, reweight, memory;
  std::array<std::vector<double>, LocalWeights::kMostState> state;
};

bool near(double a, double b) {
  return std::fabs(a - b) <= 2e-4 * (1 + std::fabs(b));
}

}  // namespace

TEST_CASE("rules: svrg, saga, adagrad and ftrl are their published formulas") {
  for_each_rule([](const Objective& objective, Rule rule) {
    if (rule == Rule::kSgd || rule == Rule::kSdca) return;
    const Dataset data = sparse_rows(objective.labels(), 60, 12, true);
    for (const bool bias : {false, true}) {
      for (const auto& [l1, l2] : {std::pair(0.0, 0.0), {0.02, 0.0}, {0.0, 0.3}, {0.02, 0.3}}) {
        CAPTURE(objective.name());
        CAPTURE(name_of(rule));
        CAPTURE(bias);
        CAPTURE(l1);
        CAPTURE(l2);
        Rig rig(data, objective, rule, bias);
        scatter(rig, 3);
        give_gaps(rig);
        Step step = rig.step(kSize, l1, l2);
        step.before = kBefore;
        Naive naive(rig, step);
        naive.run();
        objective.step(rig.samples(), rig.local(), step);
        rig.for_each_place([&](std::size_t p) {
          CHECK(near(rig.local().weights[p], naive.w[p]));
          for (std::size_t k = 0; k < traits_of(rule).state; ++k)
            CHECK(near(rig.local().state[k][p], naive.state[k][p]));
        });
        for (std::size_t i = 0; i < rig.rows(); ++i) CHECK(near(rig.block.memory[i], naive.memory[i]));
      }
    }
  });
}

TEST_CASE("rules: a gradient pass keeps slopes and their mean, and moves no weight") {
  for_each_rule([](const Objective& objective, Rule rule) {
    if (!traits_of(rule).snapshots) return;
    const Dataset data = sparse_rows(objective.labels(), 60, 12, true);
    CAPTURE(objective.name());
    Rig rig(data, objective, rule, true);
    scatter(rig, 4);
    rig.for_each_place([&](std::size_t p) { rig.local().state[0][p] = 0; });
    const std::vector<float> before = rig.array;
    Step step = rig.step(kSize, 0.02, 0.3);
    step.pass = Pass::kSnapshot;
    objective.step(rig.samples(), rig.local(), step);
    const std::vector<double> slopes = rig.slopes(before);
    const std::vector<double> mean = rig.mean_of(slopes);
    for (std::size_t i = 0; i < rig.rows(); ++i) CHECK(near(rig.block.memory[i], slopes[i]));
    rig.for_each_place([&](std::size_t p) {
      CHECK(rig.array[p] == before[p]);
      CHECK(std::fabs(rig.local().state[0][p] - mean[p]) < 1e-6);
    });
  });
}

TEST_CASE("rules: positions of 16 and 32 bits, and rows one by one, give the same bits") {
  for_each_rule([](const Objective& objective, Rule rule) {
    CAPTURE(objective.name());
    CAPTURE(name_of(rule));
    const Dataset data = sparse_rows(objective.labels(), 60, 12, true);
    Rig narrow(data, objective, rule, takes_bias(rule));
    scatter(narrow, 5);
    Rig wide = narrow;
    Rig single = narrow;
    objective.step(narrow.samples(), narrow.local(), shrinking(narrow));
    const std::vector<std::uint32_t> positions(wide.block.narrow.begin(), wide.block.narrow.end());
    Samples samples = wide.samples();
    samples.positions = positions.data();
    objective.step(samples, wide.local(), shrinking(wide));
    Step step = shrinking(single);
    for (std::size_t i = 0; i < single.rows(); ++i, step.scale *= step.shrink, step.before += 1)
      objective.step(single.sample(i), single.local(), step);
    CHECK(wide.array == narrow.array);
    CHECK(wide.block.memory == narrow.block.memory);
    CHECK(single.array == narrow.array);
    CHECK(single.block.memory == narrow.block.memory);
  });
}

TEST_CASE("rules: a sample of weight zero moves nothing, and any other something") {
  for_each_rule([](const Objective& objective, Rule rule) {
    const Dataset data = sparse_rows(objective.labels(), 60, 12, true);
    for (const float weight : {0.0F, 2.0F}) {
      CAPTURE(objective.name());
      CAPTURE(name_of(rule));
      CAPTURE(weight);
      Rig rig(data, objective, rule, takes_bias(rule));
      scatter(rig, 6);
      const std::vector<float> weights(rig.block.rows(), weight);
      rig.block.weights = weights;
      const std::vector<float> before = rig.array;
      objective.step(rig.samples(), rig.local(), shrinking(rig));
      CHECK((rig.array == before) == (weight == 0));
    }
  });
}

TEST_CASE(
    "rules: a mean that stands for the gradient settles at the end of an epoch what is zero, never a bias") {
  for_each_rule([](const Objective& objective, Rule rule) {
    const RuleTraits& traits = traits_of(rule);
    if (!traits.turns() || !traits.reweights) return;
    CAPTURE(name_of(rule));
    const Step step{
        .rule = rule, .pass = traits.snapshots ? Pass::kSnapshot : Pass::kUpdate, .size = 0.1F, .l1 = 0.5};
    const std::vector<float> before{0.01F, 0.01F};
    const float reweights[] = {1, 1};
    float means[] = {0, 0.9F};
    const auto after = [&](Turn turn, bool bias) {
      std::vector<float> weights = before;
      objective.turn(turn,
                     {.weights = weights.data(),
                      .bias = bias ? weights.data() : nullptr,
                      .reweight = reweights,
                      .state = {means}},
                     2, step);
      return weights;
    };
    CHECK(after(Turn::kEnd, false) == std::vector{0.0F, 0.01F});
    CHECK(after(Turn::kEnd, true) == before);
    CHECK(after(Turn::kBegin, false) == before);
  });
}

TEST_CASE("rules: adagrad steps on behind any gradient") {
  for (const float squared : {1e30F, 3e38F, std::numeric_limits<float>::infinity()}) {
    CAPTURE(squared);
    float sum = 0;
    for (int repeat = 0; repeat < 3; ++repeat) CHECK(adagrad_size(sum, squared, 1) > 0);
    CHECK(std::isfinite(1000 * sum));  // as tasks add to the shared one
  }
  float sum = 0;
  CHECK(adagrad_size(sum, 0, 1) == 0);
  CHECK(adagrad_size(sum, 4, 1) == 0.5F);
}

TEST_CASE("rules: the proximal step is the least of its objective, by brute force") {
  for (const double l1 : {0.0, 0.2, 1.0}) {
    for (const double l2 : {0.0, 0.5}) {
      for (const float reweight : {1.0F, 3.0F}) {
        const float size = 0.5F;
        const Regulariser prox({.size = size, .l1 = l1, .l2 = l2});
        for (float x = -2; x <= 2; x += 0.125F) {
          const auto objective = [&](double u) {
            return (u - x) * (u - x) / 2 + double{size} * reweight * (l1 * std::fabs(u) + l2 / 2 * u * u);
          };
          double least = std::numeric_limits<double>::infinity();
          double at = 0;
          for (int k = -4096; k <= 4096; ++k) {
            const double u = k / 1024.0;
            if (objective(u) < least) least = objective(u), at = u;
          }
          CAPTURE(x);
          CAPTURE(l1);
          CHECK(std::fabs(prox(x, reweight) - at) <= 1.0 / 1024);
          CHECK(prox(x, reweight, size) == prox(x, reweight));
          CHECK(prox(x, 1, size * reweight) == doctest::Approx(prox(x, reweight)));
          CHECK(objective(prox(x, reweight)) <= least + 1e-7);
          if (l2 == 0) CHECK(soft_threshold(x, size * reweight * float(l1)) == prox(x, reweight));
          for (const float w : {-0.25F, 0.0F, 0.25F}) {  // a weight from which a gradient step leads to x
            const bool rests = prox.rests_at_zero(w, (w - x) / (size * reweight), reweight);
            if (std::fabs(std::fabs(x) - size * reweight * l1) > 1e-4)
              CHECK(rests == (l1 > 0 && prox(x, reweight) == 0));
          }
        }
      }
    }
  }
}

TEST_CASE("rules: the bias that ftrl writes at the end of an epoch is not regularised") {
  const auto objective = make_objective("logistic");
  Rig rig(sparse_rows(objective->labels(), 60, 20, false), *objective, Rule::kFtrl, true);
  Step step = rig.step(0.5, 0.1, 0.2);
  step.before = kBefore;
  const LocalWeights local = rig.local();
  const std::size_t weight = rig.layout.common() * rig.layout.cell_floats();
  for (const std::size_t place : {std::size_t{0}, weight}) {
    local.state[0][place] = -20;
    local.state[1][place] = 9;
  }
  Turns(*objective, rig.layout, Rule::kFtrl).visit(Turn::kEnd, step, rig.array);
  CHECK(rig.array[0] == doctest::Approx(20 * 0.5 / (1 + 3)));
  CHECK(rig.array[weight] == doctest::Approx((20 - kBefore * 0.1) / ((1 + 3) / 0.5 + kBefore * 0.2)));
}

TEST_CASE("rules: ftrl that goes back has the weights it went back to, whatever its step and the time") {
  const auto objective = make_objective("logistic");
  Rig rig(sparse_rows(objective->labels(), 60, 20, false), *objective, Rule::kFtrl, true);
  Turns turns(*objective, rig.layout, Rule::kFtrl);
  const LocalWeights local = rig.local();
  std::size_t place = 0;
  rig.for_each_place([&](std::size_t p) {
    local.state[0][p] = static_cast<float>(place % 7) * 100 - 300;
    local.state[1][p] = static_cast<float>(place++ % 5);
  });
  Step step = rig.step(0.5, 0.1, 0.2);
  step.before = kBefore;
  turns.visit(Turn::kEnd, step, rig.array);
  std::vector<float> before;
  rig.for_each_place([&](std::size_t p) { before.push_back(local.weights[p]); });
  step.size /= 4;
  step.before += 60;
  turns.visit(Turn::kLead, step, rig.array);
  turns.visit(Turn::kEnd, step, rig.array);
  std::size_t moved = 0;
  place = 0;
  rig.for_each_place([&](std::size_t p) {
    CHECK(local.weights[p] == doctest::Approx(before[place]).epsilon(1e-4));
    moved += before[place++] != 0 ? 1 : 0;
  });
  CHECK(moved > 5);
}

TEST_CASE("rules: adagrad's sums count a sample of weight 4 as four samples") {
  for (const std::string name : {"hinge", "one_vs_rest_hinge"}) {
    CAPTURE(name);
    const auto objective = make_objective(
        name, name == "hinge" ? Objective::Parameters{} : Objective::Parameters{{"classes", 2}});
    const std::uint64_t offsets[] = {0, 1};
    const std::uint32_t position = 0;
    const float value = 0.5F;
    const float label = 1;
    const float weight = 4;
    std::vector<float> weights(2), sums(2), reweights(2, 1.0F);
    LocalWeights local{.weights = weights.data()};
    local.state[0] = sums.data();
    local.reweight = reweights.data();
    objective->step(
        {.offsets = offsets, .positions = &position, .values = &value, .labels = &label, .weights = &weight},
        local, {.rule = Rule::kAdagrad, .size = 1});
    const float outputs = name == "hinge" ? 1 : 2;  // a sum for all of them
    CHECK(sums[0] == 4 * outputs * value * value);
    CHECK(std::fabs(weights[0]) == doctest::Approx(4 * value / std::sqrt(sums[0])));
  }
}

TEST_CASE("rules: a step of sgd that cannot overshoot its sample goes by the slope itself") {
  for (const CatalogueRow& row : linear_catalogue()) {
    const auto objective = row.make({});
    if (!objective->suits(Rule::kSgd) || !objective->smooth()) continue;
    const auto curvature = static_cast<float>(objective->curvature());
    for (const float share : {0.1F, 0.5F, 0.9F}) {  // of the way to where the parabola is lowest
      CAPTURE(row.name);
      CAPTURE(share);
      const std::uint64_t offsets[] = {0, 1};
      const std::uint32_t position = 0;
      const float one = 1;
      const float label = objective->labels() == LabelKind::kTwoClass ? 1 : 3;
      float weight = 0.25F;
      const float size = share / curvature;
      objective->step({.offsets = offsets, .positions = &position, .values = &one, .labels = &label},
                      {.weights = &weight}, {.size = size});
      CHECK(weight - 0.25F == doctest::Approx(-size * slope_of(*objective, 0.25, label)).epsilon(1e-3));
    }
  }
}
