#include "io/sample_weights.h"

#include <doctest/doctest.h>

#include <vector>

#include "engine/train.h"
#include "io/synthetic.h"
#include "test/support.h"

namespace sounder {
namespace {

using Weights = std::vector<float>;

// One empty row a label.
Dataset with(const std::vector<float>& labels) {
  return Dataset(1, {std::vector<std::uint64_t>(labels.size() + 1), {}, {}, labels, {}});
}

Weights weights_of(const Dataset& data) {
  return {data.weights().begin(), data.weights().end()};
}

Weights read(std::string_view text, std::size_t samples) {
  const test::TempDir directory;
  test::write_file(directory / "weights", text);
  return read_weights(directory / "weights", samples);
}

}  // namespace

TEST_CASE("sample weights: of classes, by their labels") {
  const Dataset data = with({1, 2, 2, 8});
  CHECK(weights_of(weigh_classes(data, {.of = {{2, 3}}}, "x")) == Weights{1, 3, 3, 1});
  CHECK(weights_of(weigh_classes(data, {.of = {{8, 7}, {1, 0.5}}}, "x")) == Weights{0.5F, 1, 1, 7});
}

TEST_CASE("sample weights: balanced classes weigh the same in all, and together as many samples") {
  CHECK(weights_of(weigh_classes(with({-1, 1, 1, 1}), {.balanced = true}, "x")) ==
        Weights{2, 2 / 3.0F, 2 / 3.0F, 2 / 3.0F});
  CHECK(weights_of(weigh_classes(with({0, 1, 1, 2, 2, 2}), {.balanced = true}, "x")) ==
        Weights{2, 1, 1, 2 / 3.0F, 2 / 3.0F, 2 / 3.0F});
}

TEST_CASE("sample weights: of classes come on top of those of samples") {
  const Dataset data = with({1, 2, 2, 2}).with_weights({1, 2, 0, 4});
  CHECK(weights_of(weigh_classes(data, {.of = {{2, 3}}}, "x")) == Weights{1, 6, 0, 12});
  CHECK(weights_of(weigh_classes(data, {.balanced = true}, "x")) == Weights{3.5F, 7 / 6.0F, 0, 7 / 3.0F});
  const Dataset none = with({-1, 1}).with_weights({0, 3});
  CHECK(weights_of(weigh_classes(none, {.balanced = true}, "x")) == Weights{0, 1.5F});
}

TEST_CASE("sample weights: what is no class, or no weight, is refused") {
  const auto refusal = [](const ClassWeight& weight) {
    return test::input_error_of([&] { weigh_classes(with({1, 2}), {.of = {weight}}, "x.svm"); });
  };
  CHECK(refusal({-1, 2}) == "x.svm: found no class -1 to weigh, expected one of 1, 2");
  CHECK(refusal({1, 0}) == "x.svm: the class 1 has weight 0, expected one above 0");
  CHECK(refusal({1, 1e39}) ==
        "x.svm: found a weight of 1e+39 for a sample of the class 1, expected one within the range of float");
  CHECK(refusal({2, 1e-60}) ==
        "x.svm: found a weight of 1e-60 for a sample of the class 2, expected one within the range of float");
}

TEST_CASE("sample weights: are described as they are given") {
  CHECK(describe({.balanced = true}) == "balanced");
  CHECK(describe({.of = {{2, 3}, {-1, 0.5}}}) == "2:3,-1:0.5");
}

TEST_CASE("sample weights: a number a line") {
  CHECK(read("1\n0.5\r\n\n  2e1 \n0", 4) == Weights{1, 0.5F, 20, 0});
  const auto refusal = [](std::string_view text, std::size_t samples) {
    const std::string message = test::input_error_of([&] { read(text, samples); });
    return message.substr(message.find("/weights") + 8);
  };
  CHECK(refusal("1\n2\n", 3) == ": found 2 weights, expected one for each of 3 samples");
  CHECK(refusal("1\n\nx\n", 2) ==
        ":3: found \"x\", expected a weight, a number >= 0 within the range of float");
  CHECK(refusal("-1\n", 1) == ":1: found \"-1\", expected a weight, a number >= 0 within the range of float");
  CHECK(refusal("1e99\n", 1) ==
        ":1: found \"1e99\", expected a weight, a number >= 0 within the range of float");
  CHECK(refusal("1 2\n", 1) ==
        ":1: found \"1 2\", expected a weight, a number >= 0 within the range of float");
  CHECK(refusal("0\n0\n", 2) == ": found no weight above 0, expected one at least");
  CHECK(refusal("", 2) == ": found 0 weights, expected one for each of 2 samples");
}

TEST_CASE("sample weights: a weight of -0 is one of 0") {
  const Dataset data = generate({.rows = 200, .columns = 50, .nonzeros_per_row = 10});
  std::vector<float> weights(200, 1);
  const auto objective_with = [&](float weight) {
    weights[11] = weight;
    return train(data.with_weights(weights), *make_objective("hinge"), test::with_threads(1))
        .report.objective;
  };
  CHECK(objective_with(-0.0F) == objective_with(0.0F));
}

}  // namespace sounder
