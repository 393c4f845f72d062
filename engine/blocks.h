#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "engine/deal.h"
#include "engine/layout.h"
#include "engine/parameters.h"
#include "io/dataset.h"
#include "objectives/samples.h"

namespace sounder {

class Arena;
struct AllCells;

// A group of samples, an f_e of HOGWILD! (Niu, Recht, Re, Wright, 2011, section 2) made coarser: its support is the
// sorted list of the parameter cells that any of its samples touches, and its samples are written in positions of the
// local array that a pull of that support fills. All but the values lies in one piece of memory, first touched by the
// worker that builds the block. Immutable once built, but for `memory`, which belongs to the one task that has the
// block.
struct Block {
  std::span<const Cell> support;
  std::span<const std::uint64_t>
      offsets;  // rows + 1, as in Samples; empty: rows of two entries, without values and norms
  std::span<const std::uint16_t> narrow;  // positions: these ...
  std::span<const std::uint32_t> wide;    // ... or these, when the local array has more than 2^16 floats
  std::span<const float> values;
  std::span<const float> labels;
  std::span<const float> weights;                // empty: all 1
  std::span<const float> squared_norms;          // empty: as in Samples
  std::shared_ptr<const std::byte> bytes;        // what these look at,
  std::shared_ptr<const std::byte> value_bytes;  // but for the values
  std::vector<float> memory;                     // Samples::memory, from 0; empty if the rule keeps none
  std::vector<std::uint32_t> gaps;               // empty, or Samples::gaps
  std::size_t node = 0;                          // of the arena, whose worker built it

  std::size_t rows() const { return labels.size(); }
  std::uint64_t nonzeros() const { return offsets.empty() ? 2 * rows() : stored_values(); }
  std::size_t stored_values() const { return offsets.empty() ? 0 : offsets.back() - offsets.front(); }
  Samples samples() const;
  Samples samples();  // with the memory

  // The values of the samples are the first `count` floats of `room`, which is kept alive.
  void set_values(std::shared_ptr<const std::byte> room, std::size_t count);
};

// The support of a block: the cells that its samples touch, or all there are, whose local array then has at most 2^16
// floats. The latter is made faster; pulls and pushes are dearer by the cells that it does not touch.
enum class Support { kTouched, kAll };

// Builds blocks of one data set. Any number of threads may build at once.
class BlockMaker {
 public:
  // `memory`: floats that are kept for each row. `pairs`: rows have two coordinates, and only these and the label
  // count.
  BlockMaker(Dataset data, const Layout& layout, std::size_t memory, bool pairs = false,
             Support support = Support::kTouched);
  ~BlockMaker();
  BlockMaker(const BlockMaker&) = delete;
  BlockMaker& operator=(const BlockMaker&) = delete;

  Block make(std::span<const std::uint32_t> rows) const;
  const Dataset& data() const { return data_; }

  // The same in two steps: all but the values and norms, and then these, written to memory with room for them. Between
  // the steps of all blocks the data's indices may be taken.
  struct Draft {
    Block block;
    std::span<float> squared_norms;
  };
  Draft draft(std::span<const std::uint32_t> rows) const;
  Block complete(Draft draft, std::span<const std::uint32_t> rows, std::shared_ptr<std::byte> room) const;
  std::shared_ptr<std::byte> take_indices() { return data_.take_indices(); }

 private:
  class CellSet;
  struct Local;
  struct Scratch;

  void mark(std::span<const std::uint32_t> rows, Local& local) const;
  Draft draft_touched(std::span<const std::uint32_t> rows) const;
  Draft draft_all(std::span<const std::uint32_t> rows) const;

  Dataset data_;
  const Layout& layout_;
  std::size_t memory_;
  bool pairs_;
  std::unique_ptr<Scratch> scratch_;
  std::shared_ptr<const AllCells> all_;  // null under Support::kTouched
};

// Linear in the non-zeros, in parallel on the arena; those that are a node's part are built on that node. Where there
// is one node, and nobody else looks at the indices of the maker's data, the values are written over them, and the
// maker is of no more use.
std::vector<Block> make_blocks(BlockMaker&& maker, const Deal& deal, Arena& arena);

}  // namespace sounder
