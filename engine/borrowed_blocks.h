#pragma once

#include <cstddef>
#include <vector>

#include "engine/blocks.h"
#include "engine/layout.h"
#include "io/dataset.h"

namespace sounder {

class Arena;

// Blocks of so many rows that are the data as it lies, in its order: the support of each is all cells, of a layout in the
// order of the data (Layout::of_data()). Nothing to prepare, for a dearer pull and push.
std::vector<Block> borrow_blocks(Dataset data, const Layout& layout, std::size_t block_rows);

// The first rows, in the same way.
Block borrow_block(Dataset data, const Layout& layout, std::size_t rows);

// The same of a layout by degree, as Support::kAll has it: only positions are made, in parallel, and the data's indices let go
// where nobody else looks at them. `memory`: floats that are kept for each row.
std::vector<Block> narrow_blocks(Dataset data, const Layout& layout, std::size_t memory,
                                 std::size_t block_rows, Arena& arena);

}  // namespace sounder
