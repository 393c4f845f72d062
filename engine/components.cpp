#include "engine/components.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <functional>
#include <limits>
#include <numeric>
#include <queue>
#include <utility>

#include "engine/deal.h"

namespace sounder {
namespace {

constexpr std::uint32_t kLastNumber = std::numeric_limits<std::uint32_t>::max();
constexpr std::size_t kRowsAhead = 8;
constexpr unsigned kDigitBits = 11;
constexpr std::uint64_t kDigits = 1U << kDigitBits;

std::span<const Coordinate> support(const Dataset& data, std::uint32_t row) {
  assert(row < data.rows());
  const std::uint64_t begin = data.offsets()[row];
  return data.indices().subspan(begin, data.offsets()[row + 1] - begin);
}

// The rows of a batch lie anywhere in memory; inside one, the hardware sees what comes next.
void prefetch(std::span<const Coordinate> support) {
  __builtin_prefetch(support.data());
  __builtin_prefetch(support.data() + support.size());
}

}  // namespace

Components::Components(std::size_t coordinates, std::uint32_t first_number)
    : touched_by_(coordinates, 0), batch_begin_(first_number) {
  assert(first_number > 0);
}

void Components::find(const Dataset& data, std::span<const std::uint32_t> batch) {
  assert(data.dimension() <= touched_by_.size() && batch.size() < kLastNumber);
  begin_batch(batch.size());
  for (std::size_t k = 0; k < batch.size(); ++k) {
    if (k + kRowsAhead < batch.size()) prefetch(support(data, batch[k + kRowsAhead]));
    connect(support(data, batch[k]), static_cast<std::uint32_t>(k));
  }
  label_samples(data, batch);
}

void Components::begin_batch(std::size_t samples) {
  batch_begin_ += static_cast<std::uint32_t>(labels_.size());
  if (samples > kLastNumber - batch_begin_) {
    std::ranges::fill(touched_by_, 0U);
    batch_begin_ = 1;
  }
  labels_.resize(samples);
  std::iota(labels_.begin(), labels_.end(), 0U);
}

void Components::connect(std::span<const Coordinate> support, std::uint32_t sample) {
  for (const Coordinate c : support) {
    std::uint32_t& number = touched_by_[c];
    if (number < batch_begin_) {
      number = batch_begin_ + sample;
    } else {
      unite(sample, number - batch_begin_);
    }
  }
}

// Climbs from both at once, always from the one with the higher parent, and hangs what it leaves behind below
// the lower one.
void Components::unite(std::uint32_t a, std::uint32_t b) {
  while (labels_[a] != labels_[b]) {
    if (labels_[a] < labels_[b]) std::swap(a, b);
    const std::uint32_t parent = std::exchange(labels_[a], labels_[b]);
    if (parent == a) return;
    a = parent;
  }
}

void Components::label_samples(const Dataset& data, std::span<const std::uint32_t> batch) {
  sizes_.clear();
  for (std::uint32_t k = 0; k < batch.size(); ++k) {
    if (labels_[k] == k) {
      labels_[k] = static_cast<std::uint32_t>(sizes_.size());
      sizes_.emplace_back();
    } else {
      labels_[k] = labels_[labels_[k]];  // the parent comes before and has its label
    }
    Size& size = sizes_[labels_[k]];
    ++size.samples;
    size.nonzeros += support(data, batch[k]).size();
  }
}

Components::Size Components::largest() const {
  Size most;
  for (const Size& size : sizes_) {
    most.samples = std::max(most.samples, size.samples);
    most.nonzeros = std::max(most.nonzeros, size.nonzeros);
  }
  return most;
}

double Components::largest_share() const {
  std::uint64_t all = 0;
  for (const Size& size : sizes_) all += size.nonzeros;
  return all == 0 ? 0 : static_cast<double>(largest().nonzeros) / static_cast<double>(all);
}

// A radix sort, so that the time is linear; each pass keeps equals in order.
std::vector<std::uint32_t> Components::by_falling_nonzeros() const {
  std::vector<std::uint32_t> order(count());
  std::vector<std::uint32_t> sorted(count());
  std::iota(order.begin(), order.end(), 0U);
  const std::uint64_t most = largest().nonzeros;
  for (unsigned shift = 0; most >> shift != 0; shift += kDigitBits) {
    const auto digit = [&](std::uint32_t c) { return ~(sizes_[c].nonzeros >> shift) % kDigits; };
    std::array<std::uint32_t, kDigits + 1> next{};  // next[k]: where the next one of digit k goes
    for (const std::uint32_t c : order) ++next[digit(c) + 1];
    std::partial_sum(next.begin(), next.end(), next.begin());
    for (const std::uint32_t c : order) sorted[next[digit(c)]++] = c;
    order.swap(sorted);
  }
  return order;
}

std::vector<std::vector<std::uint32_t>> Components::deal(std::size_t groups) const {
  assert(groups > 0);
  using Load = std::pair<std::uint64_t, std::size_t>;  // non-zeros, group
  std::priority_queue<Load, std::vector<Load>, std::greater<>> loads;
  for (std::size_t g = 0; g < groups; ++g) loads.emplace(0, g);

  std::vector<std::size_t> group_of(count());
  for (const std::uint32_t c : by_falling_nonzeros()) {
    const auto [load, group] = loads.top();
    loads.pop();
    loads.emplace(load + sizes_[c].nonzeros, group);
    group_of[c] = group;
  }

  std::vector<std::vector<std::uint32_t>> dealt(groups);
  for (std::uint32_t k = 0; k < labels_.size(); ++k) dealt[group_of[labels_[k]]].push_back(k);
  return dealt;
}

BatchChoice choose_batch(Components& components, const Dataset& data, std::span<const std::uint32_t> order,
                         double share) {
  const std::size_t limit = std::min(order.size(), kLargestBatch);
  BatchChoice choice;
  for (std::size_t rows = 0; rows < limit;) {
    rows = std::min(std::max(kSmallestBatch, 2 * rows), limit);
    components.find(data, order.first(rows));
    const BatchChoice tried{rows, components.largest_share()};
    const bool fit = tried.largest_share <= share;
    if (fit || choice.rows == 0) choice = tried;
    if (!fit && components.largest().samples > rows / 2) break;
  }
  return choice;
}

BatchChoice choose_batch(const Dataset& data, std::uint64_t seed) {
  Components components(data.dimension());
  return choose_batch(components, data, shuffled_rows(data.rows(), seed), kLargestShare);
}

}  // namespace sounder
