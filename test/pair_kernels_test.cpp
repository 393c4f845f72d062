// Steps against finite differences of the formula, written down a second time in double.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <vector>

#include "io/random.h"
#include "objectives/pair_kernels.h"

using namespace sounder;

namespace {

constexpr std::size_t kRanks[] = {1, 3, 8, 9, 16, 20, 32, 33, 64, 100};
constexpr PairLoss kLosses[] = {PairLoss::kSquared, PairLoss::kLogistic, PairLoss::kKullbackLeibler};

double loss(PairLoss kind, double z, double y) {
  if (kind == PairLoss::kSquared) return (z - y) * (z - y) / 2;
  if (kind == PairLoss::kLogistic) return std::log1p(std::exp(-y * z));
  return y * std::log(y / z) - y + z;
}

// Two rows, the second sample row first in the array, with room for a sum behind each.
struct Rows {
  Rows(std::size_t rank_, bool biases) : rank(rank_) {
    step.width = (rank + kPairLanes - 1) / kPairLanes * kPairLanes;
    step.biases = biases;
    step.mean = 0.25F;
    stride = step.width + 2;
    values.resize(2 * stride);
    Random random(rank);
    for (std::size_t k = 0; k < values.size(); ++k) {
      if (is_parameter(k)) values[k] = static_cast<float>(0.1 + 0.4 * random.uniform());
    }
  }

  bool is_parameter(std::size_t k) const { return k % stride < rank || is_bias(k); }
  bool is_bias(std::size_t k) const { return step.biases && k % stride == step.width; }

  double objective(const std::vector<double>& w, float label, double weight) const {
    double z = step.mean;
    double penalty = 0;
    for (std::size_t k = 0; k < rank; ++k) z += w[k] * w[stride + k];
    for (std::size_t k = 0; k < w.size(); ++k) {
      if (!is_parameter(k)) continue;
      if (is_bias(k)) z += w[k];
      penalty += (is_bias(k) ? step.bias_l2 : step.l2) / 2.0 * w[k] * w[k];
    }
    return weight * loss(step.loss, z, label) + penalty;
  }
  double slope(std::size_t k, float label, double weight) const {
    constexpr double kMove = 1e-5;
    std::vector<double> up(values.begin(), values.end());
    std::vector<double> down = up;
    up[k] += kMove;
    down[k] -= kMove;
    return (objective(up, label, weight) - objective(down, label, weight)) / (2 * kMove);
  }

  template <class Position>
  std::vector<float> stepped(float label, float weight) const {
    const Position positions[] = {static_cast<Position>(stride), 0};
    std::vector<float> after = values;
    pair_kernels<Position>().step({1, positions, &label, weight == 1 ? nullptr : &weight}, step,
                                  after.data());
    return after;
  }

  std::size_t rank;
  std::size_t stride = 0;
  PairStep step;
  std::vector<float> values;
};

// The slope of KL is taken after the step, so steps are short.
void check_step(Rows& rows, PairLoss kind, float weight) {
  rows.step.loss = kind;
  rows.step.size = 0x1p-12F;
  rows.step.bias_size = 0x1p-13F;
  rows.step.l2 = 0.3F;
  rows.step.bias_l2 = 0.1F;
  const float label = kind == PairLoss::kLogistic ? -1 : 2;
  const std::vector<float> after = rows.stepped<std::uint32_t>(label, weight);
  CHECK(after == rows.stepped<std::uint16_t>(label, weight));
  for (std::size_t k = 0; k < after.size(); ++k) {
    CAPTURE(k);
    if (!rows.is_parameter(k)) {
      CHECK(after[k] == 0);
      continue;
    }
    const double size = rows.is_bias(k) ? rows.step.bias_size : rows.step.size;
    const double moved = (double{after[k]} - rows.values[k]) / size;
    CHECK(moved == doctest::Approx(-rows.slope(k, label, weight)).epsilon(0.01).scale(0.5));
  }
}

}  // namespace

