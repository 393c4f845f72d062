#include "engine/block_writer.h"

#include <array>
#include <cassert>
#include <limits>
#include <string_view>

#include "engine/block_pieces.h"

namespace sounder {
namespace {

template <class T>
std::string_view bytes_of(std::span<const T> values) {
  return {reinterpret_cast<const char*>(values.data()), values.size_bytes()};
}

double or_nan(const std::optional<double>& number) {
  return number.value_or(std::numeric_limits<double>::quiet_NaN());
}

BlockFileEnd end_of(const BlockFileShape& shape) {
  return {.rows = shape.rows,
          .dimension = shape.dimension,
          .nonzeros = shape.nonzeros,
          .block_rows = shape.block_rows,
          .positive_above = or_nan(shape.label_rule.positive_above),
          .positive_class = or_nan(shape.label_rule.positive_class),
          .negative = shape.encoding.negative,
          .positive = shape.encoding.positive,
          .labels = static_cast<std::uint32_t>(shape.labels),
          .bias = shape.bias,
          .reweight = shape.planes.reweight,
          .state = static_cast<std::uint32_t>(shape.planes.state),
          .average = shape.planes.average,
          .normalize = shape.normalize,
          .index_base = shape.index_base};
}

}  // namespace

BlockFileWriter::BlockFileWriter(const std::string& path) : file_(path) {
  write_padded(kBlockFileFirstLine);
}

void BlockFileWriter::write_padded(std::string_view bytes, Checksum& sum) {
  constexpr std::array<char, kBlockAlignment> kZeros{};
  const std::string_view zeros(kZeros.data(), aligned_block(bytes.size()) - bytes.size());
  for (const std::string_view part : {bytes, zeros}) {
    file_.write(part);
    sum.add(part);
  }
}

// Returns the checksum.
std::uint64_t BlockFileWriter::write_padded(std::string_view bytes) {
  Checksum sum;
  write_padded(bytes, sum);
  return sum.value();
}

void BlockFileWriter::add(const Block& block) {
  assert(block.weights.empty() && !block.offsets.empty());
  const BlockExtent extent{.rows = block.rows(),
                           .cells = block.support.size(),
                           .entries = block.nonzeros(),
                           .pairs = false,
                           .weighted = false,
                           .wide = !block.wide.empty()};
  Checksum sum;
  write_padded({reinterpret_cast<const char*>(block.bytes.get()), extent.bytes()}, sum);
  write_padded(bytes_of(block.values), sum);
  index_.push_back({.entries = extent.entries,
                    .checksum = sum.value(),
                    .rows = static_cast<std::uint32_t>(extent.rows),
                    .cells = static_cast<std::uint32_t>(extent.cells)});
}

void BlockFileWriter::commit(BlockFileShape shape, std::span<const std::uint32_t> degrees) {
  shape.dimension = degrees.size();
  shape.rows = shape.nonzeros = 0;
  for (const BlockEntry& entry : index_) {
    shape.rows += entry.rows;
    shape.nonzeros += entry.entries;
  }
  BlockFileEnd end = end_of(shape);
  end.blocks = index_.size();
  end.degrees_sum = write_padded(bytes_of(degrees));
  end.index_sum = write_padded(bytes_of(std::span<const BlockEntry>(index_)));
  const std::string_view bytes = bytes_of(std::span<const BlockFileEnd>(&end, 1));
  end.sum = checksum_of(bytes.substr(0, bytes.size() - sizeof(end.sum)));
  file_.write(bytes);
  file_.commit();
}

}  // namespace sounder
