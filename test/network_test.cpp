#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "engine/evaluate.h"
#include "engine/train.h"
#include "io/random.h"
#include "test/many_classes.h"
#include "test/support.h"

using namespace sounder;
using namespace sounder::test;

namespace {

// Points around 0 of the plane, a third coordinate being 1; the class is the sign of the product, which no
// linear model tells.
Dataset checkerboard(std::size_t rows, std::uint64_t seed) {
  Random random(seed);
  Dataset::Columns parts;
  for (std::size_t i = 0; i < rows; ++i) {
    const auto x = static_cast<float>(random.gaussian());
    const auto y = static_cast<float>(random.gaussian());
    parts.indices.insert(parts.indices.end(), {0, 1, 2});
    parts.values.insert(parts.values.end(), {x, y, 1});
    parts.offsets.push_back(parts.indices.size());
    parts.labels.push_back(x * y > 0 ? 1.0F : 0.0F);
  }
  return Dataset(3, std::move(parts));
}

Options options_for(std::size_t threads) {
  Options options = with_threads(threads);
  options.l2 = 0;
  options.epochs = 40;
  return options;
}

}  // namespace

TEST_CASE("network: loss and hits at a point worked out by hand") {
  const auto network = make_objective("network", {{"classes", 2}, {"hidden", 2}});
  REQUIRE(network->shape().common == 4);
  const Dataset one(1, {{0, 1}, {0}, {2}, {1}, {}});
  // Hidden bias, two rows of output weights, output biases; hidden: max(0, 2 (1, -1) + (0.5, 0.5)) = (2.5,
  // 0).
  const float common[] = {0.5F, 0.5F, 1, 7, 2, 9, 0.25F, -0.25F};
  const float weights[] = {1, -1};
  const ConstWeights local{.weights = weights, .bias = common, .stride = 2};
  const Evaluation sum = network->evaluate(samples_of(one, 0, 1), local);
  CHECK(sum.loss == doctest::Approx(std::log1p(std::exp(2.75 - 4.75))));
  CHECK(sum.hits == 1);
  float prediction = -1;
  network->predict(samples_of(one, 0, 1), local, {&prediction, 1});
  CHECK(prediction == 1);
}

TEST_CASE("network: a small step goes along the finite differences of the loss") {
  for (const double classes : {2, 4, 9}) {  // output biases in one row, and in more
    for (const std::uint64_t seed : {5, 6, 7}) {
      CAPTURE(classes);
      CAPTURE(seed);
      check_gradient(*make_objective("network", {{"classes", classes}, {"hidden", 4}}), {.seed = seed});
    }
  }
}

TEST_CASE("network: training starts from random weights, the biases zero") {
  const Dataset data = checkerboard(50, 1);
  const auto network = make_objective("network", {{"hidden", 8}})->fitted(data);
  REQUIRE(network->width() == 8);
  const auto all_zero = [&](std::size_t coordinate) {
    std::vector<float> weights(8);
    Random random(coordinate);
    network->start(coordinate, weights, random);
    return std::ranges::count(weights, 0.0F) == 8;
  };
  for (const std::size_t coordinate : {0, 1, 2, 4, 5}) CHECK(!all_zero(coordinate));
  for (const std::size_t coordinate : {3, 6}) CHECK(all_zero(coordinate));
}

TEST_CASE("network: inputs whose squares no float holds have a start and a step as well") {
  const Dataset data(1, {{0, 1, 2}, {0, 0}, {1e25F, 2e25F}, {0, 1}, {}});
  const auto network = make_objective("network", {{"hidden", 1}})->fitted(data);
  CHECK(network->pace(Rule::kSgd)->step == doctest::Approx(2 / 2.5e50));
  float weight = 0;
  Random random(1);
  network->start(0, {&weight, 1}, random);
  CHECK(weight != 0);
}

TEST_CASE("network: refuses inputs that are too small to learn from, but not inputs of zeros") {
  const auto network = make_objective("network", {{"hidden", 4}});
  const auto error_of = [&](float scale) {
    const Dataset data = checkerboard(100, 5).with_columns_times(std::vector<float>(3, scale));
    return input_error_of([&] { network->fitted(data); });
  };
  for (const float scale : {0.0F, 1e-3F, 1.0F, 1e18F}) CHECK(error_of(scale).empty());
  for (const float scale : {1e-4F, 1e-15F, 1e-38F})
    CHECK(error_of(scale).starts_with("the mean |x|^2 of the samples is "));
}

TEST_CASE("network: many threads on three coordinates learn what no linear model can") {
  const Dataset data = checkerboard(2000, 2);
  const Dataset test = checkerboard(1000, 3);
  CHECK(*train(data, *make_objective("softmax"), options_for(1)).report.training.accuracy < 0.6);
  for (const std::size_t threads : kThreadSweep) {
    CAPTURE(threads);
    const Trained trained = train(data, *make_objective("network", {{"hidden", 32}}), options_for(threads));
    const auto network = make_objective("network", trained.model.parameters);
    CHECK(trained.report.outcome == Outcome::kEpochLimit);
    if (threads == 1)
      CHECK(trained.report.rollbacks == 0);  // stale steps on three dense coordinates may overshoot
    CHECK(*evaluate(trained.model, *network, test).accuracy > 0.96);
  }
}

TEST_CASE("network: reproducible gives the same bits for any number of threads") {
  check_reproducible("network", many_classes(300, 12, 4, 8));
}

TEST_CASE("network: l2 shrinks what the inputs weigh") {
  const Dataset data = checkerboard(500, 4);
  const auto length = [&](double l2) {
    Options options = options_for(1);
    options.l2 = l2;
    double sum = 0;
    for (const float w : train(data, *make_objective("network", {{"hidden", 8}}), options).model.weights)
      sum += w * w;
    return sum;
  };
  CHECK(length(1e-2) < 0.7 * length(0));
}

TEST_CASE("network: refuses hidden layers of an impossible size") {
  for (const double hidden : {0.0, -1.0, 2.5, 1e9, std::nan("")}) {
    CAPTURE(hidden);
    const std::string error = input_error_of([&] { make_objective("network", {{"hidden", hidden}}); });
    CHECK(error.starts_with("hidden = "));
  }
}
