#include "engine/theory.h"

#include <doctest/doctest.h>

#include <cmath>

namespace sounder {
namespace {

TEST_CASE("theory: the safe staleness is half the inverse of the chance of a conflict") {
  CHECK(safe_staleness(0.001) == doctest::Approx(500));
  CHECK(std::isinf(safe_staleness(0)));
}

TEST_CASE("theory: inflation is 1 + 8 tau D/n + 4 gamma m tau + 16 gamma m tau^2 D/n") {
  struct Case {
    double tau, chance, contraction, inflation;
  };
  constexpr Case kCases[] = {
      {0, 1, 1, 1}, {10, 0, 0, 1}, {10, 0.01, 0, 1.8}, {10, 0, 0.001, 1.04}, {10, 0.01, 0.001, 1.856}};
  for (const auto& [tau, chance, contraction, inflation] : kCases) {
    CAPTURE(tau);
    CAPTURE(chance);
    CAPTURE(contraction);
    CHECK(predicted_inflation(tau, chance, contraction) == doctest::Approx(inflation));
  }
}

TEST_CASE("theory: at the safe staleness, two alignment terms are four times the gradient's own noise") {
  CHECK(2 * alignment_noise_bound(safe_staleness(0.02), 0.02) == doctest::Approx(4));
}

}  // namespace
}  // namespace sounder
