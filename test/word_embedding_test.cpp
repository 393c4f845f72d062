#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/evaluate.h"
#include "engine/train.h"
#include "io/random.h"
#include "objectives/catalogue.h"
#include "test/support.h"

using namespace sounder;
using namespace sounder::test;

namespace {

constexpr std::size_t kRank = 3;

// A pair of words with their rows side by side, the constant and what AdaGrad keeps.
struct OnePair {
  float label = 0.5F;
  float weight = 1;
  std::uint16_t positions[2] = {0, kRank};
  std::vector<float> weights{0.5F, -0.25F, 0.75F, 0.125F, 0.5F, -1};
  float constant = -0.5F;
  std::vector<float> sums = std::vector<float>(2 * kRank);
  std::vector<float> reweights = std::vector<float>(2 * kRank, 2.0F);

  Samples samples() const {
    return {.offsets = {}, .pairs = 1, .positions = positions, .labels = &label, .weights = &weight};
  }
  double loss(const Objective& objective) const {
    return objective.evaluate(samples(), {.weights = weights.data(), .bias = &constant}).loss;
  }
  double squared_sum() const {
    double sum = 0;
    for (std::size_t k = 0; k < kRank; ++k) sum += std::pow(double{weights[k]} + weights[kRank + k], 2);
    return sum;
  }
  void step(const Objective& objective, const Step& step) {
    LocalWeights local{.weights = weights.data(), .bias = &constant, .reweight = reweights.data()};
    local.state[0] = sums.data();
    objective.step(samples(), local, step);
  }
};

std::unique_ptr<Objective> embedding(double rank = kRank) {
  return make_objective("word_embedding", {{"rank", rank}});
}

// How the loss of the pair changes with one of its fields, by a symmetric difference.
double slope_along(const Objective& objective, const OnePair& pair, float& field) {
  const float h = 1.0F / 256;
  const float at = field;
  field = at + h;
  const double ahead = pair.loss(objective);
  field = at - h;
  const double behind = pair.loss(objective);
  field = at;
  return (ahead - behind) / (2 * h);
}

// All pairs of words whose vectors are drawn: y = |v_w + v_c|^2 - 1.
Dataset planted(std::size_t words, std::size_t rank) {
  Random random(3);
  std::vector<double> vectors(words * rank);
  for (double& x : vectors) x = 0.7 * random.gaussian();
  Dataset::Columns parts;
  for (std::size_t w = 0; w < words; ++w) {
    for (std::size_t c = w + 1; c < words; ++c) {
      double y = -1;
      for (std::size_t k = 0; k < rank; ++k) y += std::pow(vectors[w * rank + k] + vectors[c * rank + k], 2);
      parts.indices.insert(parts.indices.end(), {static_cast<Coordinate>(w), static_cast<Coordinate>(c)});
      parts.offsets.push_back(parts.indices.size());
      parts.labels.push_back(static_cast<float>(y));
    }
  }
  parts.values.assign(parts.indices.size(), 1.0F);
  return Dataset(words, std::move(parts));
}

Options options_for(Rule rule, std::size_t threads) {
  Options options = with_threads(threads);
  options.rule = rule;
  options.l2 = 0;
  options.epochs = 200;
  return options;
}

}  // namespace

TEST_CASE("word_embedding: the loss is that of the formula") {
  const auto objective = embedding();
  for (const auto& [label, f] : {std::pair{0.5, std::exp(0.5)}, {-2.0, std::exp(-2.0)}, {9.0, 100.0}}) {
    CAPTURE(label);
    OnePair pair;
    pair.label = static_cast<float>(label);
    pair.weight = 2;
    const double error = pair.squared_sum() - 0.5 - label;
    const Evaluation sum =
        objective->evaluate(pair.samples(), {.weights = pair.weights.data(), .bias = &pair.constant});
    CHECK(sum.weight == doctest::Approx(2 * f));
    CHECK(sum.loss == doctest::Approx(2 * f * error * error));
    CHECK(sum.squared_error == sum.loss);
    float predicted = 0;
    objective->predict(pair.samples(), {.weights = pair.weights.data(), .bias = &pair.constant},
                       {&predicted, 1});
    CHECK(predicted == doctest::Approx(pair.squared_sum() - 0.5));
  }
}

