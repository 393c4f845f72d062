#include "engine/deal.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "io/random.h"

namespace sounder {
namespace {

// Rows of two coordinates, a matrix: which of them are the first ones and which the second ones.
struct Sides {
  explicit Sides(const Dataset& data) {
    for (std::size_t i = 0; i < data.rows(); ++i) {
      const auto support = data.row(i).support;
      first_end = std::max<std::size_t>(first_end, std::size_t{support[0]} + 1);
      second_begin = std::min<std::size_t>(second_begin, support[1]);
      second_end = std::max<std::size_t>(second_end, std::size_t{support[1]} + 1);
    }
  }
  std::size_t first() const { return first_end; }
  std::size_t second() const { return second_end - second_begin; }

  std::size_t first_end = 0;
  std::size_t second_begin = std::numeric_limits<std::size_t>::max();
  std::size_t second_end = 0;
};

// Into how many groups each side goes: as many coordinates in the one as in the other, which is where tiles of so many
// rows touch the fewest.
struct Grid {
  Grid(const Sides& sides, double tiles) {
    const auto first = static_cast<double>(sides.first());
    const auto second = static_cast<double>(sides.second());
    first_groups = std::clamp(std::round(std::sqrt(tiles * first / second)), 1.0, first);
    second_groups = std::clamp(std::ceil(tiles / first_groups), 1.0, second);
  }
  double coordinates(const Sides& sides) const {
    return static_cast<double>(sides.first()) / first_groups +
           static_cast<double>(sides.second()) / second_groups;
  }

  double first_groups;
  double second_groups;
};

// The group of each coordinate of one side, at random, all of about the same size.
std::vector<std::uint32_t> groups_of(std::size_t coordinates, double groups, std::uint64_t seed) {
  std::vector<std::uint32_t> group = shuffled_rows(coordinates, seed);
  const double share = groups / static_cast<double>(coordinates);
  for (std::uint32_t& place : group) place = static_cast<std::uint32_t>(place * share);
  return group;
}

// Sorts the rows by tile, a counting sort, and shuffles each tile: samples of one coordinate that stand side by side
// wait for each other.
Deal tile(const Dataset& data, double tiles, std::uint64_t seed) {
  const Sides sides(data);
  const Grid grid(sides, tiles);
  const auto rows = groups_of(sides.first(), grid.first_groups, seed);
  const auto columns = groups_of(sides.second(), grid.second_groups, seed + 1);
  const auto width = static_cast<std::size_t>(grid.second_groups);
  const auto tile_of = [&](std::size_t row) {
    const auto support = data.row(row).support;
    return rows[support[0]] * width + columns[support[1] - sides.second_begin];
  };
  Deal deal{std::vector<std::uint32_t>(data.rows()),
            std::vector<std::size_t>(static_cast<std::size_t>(grid.first_groups) * width + 1)};
  for (std::size_t row = 0; row < data.rows(); ++row) ++deal.ends[tile_of(row) + 1];
  std::partial_sum(deal.ends.begin(), deal.ends.end(), deal.ends.begin());
  for (std::size_t row = 0; row < data.rows(); ++row)
    deal.order[deal.ends[tile_of(row)]++] = static_cast<std::uint32_t>(row);
  deal.ends.pop_back();
  deal.ends.erase(std::unique(deal.ends.begin(), deal.ends.end()), deal.ends.end());  // no empty tiles
  if (deal.ends.front() == 0) deal.ends.erase(deal.ends.begin());
  Random random(seed + 2);
  for (std::size_t block = 0; block < deal.blocks(); ++block) {
    const std::size_t begin = block == 0 ? 0 : deal.ends[block - 1];
    shuffle(std::span(deal.order).subspan(begin, deal.ends[block] - begin), random);
  }
  return deal;
}

}  // namespace

Deal cut(std::vector<std::uint32_t> order, std::size_t block_rows) {
  Deal deal{std::move(order), {}};
  for (std::size_t end = 0; end < deal.order.size();) {
    end = std::min(end + block_rows, deal.order.size());
    deal.ends.push_back(end);
  }
  return deal;
}

std::span<const std::uint32_t> Deal::rows(std::size_t block) const {
  const std::size_t begin = block == 0 ? 0 : ends[block - 1];
  return std::span(order).subspan(begin, ends[block] - begin);
}

std::vector<std::uint32_t> drawn_rows(std::size_t rows, std::size_t count, std::uint64_t seed) {
  std::vector<std::uint32_t> order(rows);
  std::iota(order.begin(), order.end(), 0U);
  Random random(seed);
  draw_some(std::span(order), count, random);
  order.resize(count);
  return order;
}

std::vector<std::uint32_t> shuffled_rows(std::size_t rows, std::uint64_t seed) {
  return drawn_rows(rows, rows, seed);
}

Deal deal_rows(const Dataset& data, Grouping grouping, std::size_t block_rows, std::uint64_t seed) {
  if (grouping == Grouping::kTiles && block_rows > 1)
    return tile(data, static_cast<double>(data.rows()) / static_cast<double>(block_rows), seed);
  std::vector<std::uint32_t> order = shuffled_rows(data.rows(), seed);
  if (grouping == Grouping::kInOrder) std::ranges::sort(order);
  return cut(std::move(order), block_rows);
}

std::size_t tiles_within(const Dataset& data, std::size_t least, double coordinates) {
  constexpr double kFiner = 1.1;
  const Sides sides(data);
  const auto most = static_cast<double>(data.rows());
  auto tiles = static_cast<double>(least);
  while (tiles < most && Grid(sides, tiles).coordinates(sides) > coordinates) tiles *= kFiner;
  return static_cast<std::size_t>(std::min(tiles, most));
}

}  // namespace sounder
