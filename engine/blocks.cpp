#include "engine/blocks.h"

#include <tbb/enumerable_thread_specific.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "engine/arena.h"
#include "engine/block_pieces.h"
#include "io/pages.h"

namespace sounder {
namespace {

// Rows come in random order: their first kilobyte is asked for some rows ahead.
constexpr std::size_t kAhead = 3;
template <class T>
void prefetch(std::span<const T> row) {
  constexpr std::size_t kLine = 64 / sizeof(T);
  for (std::size_t k = 0; k < std::min(row.size(), 16 * kLine); k += kLine) __builtin_prefetch(&row[k]);
}

void copy_labels(const Dataset& data, std::span<const std::uint32_t> rows, const BlockPieces& to) {
  for (std::size_t i = 0; i < rows.size(); ++i) to.labels[i] = data.labels()[rows[i]];
  for (std::size_t i = 0; i < to.weights.size(); ++i) to.weights[i] = data.weights()[rows[i]];
}

std::size_t entries_of(const Dataset& data, std::span<const std::uint32_t> rows) {
  std::size_t entries = 0;
  for (const std::uint32_t i : rows) entries += data.offsets()[i + 1] - data.offsets()[i];
  return entries;
}

void write_offsets(const Dataset& data, std::span<const std::uint32_t> rows,
                   std::span<std::uint64_t> offsets) {
  for (std::size_t i = 0; i + 1 < offsets.size(); ++i)
    offsets[i + 1] = offsets[i] + data.offsets()[rows[i] + 1] - data.offsets()[rows[i]];
}

// What a row still has without its indices.
std::span<const float> values_of(const Dataset& data, std::uint32_t row) {
  return data.values().subspan(data.offsets()[row], data.offsets()[row + 1] - data.offsets()[row]);
}

void copy_values(const Dataset& data, std::span<const std::uint32_t> rows, std::span<float> squared_norms,
                 float* to) {
  for (std::size_t i = 0; i < squared_norms.size(); ++i) {
    if (i + kAhead < rows.size()) prefetch(values_of(data, rows[i + kAhead]));
    const std::span<const float> values = values_of(data, rows[i]);
    to = std::ranges::copy(values, to).out;
    squared_norms[i] = squared_norm_of(values);
  }
}

}  // namespace

// A set of cells as marks, with marks for every 64 and 4096 of them: insertion is three stores that wait for nothing,
// and reading it out in order skips empty stretches 4096 cells at a time, so a block costs its non-zeros and next to
// nothing for the cells it does not touch.
class BlockMaker::CellSet {
 public:
  explicit CellSet(std::size_t cells)
      : marks_(padded(cells)),
        marks64_(padded(cells / 64 + 1)),
        marks4096_(padded(cells / 4096 + 1)),
        slots_(std::make_unique_for_overwrite<std::uint32_t[]>(padded(cells))),
        cells_(std::make_unique_for_overwrite<Cell[]>(padded(cells))) {}

  // Inserts. A small value, for the same reason as Layout::Places.
  struct Marker {
    std::uint8_t* marks;
    std::uint8_t* marks64;
    std::uint8_t* marks4096;

    void operator()(Cell cell) const { marks[cell] = marks64[cell / 64] = marks4096[cell / 4096] = 1; }
  };
  Marker marker() { return {marks_.data(), marks64_.data(), marks4096_.data()}; }

  // The cells in order, each given its slot; empties the set. Valid until the next call.
  std::span<const Cell> drain() {
    count_ = 0;
    for_each_mark(marks4096_, 0, marks4096_.size(), [&](std::size_t top) {
      for_each_mark(marks64_, 64 * top, std::min(64 * (top + 1), marks64_.size()), [&](std::size_t group) {
        take_cells(64 * group, std::min(64 * (group + 1), marks_.size()));
      });
    });
    return {cells_.get(), count_};
  }

  // Of each cell its place in what drain() returned last.
  const std::uint32_t* slots() const { return slots_.get(); }

 private:
  using Marks = std::vector<std::uint8_t>;
  static constexpr std::size_t kWord = sizeof(std::uint64_t);

  static std::size_t padded(std::size_t marks) { return (marks / kWord + 1) * kWord; }

  // Calls body(first) for every eight marks of which one is set, and empties these. `begin` and `end` are multiples of eight.
  template <class Body>
  static void for_each_word(Marks& marks, std::size_t begin, std::size_t end, Body&& body) {
    for (std::size_t first = begin; first < end; first += kWord) {
      std::uint64_t word;
      std::memcpy(&word, &marks[first], kWord);
      if (word == 0) continue;
      body(first);
      std::memset(&marks[first], 0, kWord);
    }
  }