TEST_CASE("word_embedding: a small step is against the finite difference of the loss") {
  constexpr float kSize = 1e-4F;
  constexpr double kRows = 25000;  // so that the constant has the step of the rows
  const auto objective = embedding();
  for (const float label : {0.5F, -2.0F, 1.5F}) {
    CAPTURE(label);
    OnePair pair;
    pair.label = label;
    const OnePair before = pair;
    pair.step(*objective, {.size = kSize, .rows = kRows});
    for (std::size_t k = 0; k < 2 * kRank; ++k) {
      OnePair probe = before;
      const double slope = slope_along(*objective, probe, probe.weights[k]);
      CHECK((before.weights[k] - pair.weights[k]) / kSize == doctest::Approx(slope).epsilon(0.02));
    }
    OnePair probe = before;
    const double slope = slope_along(*objective, probe, probe.constant);
    CHECK((before.constant - pair.constant) / kSize == doctest::Approx(slope).epsilon(0.02));
  }
}

TEST_CASE("word_embedding: a step of any size is implicit, and overshoots nothing") {
  const auto objective = embedding();
  for (const float label : {-3.0F, 0.5F, 6.0F}) {
    for (const float size : {1e-3F, 0.1F, 10.0F, 1e6F}) {
      CAPTURE(label);
      CAPTURE(size);
      OnePair pair;
      pair.label = label;
      const OnePair before = pair;
      pair.step(*objective, {.size = size, .rows = 1e30});
      const double t = label - pair.constant;
      const double q = pair.squared_sum();
      CHECK((before.squared_sum() - t) * (q - t) >= -1e-3 * std::fabs(t));
      const double f = std::min(std::exp(double{label}), 100.0);
      const double gradient = 4 * f * (q - t);  // times u, where the step ends
      for (std::size_t k = 0; size < 1e3 && k < kRank; ++k) {
        const double u = double{pair.weights[k]} + pair.weights[kRank + k];
        const double moved = double{before.weights[k]} - pair.weights[k];
        CHECK(std::fabs(moved - size * gradient * u) < 0.01 * (std::fabs(moved) + 0.01 * size));
      }
    }
  }
}

TEST_CASE("word_embedding: AdaGrad keeps a sum of squared gradients a row, and steps by it") {
  const auto objective = embedding();
  OnePair pair;
  const OnePair before = pair;
  const double q = before.squared_sum();
  const double gradient = 4 * std::exp(0.5) * (q - 1) * std::sqrt(q);
  pair.sums[kRank] = static_cast<float>(3 * gradient * gradient);
  pair.step(*objective, {.rule = Rule::kAdagrad, .size = 1e-3F, .rows = 1e30});
  CHECK(pair.sums[0] == doctest::Approx(gradient * gradient));
  CHECK(pair.sums[kRank] == doctest::Approx(4 * gradient * gradient));
  const double moved = before.weights[2] - pair.weights[2];
  CHECK(before.weights[5] - pair.weights[5] == doctest::Approx(moved / 2).epsilon(0.01));
  CHECK(moved ==
        doctest::Approx(1e-3 * (before.weights[2] + before.weights[5]) / std::sqrt(q)).epsilon(0.02));
}

TEST_CASE("word_embedding: L2 is a scale for SGD, and n / degree times a step for AdaGrad") {
  const auto objective = embedding();
  OnePair plain;
  OnePair shrunk;
  const Step step{.rule = Rule::kAdagrad, .size = 0.01F, .rows = 1e30};
  Step with_l2 = step;
  with_l2.l2 = 0.5;
  plain.step(*objective, step);
  shrunk.step(*objective, with_l2);
  const float size = 0.01F / std::sqrt(plain.sums[0]);
  CHECK(shrunk.weights[0] == doctest::Approx(plain.weights[0] / (1 + size * 2 * 0.5F)));

  OnePair scaled;
  OnePair whole;
  for (float& w : scaled.weights) w *= 2;
  scaled.step(*objective, {.size = 1e-3F, .scale = 0.5, .shrink = 0.9, .rows = 1e30});
  const OnePair before = whole;
  whole.step(*objective, {.size = 1e-3F, .rows = 1e30});
  for (std::size_t k = 0; k < 2 * kRank; ++k)
    CHECK(0.45 * scaled.weights[k] ==
          doctest::Approx(0.9 * before.weights[k] + whole.weights[k] - before.weights[k]));
}

