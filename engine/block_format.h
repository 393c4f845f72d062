#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "engine/layout.h"
#include "io/labels.h"
#include "objectives/objective.h"

namespace sounder {

// A block file is prepared samples, to be mapped into memory and trained from as they lie there. Little-endian:
//
//   64 bytes       "sounder blocks 1\n" and zeros; 1 is the version of this format
//   blocks         each a Block (engine/blocks.h) of width 1 without weights: offsets, support, labels, squared norms and
//                  positions, wide or narrow, and then its values, both filled up with zeros to a multiple of 64 bytes
//   degrees        32 bits a coordinate: how many rows have it; the Layout follows from these
//   index          a BlockEntry a block
//   the end        a BlockFileEnd: what the samples are, and the checksums of degrees, of index, and of itself
//
// Degrees and index are filled up with zeros as blocks are; the zeros count for their checksums, the 64-bit XXH3 (seed
// 0). Rows lie in random order, so any blocks are a fair sample.
static_assert(std::endian::native == std::endian::little, "blocks are stored as they lie in memory");

inline constexpr std::size_t kBlockAlignment = 64;
inline constexpr std::string_view kBlockFileMagic = "sounder blocks ";
inline constexpr std::string_view kBlockFileFirstLine = "sounder blocks 1\n";

inline std::size_t aligned_block(std::size_t bytes) {
  return (bytes + kBlockAlignment - 1) / kBlockAlignment * kBlockAlignment;
}

// Whether a file that begins so is a block file, of any version.
inline bool is_block_file(std::string_view beginning) {
  return beginning.starts_with(kBlockFileMagic);
}

struct BlockEntry {
  std::uint64_t entries = 0;
  std::uint64_t checksum = 0;
  std::uint32_t rows = 0;
  std::uint32_t cells = 0;
};

// What the samples of a block file are.
struct BlockFileShape {
  std::uint64_t rows = 0;
  std::uint64_t dimension = 0;
  std::uint64_t nonzeros = 0;
  std::uint64_t block_rows = 0;  // of all blocks but the last, which may have fewer
  LabelKind labels = LabelKind::kTwoClass;
  bool bias = false;
  Planes planes = {};  // what a cell has room for: see the Layout
  LabelEncoding encoding = {};
  LabelRule label_rule = {};
  bool normalize = false;
  std::uint32_t index_base = 1;
};

// The same as it stands in the file. Flags are 0 or 1; a rule for labels that there is none of is not a number.
struct BlockFileEnd {
  std::uint64_t rows = 0;
  std::uint64_t dimension = 0;
  std::uint64_t nonzeros = 0;
  std::uint64_t block_rows = 0;
  std::uint64_t blocks = 0;
  double positive_above = 0;
  double positive_class = 0;
  float negative = 0;
  float positive = 0;
  std::uint32_t labels = 0;  // of LabelKind
  std::uint32_t bias = 0;
  std::uint32_t reweight = 0;
  std::uint32_t state = 0;
  std::uint32_t average = 0;
  std::uint32_t normalize = 0;
  std::uint32_t index_base = 0;
  std::uint32_t zero = 0;
  std::uint64_t degrees_sum = 0;
  std::uint64_t index_sum = 0;
  std::uint64_t sum = 0;  // of what stands above
};
static_assert(sizeof(BlockFileEnd) == 120 && sizeof(BlockEntry) == 24, "no holes");

}  // namespace sounder
