#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "engine/layout.h"
#include "engine/parameters.h"
#include "io/dataset.h"
#include "objectives/samples.h"

namespace sounder {

class Arena;

// A group of samples, an f_e of the lecture made coarser: its support is the sorted list of the parameter
// cells that any of its samples touches, and its samples are written in positions of the local array that a
// pull of that support fills. The pieces are allocated and first touched by the worker that builds the block.
// Immutable once built, but for `memory`, which belongs to the one task that has the block.
struct Block {
  std::vector<Cell> support;
  std::vector<std::uint64_t> offsets{0};  // rows + 1, from 0
  std::vector<std::uint16_t> narrow;      // positions: these ...
  std::vector<std::uint32_t> wide;        // ... or these, when the local array has more than 2^16 floats
  std::vector<float> values;
  std::vector<float> labels;
  std::vector<float> weights;  // empty: all 1; else the data's, scaled to a mean of 1
  std::vector<float> squared_norms;
  std::vector<float> memory;        // one a row if the rule keeps any, from 0
  std::vector<std::uint32_t> gaps;  // empty, or Samples::gaps

  std::size_t rows() const { return labels.size(); }
  std::uint64_t nonzeros() const { return offsets.back(); }
  Samples samples() const;
  Samples samples();  // with the memory
};

// Builds blocks of one data set; its rows' weights are scaled to a mean of 1, so that a step means the same with
// weights and without. Any number of threads may build at once.
class BlockMaker {
 public:
  // `memory`: whether rows keep some.
  BlockMaker(Dataset data, const Layout& layout, bool memory);
  ~BlockMaker();
  BlockMaker(const BlockMaker&) = delete;
  BlockMaker& operator=(const BlockMaker&) = delete;

  Block make(std::span<const std::uint32_t> rows) const;
  const Dataset& data() const { return data_; }

 private:
  class CellSet;
  struct Scratch;

  Dataset data_;
  const Layout& layout_;
  bool memory_;
  float weight_scale_;
  std::unique_ptr<Scratch> scratch_;
};

// All rows, once, in a seeded random order: data files are often sorted by class or date.
std::vector<std::uint32_t> shuffled_rows(std::size_t rows, std::uint64_t seed);

// Cuts the rows, in this order, into blocks of `block_rows` (the last may have fewer). Linear in the non-zeros,
// in parallel on the arena.
std::vector<Block> make_blocks(const BlockMaker& maker, std::span<const std::uint32_t> rows,
                               std::size_t block_rows, Arena& arena);

}  // namespace sounder
