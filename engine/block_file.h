#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/block_format.h"
#include "engine/blocks.h"
#include "engine/layout.h"
#include "io/parallel.h"
#include "io/stream.h"
#include "objectives/objective.h"

namespace sounder {

struct BlockExtent;

// Whether blocks for the objective can be kept in a file: it must be linear, with real labels or two classes.
// check_storable() throws InputError if they cannot.
bool is_storable(const Objective& objective);
void check_storable(const Objective& objective);

// Throws InputError when what is to be read as samples from `path` is a file of blocks or a model.
void refuse_written(Stream& samples, const std::string& path);

// A mapped block file (engine/block_format.h). What lies behind the blocks is checked when it is opened, a block when
// it is first used. Of a file larger than `memory` bytes only some blocks are mapped at a time: a pass asks for them
// ahead of their use, and lets go of them behind it. Any number of threads may call the members but where they say
// otherwise. The file must not be written to while it is mapped (that it is replaced is fine): the system then ends the
// program.
class BlockFile {
 public:
  // Throws InputError, naming the file and what is wrong with it.
  BlockFile(const std::string& path, std::size_t memory);
  ~BlockFile();
  BlockFile(const BlockFile&) = delete;
  BlockFile& operator=(const BlockFile&) = delete;

  const std::string& path() const { return path_; }
  const BlockFileShape& shape() const { return shape_; }
  std::size_t bytes() const { return file_.size(); }
  std::size_t blocks() const { return index_.size(); }

  Layout layout(Held held = Held::kAll) const;
  // One block, or all, with so many floats of memory for each row. They look at the file, of which nothing is read.
  Block block(std::size_t number, std::size_t memory) const;
  std::vector<Block> make_blocks(std::size_t memory) const;

  // Before a block is used. Throws InputError when it is corrupt.
  void require(std::size_t block) const;

  // Asks for the next of the blocks that a pass has still to go through, in this order. `left`, at first all of them,
  // is how many it has not been asked for yet; this takes away from it.
  void read_ahead(std::span<const std::uint32_t> order, std::size_t& left) const;
  // After the use of each block of such a pass. `used`, at first 0, is how many were used since the last that were let
  // go of.
  void let_go(std::size_t& used) const;
  // body(block) for each, in stretches of the file, each as `parallel` has it.
  void for_each(const ParallelFor& parallel, const std::function<void(std::size_t)>& body) const;

 private:
  BlockExtent extent(std::size_t block) const;
  std::span<const std::byte> memory(std::size_t block) const;
  const BlockFileEnd& read_end();
  void read_index(const BlockFileEnd& end);
  void check_sums(std::size_t blocks_end);
  bool is_sound(std::size_t block) const;
  std::span<std::byte> pages(std::size_t begin, std::size_t end) const;
  void ask_for(std::size_t begin, std::size_t end) const;
  void advise(std::size_t begin, std::size_t end, int advice) const;
  void unmap_all() const;
  [[noreturn]] void fail(std::string_view message) const;

  std::string path_;
  std::shared_ptr<const std::byte> mapping_;
  std::span<const std::byte> file_;
  bool larger_ = false;
  BlockFileShape shape_;
  std::span<const std::uint32_t> degrees_;
  std::span<const BlockEntry> index_;
  std::vector<std::uint64_t> places_;  // where each block begins, and where the last ends
  std::size_t cells_ = 0;              // of the layout
  std::size_t cell_floats_ = 0;
  std::size_t stretch_ = 1;  // blocks that are asked for ahead
  mutable std::vector<std::atomic<bool>> required_;
};

}  // namespace sounder