  template <class Body>
  static void for_each_mark(Marks& marks, std::size_t begin, std::size_t end, Body&& body) {
    for_each_word(marks, begin, end, [&](std::size_t first) {
      for (std::size_t k = first; k < first + kWord; ++k) {
        if (marks[k] != 0) body(k);
      }
    });
  }

  // Which cells beside a marked one are marked is a coin toss: so all are written, without a branch, and the next over those
  // that are not.
  void take_cells(std::size_t begin, std::size_t end) {
    for_each_word(marks_, begin, end, [&](std::size_t first) {
      for (std::size_t cell = first; cell < first + kWord; ++cell) {
        cells_[count_] = static_cast<Cell>(cell);
        slots_[cell] = static_cast<std::uint32_t>(count_);
        count_ += marks_[cell];
      }
    });
  }

  Marks marks_;
  Marks marks64_;
  Marks marks4096_;
  std::unique_ptr<std::uint32_t[]> slots_;
  std::unique_ptr<Cell[]> cells_;  // and room for some that are not marked
  std::size_t count_ = 0;
};

struct BlockMaker::Local {
  explicit Local(std::size_t count) : cells(count) {}

  CellSet cells;
  std::vector<std::uint32_t> ranks;  // of the samples' coordinates, one behind the other
  Slabs slabs;
};

struct BlockMaker::Scratch {
  tbb::enumerable_thread_specific<Local> locals;
};

BlockMaker::BlockMaker(Dataset data, const Layout& layout, std::size_t memory, bool pairs, Support support)
    : data_(std::move(data)),
      layout_(layout),
      memory_(memory),
      pairs_(pairs),
      scratch_(
          new Scratch{tbb::enumerable_thread_specific<Local>(support == Support::kAll ? 0 : layout.cells())}),
      all_(support == Support::kAll ? std::make_shared<AllCells>(layout) : nullptr) {}

BlockMaker::~BlockMaker() = default;

// Which cells the rows touch, and the ranks of their coordinates.
void BlockMaker::mark(std::span<const std::uint32_t> rows, Local& local) const {
  constexpr std::size_t kPairsAhead = 24;
  local.ranks.resize(pairs_ ? 2 * rows.size() : entries_of(data_, rows));
  std::uint32_t* to = local.ranks.data();
  const Layout::Places places = layout_.places();
  const CellSet::Marker mark = local.cells.marker();
  for (std::size_t common = 0; common < layout_.common(); ++common) mark(static_cast<Cell>(common));
  const auto take = [&](std::span<const Coordinate> support) {
    for (const Coordinate c : support) {
      const std::uint32_t rank = places.ranks[c];
      *to++ = rank;
      mark(places.cell(rank));
    }
  };
  if (pairs_) {  // without a look at the offsets, which would be another wait for memory
    const Coordinate* const indices = data_.indices().data();
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (i + kPairsAhead < rows.size()) __builtin_prefetch(indices + 2 * std::size_t{rows[i + kPairsAhead]});
      take({indices + 2 * std::size_t{rows[i]}, 2});
    }
    return;
  }
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (i + kAhead < rows.size()) prefetch(data_.row(rows[i + kAhead]).support);
    take(data_.row(rows[i]).support);
  }
}

BlockMaker::Draft BlockMaker::draft(std::span<const std::uint32_t> rows) const {
  return all_ ? draft_all(rows) : draft_touched(rows);
}

BlockMaker::Draft BlockMaker::draft_all(std::span<const std::uint32_t> rows) const {
  // What the block looks at.
  struct Owned {
    std::shared_ptr<const AllCells> all;
    std::shared_ptr<std::byte> bytes;
  };
  const BlockExtent extent{.rows = rows.size(),
                           .cells = 0,
                           .entries = entries_of(data_, rows),
                           .pairs = pairs_,
                           .weighted = data_.weighted(),
                           .wide = false};
  const auto owned =
      std::make_shared<Owned>(Owned{all_, scratch_->locals.local().slabs.take(extent.bytes())});
  const BlockPieces pieces(owned->bytes.get(), extent);
  copy_labels(data_, rows, pieces);
  write_offsets(data_, rows, pieces.offsets);
  std::uint16_t* to = pieces.narrow.data();
  const std::uint16_t* const places = all_->places.data();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (i + kAhead < rows.size()) prefetch(data_.row(rows[i + kAhead]).support);
    for (const Coordinate c : data_.row(rows[i]).support) *to++ = places[c];
  }
  Draft draft{.block = pieces.block({owned, owned->bytes.get()}, memory_ * rows.size()),
              .squared_norms = pieces.squared_norms};
  draft.block.support = all_->support;
  return draft;
}

