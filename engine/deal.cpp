#include "engine/deal.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

#include "engine/arena.h"
#include "io/counting_sort.h"
#include "io/random.h"

namespace sounder {
namespace {

// The coordinates of a row, where all rows have two.
struct Pair {
  Coordinate first;
  Coordinate second;
};
Pair pair_of(const Dataset& data, std::size_t row) {
  return {data.indices()[2 * row], data.indices()[2 * row + 1]};
}

// Rows of two coordinates, a matrix: which of them are the first ones and which the second ones.
struct Sides {
  std::size_t first_end = 0;
  std::size_t second_begin = std::numeric_limits<std::size_t>::max();
  std::size_t second_end = 0;

  std::size_t first() const { return first_end; }
  std::size_t second() const { return second_end - second_begin; }
  void add(const Sides& others) {
    first_end = std::max(first_end, others.first_end);
    second_begin = std::min(second_begin, others.second_begin);
    second_end = std::max(second_end, others.second_end);
  }
};

Sides sides_of(const Dataset& data) {
  constexpr std::size_t kLanes = 8;  // four pairs, so that one largest number does not wait for another
  std::vector<Sides> parts(static_cast<std::size_t>(threads_here()));
  parallel_for_here(parts.size(), [&](std::size_t p) {
    const Coordinate* at = data.indices().data() + 2 * (data.rows() * p / parts.size());
    const Coordinate* const end = data.indices().data() + 2 * (data.rows() * (p + 1) / parts.size());
    std::array<Coordinate, kLanes> least;
    std::array<Coordinate, kLanes> most{};
    least.fill(std::numeric_limits<Coordinate>::max());
    const auto take = [&](std::size_t lane, Coordinate c) {
      least[lane] = std::min(least[lane], c);
      most[lane] = std::max(most[lane], c);
    };
    for (; end - at >= std::ptrdiff_t{kLanes}; at += kLanes)
      for (std::size_t lane = 0; lane < kLanes; ++lane) take(lane, at[lane]);
    for (std::size_t lane = 0; at < end; ++at, ++lane) take(lane, *at);
    for (std::size_t lane = 0; lane < kLanes; lane += 2)
      parts[p].add({most[lane] + std::size_t{1}, least[lane + 1], most[lane + 1] + std::size_t{1}});
  });
  Sides all;
  for (const Sides& part : parts) all.add(part);
  return all;
}

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

// Which tile a row is in.
class Tiling {
 public:
  Tiling(const Dataset& data, double tiles, std::uint64_t seed) : data_(data), sides_(sides_of(data)) {
    const Grid grid(sides_, tiles);
    first_groups_ = groups_of(sides_.first(), grid.first_groups, seed);
    second_groups_ = groups_of(sides_.second(), grid.second_groups, seed + 1);
    width_ = static_cast<std::size_t>(grid.second_groups);
    count_ = static_cast<std::size_t>(grid.first_groups) * width_;
  }

  std::size_t count() const { return count_; }
  std::size_t operator()(std::size_t row) const {
    const auto [first, second] = pair_of(data_, row);
    return first_groups_[first] * width_ + second_groups_[second - sides_.second_begin];
  }

 private:
  const Dataset& data_;
  Sides sides_;
  std::vector<std::uint32_t> first_groups_;
  std::vector<std::uint32_t> second_groups_;
  std::size_t width_;
  std::size_t count_;
};

// Each tile is shuffled: samples of one coordinate that stand side by side wait for each other.
Deal tile(const Dataset& data, double tiles, std::uint64_t seed) {
  const Tiling tile_of(data, tiles, seed);
  Deal deal{std::vector<std::uint32_t>(data.rows()), {}};
  deal.ends = counting_sort(
      data.rows(), tile_of.count(), static_cast<std::size_t>(threads_here()), parallel_for_here, tile_of,
      [&](std::size_t row, std::size_t to) { deal.order[to] = static_cast<std::uint32_t>(row); });
  deal.ends.erase(std::unique(deal.ends.begin(), deal.ends.end()), deal.ends.end());  // no empty tiles
  if (deal.ends.front() == 0) deal.ends.erase(deal.ends.begin());
  parallel_for_here(deal.blocks(), [&](std::size_t block) {
    const std::size_t begin = deal.begin(block);
    Random random(seed + 2 + block);
    shuffle(std::span(deal.order).subspan(begin, deal.ends[block] - begin), random);
  });
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
  return std::span(order).subspan(begin(block), ends[block] - begin(block));
}

std::vector<std::uint32_t> rows_in_order(std::size_t rows) {
  std::vector<std::uint32_t> order(rows);
  std::iota(order.begin(), order.end(), 0U);
  return order;
}

std::vector<std::uint32_t> shuffled_rows(std::size_t rows, std::uint64_t seed) {
  std::vector<std::uint32_t> order = rows_in_order(rows);
  Random random(seed);
  shuffle(std::span(order), random);
  return order;
}

Deal deal_rows(const Dataset& data, Grouping grouping, std::size_t block_rows, std::uint64_t seed) {
  if (grouping == Grouping::kTiles && block_rows > 1)
    return tile(data, static_cast<double>(data.rows()) / static_cast<double>(block_rows), seed);
  const bool in_order = grouping == Grouping::kInOrder;
  return cut(in_order ? rows_in_order(data.rows()) : shuffled_rows(data.rows(), seed), block_rows);
}

std::size_t tiles_within(const Dataset& data, std::size_t least, double coordinates) {
  constexpr double kFiner = 1.1;
  const Sides sides = sides_of(data);
  const auto most = static_cast<double>(data.rows());
  auto tiles = static_cast<double>(least);
  while (tiles < most && Grid(sides, tiles).coordinates(sides) > coordinates) tiles *= kFiner;
  return static_cast<std::size_t>(std::min(tiles, most));
}

}  // namespace sounder
