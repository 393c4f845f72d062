#include "engine/batches.h"

#include <algorithm>
#include <utility>

#include "engine/arena.h"

namespace sounder {

Batches::Batches(const BlockMaker& maker, std::span<const std::uint32_t> order, std::size_t batch_rows,
                 std::size_t groups, std::vector<Block>& blocks)
    : maker_(maker),
      order_(order),
      batch_rows_(batch_rows),
      groups_(groups),
      blocks_(blocks),
      components_(maker.data().dimension()),
      begun_((order.size() + batch_rows - 1) / batch_rows),
      positions_(begun_.size() * groups) {
  blocks_.resize(positions_.size());
}

Units Batches::units() {
  Units units{.unit_blocks = groups_, .begin = [this](std::size_t batch) { begin(batch); }};
  for (std::size_t batch = 0; batch < begun_.size(); ++batch)
    units.rows.push_back(static_cast<std::uint32_t>(rows_of(batch).size()));
  return units;
}

std::span<const std::uint32_t> Batches::rows_of(std::size_t batch) const {
  const std::size_t first = batch * batch_rows_;
  return order_.subspan(first, std::min(batch_rows_, order_.size() - first));
}

void Batches::begin(std::size_t batch) {
  if (begun_[batch]) return;
  begun_[batch] = true;
  components_.find(maker_.data(), rows_of(batch));
  std::ranges::move(components_.deal(groups_),
                    positions_.begin() + static_cast<std::ptrdiff_t>(batch * groups_));
}

void Batches::build(std::uint32_t block) {
  const std::vector<std::uint32_t> positions = std::exchange(positions_[block], {});
  if (positions.empty()) return;
  const std::span<const std::uint32_t> batch = rows_of(block / groups_);
  std::vector<std::uint32_t> rows;
  std::vector<std::uint32_t> gaps;
  std::uint32_t expected = 0;
  for (const std::uint32_t position : positions) {
    rows.push_back(batch[position]);
    gaps.push_back(position - expected);
    expected = position + 1;
  }
  blocks_[block] = maker_.make(rows);
  blocks_[block].gaps = std::move(gaps);
}

void Batches::build_rest(Arena& arena) {
  for (std::size_t batch = 0; batch < begun_.size(); ++batch) begin(batch);
  arena.parallel_for(blocks_.size(), [this](std::size_t block) { build(static_cast<std::uint32_t>(block)); });
}

}  // namespace sounder