BlockMaker::Draft BlockMaker::draft_touched(std::span<const std::uint32_t> rows) const {
  Local& local = scratch_->locals.local();
  mark(rows, local);
  const std::span<const Cell> support = local.cells.drain();
  const BlockExtent extent{.rows = rows.size(),
                           .cells = support.size(),
                           .entries = local.ranks.size(),
                           .pairs = pairs_,
                           .weighted = data_.weighted(),
                           .wide = needs_wide(support.size() * layout_.cell_floats())};
  const std::shared_ptr<std::byte> bytes = local.slabs.take(extent.bytes());
  const BlockPieces pieces(bytes.get(), extent);
  std::ranges::copy(support, pieces.support.begin());
  copy_labels(data_, rows, pieces);
  write_offsets(data_, rows, pieces.offsets);
  const auto write_positions = [&]<class Position>(std::span<Position> positions) {
    const Layout::Places places = layout_.places();
    const std::size_t cell_floats = layout_.cell_floats();
    const std::uint32_t* const slots = local.cells.slots();
    for (std::size_t k = 0; k < positions.size(); ++k) {
      const std::uint32_t rank = local.ranks[k];
      positions[k] = static_cast<Position>(slots[places.cell(rank)] * cell_floats + places.offset(rank));
    }
  };
  write_positions(pieces.wide);
  write_positions(pieces.narrow);
  return {.block = pieces.block(bytes, memory_ * rows.size()), .squared_norms = pieces.squared_norms};
}

Block BlockMaker::complete(Draft draft, std::span<const std::uint32_t> rows,
                           std::shared_ptr<std::byte> room) const {
  copy_values(data_, rows, draft.squared_norms, reinterpret_cast<float*>(room.get()));
  draft.block.set_values(std::move(room), draft.block.stored_values());
  return std::move(draft.block);
}

Block BlockMaker::make(std::span<const std::uint32_t> rows) const {
  Draft draft = this->draft(rows);
  const std::size_t bytes = draft.block.stored_values() * sizeof(float);
  return complete(std::move(draft), rows, scratch_->locals.local().slabs.take(bytes));
}

void Block::set_values(std::shared_ptr<const std::byte> room, std::size_t count) {
  values = {reinterpret_cast<const float*>(room.get()), count};
  value_bytes = std::move(room);
}

Samples Block::samples() const {
  Samples samples{.offsets = offsets,
                  .pairs = offsets.empty() ? rows() : 0,
                  .positions = narrow.data(),
                  .values = values.empty() ? nullptr : values.data(),
                  .labels = labels.data(),
                  .weights = weights.empty() ? nullptr : weights.data(),
                  .squared_norms = squared_norms.empty() ? nullptr : squared_norms.data(),
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

namespace {

// body(block, node), on the workers of the node whose part the block is.
template <class Body>
void for_each_block(Arena& arena, std::size_t blocks, Body&& body) {
  arena.for_each_node([&](std::size_t node) {
    const auto [begin, end] = arena.part(blocks, node);
    parallel_for_here(end - begin, [&, first = begin](std::size_t i) { body(first + i, node); });
  });
}

}  // namespace

std::vector<Block> make_blocks(BlockMaker&& maker, const Deal& deal, Arena& arena) {
  std::vector<Block> blocks(deal.blocks());
  std::vector<BlockMaker::Draft> drafts(deal.blocks());
  for_each_block(arena, blocks.size(),
                 [&](std::size_t b, std::size_t) { drafts[b] = maker.draft(deal.rows(b)); });
  std::vector<std::size_t> places{0};
  for (const BlockMaker::Draft& draft : drafts)
    places.push_back(places.back() + draft.block.stored_values() * sizeof(float));
  std::shared_ptr<std::byte> room;  // none for pairs, whose indices go with the maker
  if (places.back() > 0 && arena.nodes() == 1) room = maker.take_indices();
  if (places.back() > 0 && !room) room = allocate_pages(places.back());
  for_each_block(arena, blocks.size(), [&](std::size_t b, std::size_t node) {
    blocks[b] = maker.complete(std::move(drafts[b]), deal.rows(b), {room, room.get() + places[b]});
    blocks[b].node = node;
  });
  return blocks;
}

}  // namespace sounder