TEST_CASE("word_embedding: a weight of zero moves nothing") {
  for (const Rule rule : {Rule::kSgd, Rule::kAdagrad}) {
    OnePair pair;
    pair.weight = 0;
    const OnePair before = pair;
    pair.step(*embedding(), {.rule = rule, .size = 1});
    CHECK((pair.weights == before.weights && pair.constant == before.constant && pair.sums == before.sums));
  }
}

TEST_CASE("word_embedding: contended runs find the vectors that made the counts") {
  const Dataset data = planted(40, 4);
  for (const Rule rule : {Rule::kSgd, Rule::kAdagrad}) {
    for (const std::size_t threads : kThreadSweep) {
      CAPTURE(name_of(rule));
      CAPTURE(threads);
      const auto objective = embedding(6);
      const Trained trained = train(data, *objective, options_for(rule, threads));
      CHECK(trained.report.objective < 0.05);
      CHECK(trained.report.rollbacks == 0);
      CHECK(evaluate(trained.model, *objective, data).loss ==
            doctest::Approx(trained.report.objective).epsilon(1e-3));
    }
  }
}

TEST_CASE("word_embedding: weights of samples count, a factor of all of them does not") {
  const Dataset data = planted(12, 2);
  double objectives[3];
  for (int k = 0; k < 3; ++k) {
    Dataset::Columns parts{.offsets = {data.offsets().begin(), data.offsets().end()},
                           .indices = {data.indices().begin(), data.indices().end()},
                           .values = {data.values().begin(), data.values().end()},
                           .labels = {data.labels().begin(), data.labels().end()},
                           .weights = std::vector<float>(data.rows(), k == 0 ? 1.0F : 8.0F)};
    if (k == 2) parts.weights[3] = 0;
    Options options = options_for(Rule::kAdagrad, 1);
    options.epochs = 3;
    objectives[k] = train(Dataset(12, std::move(parts)), *embedding(), options).report.objective;
  }
  CHECK(objectives[1] == doctest::Approx(objectives[0]).epsilon(1e-4));
  CHECK(objectives[2] != doctest::Approx(objectives[0]).epsilon(1e-4));
}

TEST_CASE("word_embedding: reproducible, the same bits on any number of threads") {
  const Dataset data = planted(40, 4);
  for (const Rule rule : {Rule::kSgd, Rule::kAdagrad}) {
    std::vector<float> first;
    for (const std::size_t threads : kThreadSweep) {
      CAPTURE(threads);
      Options options = options_for(rule, threads);
      options.discipline = Discipline::kReproducible;
      options.epochs = 5;
      Model model = train(data, *embedding(6), options).model;
      model.weights.insert(model.weights.end(), model.bias.begin(), model.bias.end());
      if (first.empty()) first = model.weights;
      CHECK(std::memcmp(first.data(), model.weights.data(), first.size() * sizeof(float)) == 0);
    }
  }
}

TEST_CASE("word_embedding: refuses parameters out of range") {
  const struct {
    const char* name;
    double value;
    const char* error;
  } cases[] = {{"rank", 0, "rank = 0: must be a whole number from 1 to 4096"},
               {"rank", 2.5, "rank = 2.5: must be a whole number from 1 to 4096"},
               {"rank", 4097, "rank = 4097: must be a whole number from 1 to 4096"},
               {"most_weight", 0, "most_weight = 0: must be > 0 and a finite float"},
               {"most_weight", std::nan(""), "most_weight = nan: must be > 0 and a finite float"}};
  for (const auto& [name, value, error] : cases) {
    CAPTURE(error);
    CHECK(input_error_of([&] { make_objective("word_embedding", {{name, value}}); }) == error);
  }
}
