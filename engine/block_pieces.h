#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include "engine/blocks.h"

namespace sounder {

// Whether positions in a local array of so many floats need 32 bits.
inline bool needs_wide(std::size_t floats) {
  return floats > std::size_t{1} << 16;
}

// What blocks have in common whose support is all cells.
struct AllCells {
  explicit AllCells(const Layout& layout) : support(layout.cells()), places(layout.dimension()) {
    assert(!needs_wide(layout.cells() * layout.cell_floats()));
    std::iota(support.begin(), support.end(), Cell{0});
    layout.for_each(
        [&](std::size_t c, std::size_t place, double) { places[c] = static_cast<std::uint16_t>(place); });
  }

  std::vector<Cell> support;
  std::vector<std::uint16_t> places;  // of each coordinate's first float
};

// How much a block has of everything but values.
struct BlockExtent {
  std::size_t rows;
  std::size_t cells;
  std::size_t entries;
  bool pairs;
  bool weighted;
  bool wide;

  std::size_t valued_rows() const { return pairs ? 0 : rows; }
  std::size_t weights() const { return weighted ? rows : 0; }
  std::size_t offsets() const { return pairs ? 0 : rows + 1; }
  std::size_t bytes() const {
    return offsets() * sizeof(std::uint64_t) + cells * sizeof(Cell) +
           (rows + weights() + valued_rows()) * sizeof(float) +
           entries * (wide ? sizeof(std::uint32_t) : sizeof(std::uint16_t));
  }
};

// The parts of a block but the values, one behind the other in a piece of memory of BlockExtent::bytes(), aligned to 8.
struct BlockPieces {
  BlockPieces(std::byte* memory, const BlockExtent& extent) : next(memory) {
    offsets = take<std::uint64_t>(extent.offsets());
    support = take<Cell>(extent.cells);
    labels = take<float>(extent.rows);
    weights = take<float>(extent.weights());
    squared_norms = take<float>(extent.valued_rows());
    wide = take<std::uint32_t>(extent.wide ? extent.entries : 0);
    narrow = take<std::uint16_t>(extent.wide ? 0 : extent.entries);
  }

  template <class T>
  std::span<T> take(std::size_t count) {
    T* const begin = reinterpret_cast<T*>(next);
    next += count * sizeof(T);
    return {begin, count};
  }

  // The block that these make up, still without values; `owner` holds the memory. It gets so many floats of its own.
  Block block(std::shared_ptr<const std::byte> owner, std::size_t memory) const {
    return {.support = support,
            .offsets = offsets,
            .narrow = narrow,
            .wide = wide,
            .values = {},
            .labels = labels,
            .weights = weights,
            .squared_norms = squared_norms,
            .bytes = std::move(owner),
            .value_bytes = {},
            .memory = std::vector<float>(memory),
            .gaps = {},
            .node = 0};
  }

  std::byte* next;
  std::span<std::uint64_t> offsets;
  std::span<Cell> support;
  std::span<float> labels;
  std::span<float> weights;
  std::span<float> squared_norms;
  std::span<std::uint32_t> wide;
  std::span<std::uint16_t> narrow;
};

}  // namespace sounder