TEST_CASE("pair kernels: a step goes down the gradient, whatever the rank") {
  for (const PairLoss kind : kLosses) {
    for (const std::size_t rank : kRanks) {
      for (const bool biases : {false, true}) {
        for (const float weight : {1.0F, 2.5F}) {
          CAPTURE(static_cast<int>(kind));
          CAPTURE(rank);
          CAPTURE(biases);
          CAPTURE(weight);
          Rows rows(rank, biases);
          check_step(rows, kind, weight);
        }
      }
    }
  }
}

TEST_CASE("pair kernels: a sample of weight zero moves nothing, not even towards zero") {
  Rows rows(20, true);
  rows.step.size = rows.step.bias_size = 0.1F;
  rows.step.l2 = rows.step.bias_l2 = 1;
  CHECK(rows.stepped<std::uint32_t>(2, 0) == rows.values);
}

TEST_CASE("pair kernels: no weight falls below the floor, biases may") {
  for (const PairLoss kind : kLosses) {
    CAPTURE(static_cast<int>(kind));
    Rows rows(12, true);
    rows.step.loss = kind;
    rows.step.size = rows.step.bias_size = 100;
    rows.step.floor = 0;
    const std::vector<float> after = rows.stepped<std::uint32_t>(kind == PairLoss::kLogistic ? -1 : 0, 1);
    for (std::size_t k = 0; k < after.size(); ++k) CHECK((after[k] >= 0 || rows.is_bias(k)));
    CHECK(after[rows.step.width] < 0);
  }
}

TEST_CASE("pair kernels: AdaGrad sums squared gradients, and steps by them") {
  for (const std::size_t rank : kRanks) {
    CAPTURE(rank);
    Rows rows(rank, true);
    rows.step.size = 0x1p-12F;
    rows.step.l2 = 0.3F;
    rows.step.state = rows.step.width + 1;
    rows.step.state_unit = 0.5F;
    rows.values[rows.step.state] = 3;  // of the right row: steps are half as long
    const std::vector<float> after = rows.stepped<std::uint32_t>(2, 1);
    for (const std::size_t row : {std::size_t{0}, rows.stride}) {
      double squared = 0;
      for (std::size_t k = row; k < row + rank; ++k) {
        const double slope = rows.slope(k, 2, 1);
        squared += slope * slope;
        const double size = rows.step.size / (row == 0 ? 2.0 : 1.0);
        CHECK((double{after[k]} - rows.values[k]) / size == doctest::Approx(-slope).epsilon(0.01).scale(0.5));
      }
      const std::size_t sum = row + rows.step.state;
      CHECK(double{after[sum]} - rows.values[sum] == doctest::Approx(squared / 2).epsilon(1e-3));
    }
  }
}

TEST_CASE("pair kernels: a long step on the Kullback-Leibler divergence does not overshoot") {
  for (const float label : {0.0F, 0.5F, 5.0F, 1000.0F}) {
    for (const float size : {0.01F, 1.0F, 1e4F}) {
      CAPTURE(label);
      CAPTURE(size);
      Rows rows(8, false);
      rows.step.mean = 0;
      rows.step.loss = PairLoss::kKullbackLeibler;
      rows.step.floor = 0;
      rows.step.size = size;
      for (const float weight : rows.stepped<std::uint32_t>(label, 1)) {
        CHECK(std::isfinite(weight));
        CHECK(weight < 10 * std::sqrt(label) + 10);
      }
    }
  }
}

TEST_CASE("pair kernels: predictions are mean, biases and product") {
  for (const std::size_t rank : kRanks) {
    for (const bool biases : {false, true}) {
      CAPTURE(rank);
      const Rows rows(rank, biases);
      double expected = rows.step.mean;
      for (std::size_t k = 0; k < rank; ++k)
        expected += double{rows.values[k]} * rows.values[rows.stride + k];
      if (biases) expected += rows.values[rows.step.width] + rows.values[rows.stride + rows.step.width];
      const std::uint32_t positions[] = {static_cast<std::uint32_t>(rows.stride), 0};
      float out = 0;
      pair_kernels<std::uint32_t>().predict({1, positions}, rows.step, rows.values.data(), &out);
      CHECK(out == doctest::Approx(expected));
    }
  }
}
