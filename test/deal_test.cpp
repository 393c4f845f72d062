// Tiles of rows of two coordinates.
#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <vector>

#include "engine/deal.h"
#include "io/random.h"
#include "test/support.h"

using namespace sounder;
using namespace sounder::test;

namespace {

Dataset random_pairs(std::size_t rows, std::uint32_t first, std::uint32_t second, std::uint64_t seed) {
  Random random(seed);
  std::vector<std::vector<Coordinate>> supports;
  for (std::size_t i = 0; i < rows; ++i) {
    const auto a = static_cast<Coordinate>(random.below(first));
    const auto b = static_cast<Coordinate>(first + random.below(second));
    supports.push_back({a, b});
  }
  return numbered_rows(first + second, supports);
}

std::size_t coordinates_of(const Dataset& data, std::span<const std::uint32_t> rows) {
  std::set<Coordinate> met;
  for (const std::uint32_t row : rows) met.insert(data.row(row).support.begin(), data.row(row).support.end());
  return met.size();
}

}  // namespace

TEST_CASE("deal: tiles have every row once, in an order of the seed") {
  for (const std::size_t block_rows : {1, 7, 100, 5000}) {
    CAPTURE(block_rows);
    const Dataset data = random_pairs(5000, 300, 40, 1);
    const Deal deal = deal_rows(data, Grouping::kTiles, block_rows, 3);
    std::vector<std::uint32_t> rows = deal.order;
    CHECK(deal.ends.back() == data.rows());
    CHECK(std::ranges::adjacent_find(deal.ends, std::ranges::greater_equal()) == deal.ends.end());
    CHECK(!std::ranges::is_sorted(rows));
    std::ranges::sort(rows);
    CHECK(rows == [&] {
      std::vector<std::uint32_t> all(data.rows());
      for (std::uint32_t i = 0; i < all.size(); ++i) all[i] = i;
      return all;
    }());
    CHECK(deal_rows(data, Grouping::kTiles, block_rows, 3).order == deal.order);
    CHECK(deal_rows(data, Grouping::kTiles, block_rows, 4).order != deal.order);
  }
}

TEST_CASE("deal: in order is the order of the data, whatever the seed") {
  const Dataset data = random_pairs(10, 3, 4, 1);
  const Deal deal = deal_rows(data, Grouping::kInOrder, 4, 3);
  CHECK(deal.order == std::vector<std::uint32_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
  CHECK(deal.ends == std::vector<std::size_t>{4, 8, 10});
}

TEST_CASE("deal: blocks of one row are blocks of one row") {
  const Dataset data = random_pairs(500, 30, 40, 1);
  CHECK(deal_rows(data, Grouping::kTiles, 1, 3).blocks() == data.rows());
}

TEST_CASE("deal: tiles keep to their coordinates") {
  const struct {
    std::uint32_t first, second;
    double most;
  } cases[] = {{2000, 300, 200}, {300, 2000, 500}, {1000, 1, 50}, {5, 5, 4}};
  for (const auto& [first, second, most] : cases) {
    CAPTURE(first);
    CAPTURE(second);
    const Dataset data = random_pairs(20'000, first, second, 2);
    const std::size_t tiles = tiles_within(data, 3, most);
    CHECK(tiles >= 3);
    const Deal deal = deal_rows(data, Grouping::kTiles, data.rows() / tiles, 1);
    for (std::size_t b = 0; b < deal.blocks(); ++b)
      CHECK(static_cast<double>(coordinates_of(data, deal.rows(b))) <= 1.1 * most + 2);
  }
}

TEST_CASE("deal: few coordinates need no more tiles than asked for") {
  const Dataset data = random_pairs(5000, 100, 100, 1);
  CHECK(tiles_within(data, 24, 1000) == 24);
  const std::size_t blocks = deal_rows(data, Grouping::kTiles, data.rows() / 24, 1).blocks();
  CHECK((blocks >= 20 && blocks <= 30));
}

TEST_CASE("deal: few rows of many coordinates leave no tile empty") {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    CAPTURE(seed);
    const Deal deal = deal_rows(random_pairs(40, 100, 100, seed), Grouping::kTiles, 2, seed);
    for (std::size_t block = 0; block < deal.blocks(); ++block) CHECK(!deal.rows(block).empty());
    CHECK(deal.ends.back() == 40);
  }
}

TEST_CASE("deal: rows of a tile are shuffled") {
  const Dataset data = random_pairs(4000, 40, 40, 1);
  const Deal deal = deal_rows(data, Grouping::kTiles, 400, 3);
  std::size_t sorted = 0;
  for (std::size_t block = 0; block < deal.blocks(); ++block)
    sorted += deal.rows(block).size() > 20 && std::ranges::is_sorted(deal.rows(block)) ? 1 : 0;
  CHECK(sorted == 0);
}
