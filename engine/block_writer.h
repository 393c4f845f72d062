#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/block_format.h"
#include "engine/blocks.h"
#include "io/checksum.h"
#include "io/output.h"

namespace sounder {

// Writes a block file (engine/block_format.h) as an OutputFile does. Not thread-safe.
class BlockFileWriter {
 public:
  explicit BlockFileWriter(const std::string& path);

  // Of width 1, without weights.
  void add(const Block& block);
  // After the last block. What `shape` says of rows and non-zeros is the sum over the blocks, whatever it was.
  void commit(BlockFileShape shape, std::span<const std::uint32_t> degrees);

 private:
  void write_padded(std::string_view bytes, Checksum& sum);
  std::uint64_t write_padded(std::string_view bytes);

  OutputFile file_;
  std::vector<BlockEntry> index_;
};

}  // namespace sounder
