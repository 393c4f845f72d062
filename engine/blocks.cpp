#include "engine/blocks.h"

#include <tbb/enumerable_thread_specific.h>

#include <algorithm>
#include <bit>
#include <functional>
#include <limits>
#include <numeric>
#include <utility>

#include "engine/arena.h"

namespace sounder {
namespace {

template <class Position, class CellSet>
std::vector<Position> positions_of(std::span<const Coordinate> coordinates, const Layout& layout,
                                   const CellSet& cells) {
  std::vector<Position> positions;
  positions.reserve(coordinates.size());
  for (const Coordinate c : coordinates) {
    positions.push_back(
        static_cast<Position>(cells.slot(layout.cell(c)) * layout.cell_floats() + layout.offset(c)));
  }
  return positions;
}

// Cut off at the largest float: an implicit step along such a row is zero for all purposes.
float squared_norm(std::span<const float> values) {
  const double sum = std::inner_product(values.begin(), values.end(), values.begin(), 0.0, std::plus<>(),
                                        [](double a, double b) { return a * b; });
  return static_cast<float>(std::min<double>(sum, std::numeric_limits<float>::max()));
}

// Labels, weights and coordinates, in one go: the rows lie anywhere in the data.
void copy_supports(const Dataset& data, std::span<const std::uint32_t> rows, float weight_scale, Block& block,
                   std::vector<Coordinate>& coordinates) {
  coordinates.clear();
  block.labels.reserve(rows.size());
  if (data.weighted()) block.weights.reserve(rows.size());
  for (const std::uint32_t i : rows) {
    const Row row = data.row(i);
    coordinates.insert(coordinates.end(), row.support.begin(), row.support.end());
    block.labels.push_back(row.label);
    if (data.weighted()) block.weights.push_back(row.weight * weight_scale);
  }
}

void copy_values(const Dataset& data, std::span<const std::uint32_t> rows, std::size_t nonzeros,
                 Block& block) {
  block.values.reserve(nonzeros);
  block.offsets.assign(1, 0);
  for (const std::uint32_t i : rows) {
    const Row row = data.row(i);
    block.values.insert(block.values.end(), row.values.begin(), row.values.end());
    block.offsets.push_back(block.values.size());
    block.squared_norms.push_back(squared_norm(row.values));
  }
}

float weight_scale_of(const Dataset& data) {
  const double sum = std::accumulate(data.weights().begin(), data.weights().end(), 0.0);
  return static_cast<float>(sum > 0 ? static_cast<double>(data.rows()) / sum : 1.0);
}

}  // namespace

// A set of cells as a two-level bitmap: insertion is O(1), and reading it out in order skips empty stretches
// 4096 cells at a time, so a block costs its non-zeros and next to nothing for the cells it does not touch.
class BlockMaker::CellSet {
 public:
  explicit CellSet(std::size_t cells)
      : bits_(cells / 64 + 1), summary_(bits_.size() / 64 + 1), slots_(cells) {}

  void insert(Cell cell) {
    bits_[cell / 64] |= std::uint64_t{1} << cell % 64;
    summary_[cell / 4096] |= std::uint64_t{1} << cell / 64 % 64;
  }

  // The cells in order, each given its slot; empties the set.
  std::vector<Cell> drain() {
    std::vector<Cell> cells;
    for (std::size_t top = 0; top < summary_.size(); ++top) {
      take_bits(summary_[top], top * 64, [&](std::size_t word) {
        take_bits(bits_[word], word * 64, [&](std::size_t cell) {
          slots_[cell] = static_cast<std::uint32_t>(cells.size());
          cells.push_back(static_cast<Cell>(cell));
        });
      });
    }
    return cells;
  }

  // The place of `cell` in what drain() returned last.
  std::uint32_t slot(Cell cell) const { return slots_[cell]; }

 private:
  template <class Body>
  static void take_bits(std::uint64_t& bits, std::size_t base, Body&& body) {
    for (; bits != 0; bits &= bits - 1) body(base + static_cast<std::size_t>(std::countr_zero(bits)));
  }

  std::vector<std::uint64_t> bits_;
  std::vector<std::uint64_t> summary_;
  std::vector<std::uint32_t> slots_;
};

struct BlockMaker::Scratch {
  struct Local {
    explicit Local(std::size_t count) : cells(count) {}

    CellSet cells;
    std::vector<Coordinate> coordinates;  // of the samples, one behind the other
  };
  tbb::enumerable_thread_specific<Local> locals;
};

BlockMaker::BlockMaker(Dataset data, const Layout& layout, std::size_t memory, bool pairs)
    : data_(std::move(data)),
      layout_(layout),
      memory_(memory),
      pairs_(pairs),
      weight_scale_(weight_scale_of(data_)),
      scratch_(new Scratch{tbb::enumerable_thread_specific<Scratch::Local>(layout.cells())}) {}

BlockMaker::~BlockMaker() = default;

Block BlockMaker::make(std::span<const std::uint32_t> rows) const {
  auto& [cells, coordinates] = scratch_->locals.local();
  Block block;
  copy_supports(data_, rows, weight_scale_, block, coordinates);
  if (!pairs_) copy_values(data_, rows, coordinates.size(), block);
  block.memory.assign(memory_ * rows.size(), 0.0F);
  for (std::size_t common = 0; common < layout_.common(); ++common) cells.insert(static_cast<Cell>(common));
  for (const Coordinate c : coordinates) cells.insert(layout_.cell(c));
  block.support = cells.drain();
  if (block.support.size() * layout_.cell_floats() <= std::size_t{1} << 16) {
    block.narrow = positions_of<std::uint16_t>(coordinates, layout_, cells);
  } else {
    block.wide = positions_of<std::uint32_t>(coordinates, layout_, cells);
  }
  return block;
}

Samples Block::samples() const {
  Samples samples{.offsets = offsets,
                  .pairs = offsets.empty() ? rows() : 0,
                  .positions = narrow.data(),
                  .values = values.empty() ? nullptr : values.data(),
                  .labels = labels.data(),
                  .weights = weights.empty() ? nullptr : weights.data(),
                  .squared_norms = squared_norms.data(),
                  .gaps = gaps.empty() ? nullptr : gaps.data()};
  if (!wide.empty()) samples.positions = wide.data();
  return samples;
}

Samples Block::samples() {
  Samples samples = std::as_const(*this).samples();
  samples.memory = memory.empty() ? nullptr : memory.data();
  samples.memory_stride = rows();
  return samples;
}

std::vector<Block> make_blocks(const BlockMaker& maker, const Deal& deal, Arena& arena) {
  std::vector<Block> blocks(deal.blocks());
  arena.parallel_for(blocks.size(), [&](std::size_t b) { blocks[b] = maker.make(deal.rows(b)); });
  return blocks;
}

}  // namespace sounder
