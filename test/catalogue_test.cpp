#include "objectives/catalogue.h"

#include <doctest/doctest.h>

#include <cmath>
#include <string>

#include "test/support.h"

using namespace sounder;
using namespace sounder::test;

TEST_CASE("catalogue: every row makes an objective of its name") {
  for (const CatalogueRow& row : catalogue()) {
    CHECK(make_objective(row.name)->name() == row.name);
    CHECK(!row.help.empty());
  }
}

TEST_CASE("catalogue: huber takes its delta, and refuses one that is not positive") {
  const auto huber = make_objective("huber", {{"huber_delta", 0.5}});
  CHECK(huber->parameters().at("huber_delta") == 0.5);
  const Dataset one(1, {{0, 1}, {0}, {1}, {0}, {}});
  const float margin = 2;
  CHECK(huber->evaluate(samples_of(one, 0, 1), {.weights = &margin}).loss ==
        doctest::Approx(0.5 * (2 - 0.25)));
  for (const double delta : {0.0, -1.0, 1e-60, 1e60, std::nan("")}) {
    CAPTURE(delta);
    const std::string error = input_error_of([&] { make_objective("huber", {{"huber_delta", delta}}); });
    CHECK(error.starts_with("huber_delta = "));
  }
}

TEST_CASE("catalogue: quantiles and tubes take theirs") {
  const Dataset one(1, {{0, 1}, {0}, {1}, {0}, {}});
  const auto loss_at = [&](const char* name, const ObjectiveParameters& parameters, float margin) {
    return make_objective(name, parameters)->evaluate(samples_of(one, 0, 1), {.weights = &margin}).loss;
  };
  CHECK(loss_at("quantile", {{"quantile", 0.9}}, 2) == doctest::Approx(0.2));
  CHECK(loss_at("quantile", {{"quantile", 0.9}}, -2) == doctest::Approx(1.8));
  CHECK(loss_at("epsilon_insensitive", {{"epsilon", 0.5}}, -2) == doctest::Approx(1.5));
  CHECK(loss_at("epsilon_insensitive", {{"epsilon", 0}}, -2) == doctest::Approx(2));
  CHECK(loss_at("squared_epsilon_insensitive", {{"epsilon", 0.5}}, 2) == doctest::Approx(2.25));
  for (const double q : {0.0, 1.0, -0.5, 2.0, std::nan("")}) {
    CAPTURE(q);
    CHECK(input_error_of([&] { make_objective("quantile", {{"quantile", q}}); }).starts_with("quantile = "));
  }
  for (const char* name : {"epsilon_insensitive", "squared_epsilon_insensitive"})
    CHECK(input_error_of([&] {
            make_objective(name, {{"epsilon", -0.1}});
          }) == "epsilon = -0.1: must be a number from 0 to 1e+30");
}

TEST_CASE("catalogue: a parameter that the objective does not have is refused") {
  const std::string error = input_error_of([] { make_objective("hinge", {{"huber_delta", 1}}); });
  CHECK(error == "huber_delta = 1: is no parameter of the objective hinge");
}

TEST_CASE("catalogue: an unknown name is refused with the names there are") {
  const std::string error = input_error_of([] { make_objective("perceptron"); });
  CHECK(error.starts_with("objective = perceptron: must be one of "));
  for (const CatalogueRow& row : catalogue()) CHECK(error.find(row.name) != error.npos);
}
