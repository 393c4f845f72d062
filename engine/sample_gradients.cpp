#include "engine/sample_gradients.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <span>

#include "engine/arena.h"
#include "io/random.h"

namespace sounder {
namespace {

constexpr std::size_t kPairs = 8192;
constexpr std::size_t kSquares = std::size_t{1} << 16;

// In double: gradients go by labels and values, and no float holds the square of every float.
double product_sum(std::span<const float> a, std::span<const float> b) {
  return std::transform_reduce(a.begin(), a.end(), b.begin(), 0.0, std::plus(),
                               [](double x, double y) { return x * y; });
}

struct Mean {
  double value = 0;
  double deviation = 0;  // of the value from that of all rows, as it is to be expected
};

// Of |g|^2, over all rows or so many of them.
Mean mean_square(const SampleGradients& gradients, std::size_t rows, std::uint64_t seed, Arena& arena) {
  Random random(seed);
  std::vector<std::uint32_t> some(rows);
  std::iota(some.begin(), some.end(), 0U);
  if (rows > kSquares) draw_some(std::span(some), kSquares, random);
  some.resize(std::min(rows, kSquares));
  std::vector<double> squares(some.size());
  arena.parallel_for(some.size(), [&](std::size_t i) { squares[i] = squared_norm(gradients.of(some[i])); });
  const auto count = static_cast<double>(squares.size());
  Mean mean{.value = std::accumulate(squares.begin(), squares.end(), 0.0) / count};
  if (some.size() == rows) return mean;
  double variance = 0;
  for (const double square : squares) variance += (square - mean.value) * (square - mean.value) / (count - 1);
  mean.deviation = std::sqrt(variance / count * (1 - count / static_cast<double>(rows)));
  return mean;
}

// Of which both are known more or less, each by itself.
Estimate quotient(const Estimate& of, const Mean& by) {
  constexpr double kNormal = 1.96;  // deviations, 95 %
  const double value = of.value / by.value;
  const double wide = kNormal * by.deviation / by.value * value;
  return {.value = value,
          .lower = std::max(0.0, value - std::hypot(value - of.lower / by.value, wide)),
          .upper = value + std::hypot(of.upper / by.value - value, wide)};
}

}  // namespace

double dot(const SampleGradient& a, const SampleGradient& b) {
  const std::size_t floats = a.support.empty() ? 0 : a.values.size() / a.support.size();
  double sum = 0;
  for (std::size_t i = 0, j = 0; i < a.support.size() && j < b.support.size();) {
    if (a.support[i] == b.support[j]) {
      sum += product_sum(std::span(a.values).subspan(i * floats, floats),
                         std::span(b.values).subspan(j * floats, floats));
    }
    const bool forward = a.support[i] <= b.support[j];
    j += b.support[j] <= a.support[i] ? 1 : 0;
    i += forward ? 1 : 0;
  }
  return sum;
}

double squared_norm(const SampleGradient& gradient) {
  return product_sum(gradient.values, gradient.values);
}

SampleGradients::SampleGradients(const Dataset& data, const Layout& layout, std::span<const float> weights,
                                 const Objective& objective, double step)
    : maker_(data, layout, objective.memory(Rule::kSgd), objective.shape().pairs),
      layout_(layout),
      weights_(weights),
      objective_(objective),
      step_(step) {}

SampleGradient SampleGradients::of(std::uint32_t row) const {
  Block block = maker_.make(std::span(&row, 1));
  const std::vector<float> before = layout_.cells_of(weights_, block.support);
  std::vector<float> after = before;
  objective_.step(block.samples(), layout_.local(after.data()), {.size = static_cast<float>(step_)});
  std::transform(after.begin(), after.end(), before.begin(), after.begin(),
                 [&](float now, float then) { return (then - now) / static_cast<float>(step_); });
  // Pairs are drawn by the coordinates of the data that they share, so only these count.
  const std::size_t common = layout_.common();
  after.erase(after.begin(), after.begin() + static_cast<std::ptrdiff_t>(common * layout_.cell_floats()));
  return {std::vector<Cell>(block.support.begin() + static_cast<std::ptrdiff_t>(common), block.support.end()),
          std::move(after)};
}

Estimate weighted_conflict_chance(const SampleGradients& gradients, const ConflictDraws& conflicts,
                                  std::size_t rows, std::uint64_t seed, Arena& arena) {
  const Mean square = mean_square(gradients, rows, seed, arena);
  if (square.value == 0 || conflicts.draws.empty()) return {};

  std::vector<double> products(std::min(kPairs, conflicts.draws.size()));
  arena.parallel_for(products.size(), [&](std::size_t i) {
    const Conflict& pair = conflicts.draws[i];
    products[i] = std::fabs(dot(gradients.of(pair.first), gradients.of(pair.second)));
  });
  const auto n = static_cast<double>(rows);
  return quotient(conflicts.sum(products) * (1 / (n * (n - 1))), square);
}

}  // namespace sounder
