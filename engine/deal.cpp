#include "engine/deal.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "io/random.h"

namespace sounder {
namespace {

Deal cut(std::vector<std::uint32_t> order, std::size_t block_rows) {
  Deal deal{std::move(order), {}};
  for (std::size_t end = 0; end < deal.order.size();) {
    end = std::min(end + block_rows, deal.order.size());
    deal.ends.push_back(end);
  }
  return deal;
}

// The rows of each of `groups` x `groups` tiles, in the order that they had; coordinates are put into groups of about
// the same size at random. A counting sort.
Deal tile(const Dataset& data, std::span<const std::uint32_t> order, std::size_t groups, std::uint64_t seed) {
  const std::vector<std::uint32_t> places = shuffled_rows(data.dimension(), seed);
  const auto group = [&](Coordinate c) { return std::size_t{places[c]} * groups / places.size(); };
  const auto tile_of = [&](std::uint32_t row) {
    const auto support = data.row(row).support;
    return group(support[0]) * groups + group(support[1]);
  };
  Deal deal{std::vector<std::uint32_t>(order.size()), std::vector<std::size_t>(groups * groups + 1)};
  for (const std::uint32_t row : order) ++deal.ends[tile_of(row) + 1];
  std::partial_sum(deal.ends.begin(), deal.ends.end(), deal.ends.begin());
  for (const std::uint32_t row : order) deal.order[deal.ends[tile_of(row)]++] = row;
  deal.ends.pop_back();
  deal.ends.erase(std::ranges::unique(deal.ends).begin(), deal.ends.end());  // no empty tiles
  if (deal.ends.front() == 0) deal.ends.erase(deal.ends.begin());
  return deal;
}

}  // namespace

std::span<const std::uint32_t> Deal::rows(std::size_t block) const {
  const std::size_t begin = block == 0 ? 0 : ends[block - 1];
  return std::span(order).subspan(begin, ends[block] - begin);
}

std::vector<std::uint32_t> shuffled_rows(std::size_t rows, std::uint64_t seed) {
  std::vector<std::uint32_t> order(rows);
  std::iota(order.begin(), order.end(), 0U);
  Random random(seed);
  shuffle(std::span(order), random);
  return order;
}

Deal deal_rows(const Dataset& data, Grouping grouping, std::size_t block_rows, std::uint64_t seed) {
  std::vector<std::uint32_t> order = shuffled_rows(data.rows(), seed);
  if (grouping == Grouping::kRandom) return cut(std::move(order), block_rows);
  if (grouping == Grouping::kInOrder) {
    std::ranges::sort(order);
    return cut(std::move(order), block_rows);
  }
  const double tiles = static_cast<double>(data.rows()) / static_cast<double>(block_rows);
  return tile(data, order, static_cast<std::size_t>(std::ceil(std::sqrt(tiles))), seed + 1);
}

}  // namespace sounder
