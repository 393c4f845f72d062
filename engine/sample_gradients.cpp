#include "engine/sample_gradients.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "engine/arena.h"
#include "io/random.h"

namespace sounder {
namespace {

constexpr std::size_t kPairs = 8192;

}  // namespace

double dot(const SampleGradient& a, const SampleGradient& b) {
  const std::size_t floats = a.support.empty() ? 0 : a.values.size() / a.support.size();
  double sum = 0;
  for (std::size_t i = 0, j = 0; i < a.support.size() && j < b.support.size();) {
    if (a.support[i] == b.support[j]) {
      const auto from = a.values.begin() + static_cast<std::ptrdiff_t>(i * floats);
      const auto other = b.values.begin() + static_cast<std::ptrdiff_t>(j * floats);
      sum += std::inner_product(from, from + static_cast<std::ptrdiff_t>(floats), other, 0.0);
    }
    const bool forward = a.support[i] <= b.support[j];
    j += b.support[j] <= a.support[i] ? 1 : 0;
    i += forward ? 1 : 0;
  }
  return sum;
}

double squared_norm(const SampleGradient& gradient) {
  return std::inner_product(gradient.values.begin(), gradient.values.end(), gradient.values.begin(), 0.0);
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
  const std::size_t floats = layout_.cell_floats();
  std::vector<float> before;
  for (const Cell cell : block.support) {
    const auto from = weights_.subspan(cell * floats, floats);
    before.insert(before.end(), from.begin(), from.end());
  }
  std::vector<float> after = before;
  objective_.step(block.samples(), layout_.local(after.data()), {.size = static_cast<float>(step_)});
  std::transform(after.begin(), after.end(), before.begin(), after.begin(),
                 [&](float now, float then) { return (then - now) / static_cast<float>(step_); });
  return {std::vector<Cell>(block.support.begin(), block.support.end()), std::move(after)};
}

Estimate weighted_conflict_chance(const SampleGradients& gradients, const ConflictDraws& conflicts,
                                  std::size_t rows, std::uint64_t seed, Arena& arena) {
  Random random(seed);
  std::vector<std::uint32_t> some(std::min(kPairs, rows));
  for (std::uint32_t& row : some) row = static_cast<std::uint32_t>(random.below(rows));
  std::vector<double> squares(some.size());
  arena.parallel_for(some.size(), [&](std::size_t i) { squares[i] = squared_norm(gradients.of(some[i])); });
  const double square =
      std::accumulate(squares.begin(), squares.end(), 0.0) / static_cast<double>(squares.size());
  if (square == 0 || conflicts.draws.empty()) return {};

  std::vector<double> products(std::min(kPairs, conflicts.draws.size()));
  arena.parallel_for(products.size(), [&](std::size_t i) {
    const Conflict& pair = conflicts.draws[i];
    products[i] = std::fabs(dot(gradients.of(pair.first), gradients.of(pair.second)));
  });
  const auto n = static_cast<double>(rows);
  return conflicts.sum(products) * (1 / (n * (n - 1) * square));
}

}  // namespace sounder
