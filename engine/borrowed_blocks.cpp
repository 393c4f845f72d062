#include "engine/borrowed_blocks.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <numeric>
#include <span>
#include <utility>
#include <variant>

#include "engine/arena.h"
#include "engine/block_pieces.h"
#include "io/pages.h"

namespace sounder {
namespace {

// What borrowed blocks look at.
struct Borrowed {
  Dataset data;
  std::vector<Cell> support;
};

std::shared_ptr<Borrowed> lend(Dataset data, const Layout& layout) {
  auto lent = std::make_shared<Borrowed>(Borrowed{std::move(data), std::vector<Cell>(layout.cells())});
  std::iota(lent->support.begin(), lent->support.end(), Cell{0});
  return lent;
}

Block borrow_rows(const std::shared_ptr<Borrowed>& from, std::size_t first, std::size_t rows) {
  const Samples samples = samples_of(from->data, first, rows);
  const auto entries = static_cast<std::size_t>(samples.nonzeros());
  Block block;
  block.support = from->support;
  block.offsets = samples.offsets;
  block.wide = {std::get<const std::uint32_t*>(samples.positions), entries};
  block.values = {samples.values, entries};
  block.labels = {samples.labels, rows};
  if (samples.weights != nullptr) block.weights = {samples.weights, rows};
  block.bytes = {from, reinterpret_cast<const std::byte*>(from.get())};
  return block;
}

// What narrowed blocks look at.
class Narrowed {
 public:
  Narrowed(Dataset from, const Layout& layout)
      : all_(layout),
        norms_(from.rows()),
        coordinates_(reinterpret_cast<const std::byte*>(from.indices().data())),
        memory_(from.take_indices()),
        in_place_(memory_ != nullptr),
        data_(std::move(from)) {
    if (!in_place_) memory_ = allocate_pages(data_.nonzeros() * sizeof(Position));
  }

  // For stretches of so many rows that cover them all. Where positions take the place of coordinates, half as long, those of the
  // second half take the place of none that is still to be read when the first half is done, and so on.
  void narrow(std::size_t stretch_rows, const ParallelFor& parallel) {
    std::vector<std::size_t> rows{0};
    while (rows.back() < data_.rows()) rows.push_back(std::min(rows.back() + stretch_rows, data_.rows()));
    const auto end = [&](std::size_t stretch) { return data_.offsets()[rows[stretch]]; };
    for (std::size_t first = 0; first + 1 < rows.size();) {
      std::size_t last = first + 1;
      while (last + 1 < rows.size() && (!in_place_ || end(last + 1) <= 2 * end(first))) ++last;
      parallel(last - first, [&](std::size_t i) { narrow_rows(rows[first + i], rows[first + i + 1]); });
      first = last;
    }
    all_.places = {};
    if (in_place_)
      give_back(memory_.get(), data_.nonzeros() * sizeof(Coordinate), data_.nonzeros() * sizeof(Position));
  }

  // When that is done.
  void lend(std::size_t first, std::size_t rows, Block& block) const {
    const std::span offsets = data_.offsets().subspan(first, rows + 1);
    const std::size_t entries = offsets.back() - offsets.front();
    block.support = all_.support;
    block.offsets = offsets;
    block.narrow = {reinterpret_cast<const Position*>(memory_.get()) + offsets.front(), entries};
    block.values = data_.values().subspan(offsets.front(), entries);
    block.labels = data_.labels().subspan(first, rows);
    if (data_.weighted()) block.weights = data_.weights().subspan(first, rows);
    block.squared_norms = std::span(norms_).subspan(first, rows);
  }

 private:
  using Position = std::uint16_t;
  static_assert(sizeof(Coordinate) == 2 * sizeof(Position));

  void narrow_rows(std::size_t first, std::size_t last) {
    const std::size_t end = data_.offsets()[last];
    const Position* const places = all_.places.data();  // bytes that are stored might be any member's
    const std::byte* const from = coordinates_;
    std::byte* const to = memory_.get();
    for (std::size_t k = data_.offsets()[first]; k < end; ++k) {
      Coordinate c;
      std::memcpy(&c, from + k * sizeof c, sizeof c);
      std::memcpy(to + k * sizeof(Position), &places[c], sizeof(Position));
    }
    for (std::size_t i = first; i < last; ++i)
      norms_[i] = squared_norm_of(
          data_.values().subspan(data_.offsets()[i], data_.offsets()[i + 1] - data_.offsets()[i]));
  }

  AllCells all_;
  std::vector<float> norms_;
  const std::byte* coordinates_;
  std::shared_ptr<std::byte> memory_;  // of the positions
  bool in_place_;                      // where the coordinates were
  Dataset data_;                       // but for its indices
};

}  // namespace

std::vector<Block> borrow_blocks(Dataset data, const Layout& layout, std::size_t block_rows) {
  const std::size_t rows = data.rows();
  const auto from = lend(std::move(data), layout);
  std::vector<Block> blocks;
  for (std::size_t first = 0; first < rows; first += block_rows)
    blocks.push_back(borrow_rows(from, first, std::min(block_rows, rows - first)));
  return blocks;
}

Block borrow_block(Dataset data, const Layout& layout, std::size_t rows) {
  return borrow_rows(lend(std::move(data), layout), 0, rows);
}

std::vector<Block> narrow_blocks(Dataset data, const Layout& layout, std::size_t memory,
                                 std::size_t block_rows, Arena& arena) {
  const std::size_t rows = data.rows();
  const auto from = std::make_shared<Narrowed>(std::move(data), layout);
  std::vector<Block> blocks((rows + block_rows - 1) / block_rows);
  const auto rows_of = [&](std::size_t b) { return std::min(block_rows, rows - b * block_rows); };
  from->narrow(block_rows, parallel_on(arena));
  for (std::size_t b = 0; b < blocks.size(); ++b) {
    from->lend(b * block_rows, rows_of(b), blocks[b]);
    blocks[b].bytes = {from, reinterpret_cast<const std::byte*>(from.get())};
    blocks[b].memory.resize(memory * rows_of(b));
  }
  return blocks;
}

}  // namespace sounder
