#pragma once

#include <cstddef>
#include <cstdint>
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
// Immutable once built.
struct Block {
  std::vector<Cell> support;
  std::vector<std::uint64_t> offsets;  // rows + 1, from 0
  std::vector<std::uint16_t> narrow;   // positions: these ...
  std::vector<std::uint32_t> wide;     // ... or these, when the local array has more than 2^16 floats
  std::vector<float> values;
  std::vector<float> labels;
  std::vector<float> weights;  // empty: all 1; else the data's, scaled to a mean of 1
  std::vector<float> squared_norms;

  std::size_t rows() const { return labels.size(); }
  std::uint64_t nonzeros() const { return offsets.back(); }
  Samples samples() const;
};

// Cuts the data into blocks of `block_rows` rows (the last may have fewer), after one seeded shuffle of the
// rows: data files are often sorted by class or date. Linear in the non-zeros, in parallel on the arena.
std::vector<Block> make_blocks(const Dataset& data, const Layout& layout, std::size_t block_rows,
                               std::uint64_t seed, Arena& arena);

// The first `rows` rows of the same shuffle, as one block.
Block make_sample(const Dataset& data, const Layout& layout, std::size_t rows, std::uint64_t seed);

}  // namespace sounder
