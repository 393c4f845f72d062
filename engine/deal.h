#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "io/dataset.h"
#include "objectives/objective.h"

namespace sounder {

// Which rows each block has: all rows of a data set, once.
struct Deal {
  std::vector<std::uint32_t> order;
  std::vector<std::size_t> ends;  // block b has the rows order[ends[b - 1] ... ends[b])

  std::size_t blocks() const { return ends.size(); }
  std::size_t begin(std::size_t block) const { return block == 0 ? 0 : ends[block - 1]; }
  std::span<const std::uint32_t> rows(std::size_t block) const;
};

// All rows, once, in the order of the data.
std::vector<std::uint32_t> rows_in_order(std::size_t rows);

// The same in a seeded random order: data files are often sorted by class or date.
std::vector<std::uint32_t> shuffled_rows(std::size_t rows, std::uint64_t seed);

// Rows in this order, so many to a block; the last may have fewer.
Deal cut(std::vector<std::uint32_t> order, std::size_t block_rows);

// Blocks of `block_rows` (the last may have fewer), of about so many where samples go in tiles. Tiles need rows of two
// coordinates.
Deal deal_rows(const Dataset& data, Grouping grouping, std::size_t block_rows, std::uint64_t seed);

// The least number of tiles, `least` or more, that touch no more than so many coordinates each.
std::size_t tiles_within(const Dataset& data, std::size_t least, double coordinates);

}  // namespace sounder
