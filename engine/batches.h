#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/blocks.h"
#include "engine/components.h"
#include "engine/sampler.h"

namespace sounder {

class Arena;

// The batches of CYCLADES: consecutive rows of a random order, cut into groups that share no coordinate, each of which
// becomes a block with its rows in drawn order. A group's samples leave gaps for those of the other groups, so that
// each sees the scale of the weights that it would see if the batch ran serially.
//
// The groups of a batch are found when it is first drawn, by the sampler and while the batch before it still
// trains, and its blocks are built by the workers that first run them; later epochs take the same batches in
// another order, as the authors' code does.
class Batches {
 public:
  // Fills `blocks`, `groups` to a batch. All must outlive this.
  Batches(const BlockMaker& maker, std::span<const std::uint32_t> order, std::size_t batch_rows,
          std::size_t groups, std::vector<Block>& blocks);

  Units units();

  // Builds the block if it has not been; those of one batch concurrently, after its begin().
  void build(std::uint32_t block);
  // Builds all blocks of all batches that have not been. No task may be in flight.
  void build_rest(Arena& arena);

 private:
  void begin(std::size_t batch);
  std::span<const std::uint32_t> rows_of(std::size_t batch) const;

  const BlockMaker& maker_;
  std::span<const std::uint32_t> order_;
  std::size_t batch_rows_;
  std::size_t groups_;
  std::vector<Block>& blocks_;
  Components components_;
  std::vector<bool> begun_;  // by batch
  std::vector<std::vector<std::uint32_t>>
      positions_;  // of the rows of a block that is yet to be built, in its batch
};

}  // namespace sounder
