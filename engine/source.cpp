#include "engine/source.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <span>
#include <vector>

#include "engine/arena.h"
#include "engine/block_pieces.h"
#include "engine/borrowed_blocks.h"
#include "engine/deal.h"
#include "engine/evaluate.h"
#include "io/pages.h"
#include "io/random.h"

namespace sounder {
namespace {

constexpr std::size_t kMostSampleRows = 4096;

// Blocks need no more than samples, one coordinate a column and whole cells without anything beside the weights.
bool may_lie(const Objective& objective, const Options& options) {
  return objective.shape().linear() && !options.bias && planes_of(options) == Planes{} &&
         objective.memory(options.rule) == 0 && discipline_of(options) == Discipline::kAtomic &&
         options.block_rows == 0 && options.refresh_rows == 0 && pushes_at_once(options) &&
         on_any_node(options);
}

// With weights of a mean of 1, so that a step means the same as without any.
Dataset scaled(Dataset data) {
  const double sum = std::accumulate(data.weights().begin(), data.weights().end(), 0.0);
  if (sum == 0) return data;
  const double scale = static_cast<double>(data.rows()) / sum;
  std::vector<float> weights;
  for (const double weight : data.weights())  // -0, too, is 0
    weights.push_back(static_cast<float>(std::fabs(weight) * scale));
  return data.with_weights(std::move(weights));
}

// Of all rows, in nanoseconds; smooth ones mostly take an exponential. Wide models wait for memory in any case.
double slopes(const Dataset& data, const Objective& objective) {
  if (needs_wide(data.dimension())) return 0;
  return (objective.smooth() ? 38 : 8) * static_cast<double>(data.rows());
}

// Workers do not see all that the others do, and on the steep first epochs of a smooth loss need so many times those of one, the more
// the larger a part of the rows that is. Of wide models it was not measured apart.
double lag(const Dataset& data, const Objective& objective, int threads) {
  if (threads == 1) return 1;
  if (needs_wide(data.dimension())) return objective.smooth() ? 2 : 1.3;
  return objective.smooth() ? std::min(1.4, 1.1 + 4000 / static_cast<double>(data.rows())) : 1;
}

// To begin and to end an epoch together, in nanoseconds.
double meeting(int threads) {
  return threads > 1 ? 3e4 : 0;
}

// What an epoch takes on data as it lies, more or less, in nanoseconds.
struct Lying {
  // `parts`: blocks of a worker, where all of them go through the data.
  Lying(const Dataset& data, const Objective& objective, int threads, double parts)
      : alone((kStep + kWide) * static_cast<double>(data.nonzeros()) + slopes(data, objective)),
        together(
            lag(data, objective, threads) *
            (alone / threads + parts * kMove * static_cast<double>(data.dimension()) + meeting(threads))) {}

  static constexpr double kStep = 0.8;  // a non-zero
  // What wider rows, columns without order and rows in the file's add to it.
  static constexpr double kWide = 0.35;
  static constexpr double kMove = 2;  // a coordinate, mostly from another core's cache

  double alone;     // one worker
  double together;  // all of them, each moving the whole model to and fro with each of its blocks
};

// The same on blocks, and what it takes to make them.
struct Made {
  Made(const Dataset& data, const Objective& objective, int epochs, int threads, bool in_random_order) {
    const bool whole = !needs_wide(data.dimension());
    const double share = static_cast<double>(data.nonzeros()) / threads;
    const double coordinates = whole ? static_cast<double>(data.dimension()) : 0;
    making = kBegin + kRank * coordinates;
    making += (!whole ? kTouched : in_random_order ? kNarrowed : kCopied) * share;
    epoch = Lying::kStep * share + slopes(data, objective) / threads;
    if (threads > 1) epoch += kMove * kMoves / std::min(epochs, kMoves) * coordinates;
    epoch = lag(data, objective, threads) * (epoch + meeting(threads));
  }

  static constexpr double kBegin = 2.5e5;
  // A coordinate, to rank them; not of wide models, where data as it lies would wait for memory in every step.
  static constexpr double kRank = 17;
  // A non-zero, of blocks that have cells of their own, or all of them, with values that move along with their rows, or not.
  static constexpr double kTouched = 6;
  static constexpr double kCopied = 5;
  static constexpr double kNarrowed = 2.5;
  // A coordinate, once an epoch to each worker and back; hot ones, more often, are few, but the more the fewer epochs there are, up to
  // so many (exchange_ends).
  static constexpr double kMove = 2.4;
  static constexpr int kMoves = 8;

  double making;
  double epoch;
};

bool lying_pays(const Dataset& data, const Objective& objective, const Options& options, int threads,
                bool in_random_order) {
  constexpr double kParts = 24;  // or more, which a plan tells
  const Lying lying(data, objective, threads, kParts);
  const Made made(data, objective, options.epochs, threads, in_random_order);
  return data.nonzeros() > 0 &&
         options.epochs * std::min(lying.alone, lying.together) <= made.making + options.epochs * made.epoch;
}

// Files are often sorted by class or by date: then labels resemble those of the next row. Their correlation, of some of them.
double resemblance(std::span<const float> labels) {
  constexpr std::size_t kPairs = 4096;
  if (labels.size() < 2) return 1;
  const std::size_t pairs = std::min(kPairs, labels.size() - 1);
  const auto at = [&](std::size_t pair) { return pair * (labels.size() - 1) / pairs; };
  double mean = 0;
  for (std::size_t pair = 0; pair < pairs; ++pair) mean += labels[at(pair)] / static_cast<double>(pairs);
  double variance = 0;
  double covariance = 0;
  for (std::size_t pair = 0; pair < pairs; ++pair) {
    const double centred = labels[at(pair)] - mean;
    variance += centred * centred;
    covariance += centred * (labels[at(pair) + 1] - mean);
  }
  return variance > 0 ? covariance / variance : 1;
}

std::size_t longest_run_of(const Dataset& data) {
  constexpr double kLittle = 0.1;
  constexpr double kSome = 0.3;
  constexpr std::size_t kRun = 32;
  const double alike = resemblance(data.labels());
  return alike < kLittle ? data.rows() : alike < kSome ? kRun : 0;
}

// So many rows, the first ones or at random, of those that weigh anything: the others say nothing of a step.
std::vector<std::uint32_t> rows_to_try(const Dataset& data, std::size_t count, bool first,
                                       std::uint64_t seed) {
  if (first && !data.weighted()) return rows_in_order(count);
  std::vector<std::uint32_t> rows = rows_in_order(data.rows());
  if (data.weighted()) std::erase_if(rows, [&](std::uint32_t row) { return data.weights()[row] == 0; });
  count = std::min(count, rows.size());
  Random random(seed);
  if (!first) draw_some(std::span(rows), count, random);
  rows.resize(count);
  return rows;
}

// Few enough for a sample of so many non-zeros that to go through all of them is less than to find those which it touches.
bool few_cells(const Layout& layout, std::uint64_t nonzeros) {
  return layout.cells() * layout.cell_floats() <= nonzeros;
}

// Of one sample with this label.
double loss_of_zero_at(const Objective& objective, float label, float bias) {
  const std::array<std::uint64_t, 2> offsets{};
  Samples one;
  one.offsets = offsets;
  one.labels = &label;
  return loss_of_zero(one, objective, bias);
}

// The lowest point of a convex function, by golden sections.
template <class Function>
double lowest_point(double low, double high, Function&& value) {
  constexpr int kSections = 40;  // of 1e-8 of the range is left
  const double part = (std::sqrt(5.0) - 1) / 2;
  double left = high - part * (high - low);
  double right = low + part * (high - low);
  double at_left = value(left);
  double at_right = value(right);
  for (int k = 0; k < kSections; ++k) {
    if (at_left <= at_right) {
      high = std::exchange(right, left);
      at_right = at_left;
      left = high - part * (high - low);
      at_left = value(left);
    } else {
      low = std::exchange(left, right);
      at_left = at_right;
      right = low + part * (high - low);
      at_right = value(right);
    }
  }
  return (low + high) / 2;
}

// What margin is best for all samples of these labels.
float best_margin(const Objective& objective, std::span<const float> labels, std::span<const float> weights) {
  const std::vector<std::uint64_t> offsets(labels.size() + 1, 0);
  Samples samples;
  samples.offsets = offsets;
  samples.labels = labels.data();
  if (!weights.empty()) samples.weights = weights.data();
  const float none = 0;
  const auto [least, most] = std::ranges::minmax(labels);
  return static_cast<float>(lowest_point(least, most, [&](double margin) {
    const auto bias = static_cast<float>(margin);
    return objective.evaluate(samples, {.weights = &none, .bias = &bias}).loss;
  }));
}

// The first blocks of a file, so many rows of them.
struct Beginning {
  Beginning(const BlockFile& file, std::size_t wanted) {
    for (std::size_t b = 0; b < file.blocks() && rows < wanted; ++b) {
      file.require(b);
      blocks.push_back(file.block(b, 0));
      taken.push_back(std::min(blocks.back().rows(), wanted - rows));
      rows += taken.back();
      entries += blocks.back().offsets[taken.back()];
    }
  }

  std::vector<Cell> support() const {
    std::vector<Cell> all;
    for (const Block& block : blocks) all.insert(all.end(), block.support.begin(), block.support.end());
    std::ranges::sort(all);
    all.erase(std::unique(all.begin(), all.end()), all.end());
    return all;
  }

  std::vector<Block> blocks;
  std::vector<std::size_t> taken;  // rows of each
  std::size_t rows = 0;
  std::size_t entries = 0;
};

// Where each cell of the one support is in the other, which has them all.
std::vector<std::uint32_t> slots_in(std::span<const Cell> all, std::span<const Cell> some) {
  std::vector<std::uint32_t> slots;
  std::uint32_t slot = 0;
  for (const Cell cell : some) {
    while (all[slot] != cell) ++slot;
    slots.push_back(slot);
  }
  return slots;
}

template <class T>
void copy_front(std::span<const T> from, std::size_t count, std::span<T> to, std::size_t at) {
  std::ranges::copy(from.first(count), to.begin() + static_cast<std::ptrdiff_t>(at));
}

// The positions of a block's entries as they are among the cells of a larger support.
template <class From, class To>
void move_positions(std::span<const From> from, std::span<const std::uint32_t> slots, std::size_t cell_floats,
                    std::span<To> to) {
  for (std::size_t k = 0; k < to.size(); ++k)
    to[k] = static_cast<To>(slots[from[k] / cell_floats] * cell_floats + from[k] % cell_floats);
}

// The first rows of a block but their values, behind the rows and entries that are there.
void append(const Block& from, std::size_t rows, std::size_t row, std::size_t entry, std::size_t cell_floats,
            const BlockPieces& to) {
  const std::size_t entries = from.offsets[rows];
  copy_front(from.labels, rows, to.labels, row);
  copy_front(from.squared_norms, rows, to.squared_norms, row);
  for (std::size_t i = 1; i <= rows; ++i) to.offsets[row + i] = entry + from.offsets[i];
  const std::vector<std::uint32_t> slots = slots_in(to.support, from.support);
  const auto move = [&](auto positions) {
    if (to.wide.empty()) {
      move_positions(positions, slots, cell_floats, to.narrow.subspan(entry, entries));
    } else {
      move_positions(positions, slots, cell_floats, to.wide.subspan(entry, entries));
    }
  };
  from.wide.empty() ? move(from.narrow) : move(from.wide);
}

// Blocks as one, of all their support.
Block join(const Beginning& parts, std::size_t cell_floats, std::size_t memory) {
  const std::vector<Cell> support = parts.support();
  const BlockExtent extent{.rows = parts.rows,
                           .cells = support.size(),
                           .entries = parts.entries,
                           .pairs = false,
                           .weighted = false,
                           .wide = needs_wide(support.size() * cell_floats)};
  const std::shared_ptr<std::byte> bytes = allocate_pages(extent.bytes());
  const std::shared_ptr<std::byte> room = allocate_pages(parts.entries * sizeof(float));
  const std::span<float> values(reinterpret_cast<float*>(room.get()), parts.entries);
  const BlockPieces to(bytes.get(), extent);
  std::ranges::copy(support, to.support.begin());
  std::size_t row = 0;
  std::size_t entry = 0;
  for (std::size_t b = 0; b < parts.blocks.size(); ++b) {
    const std::size_t entries = parts.blocks[b].offsets[parts.taken[b]];
    append(parts.blocks[b], parts.taken[b], row, entry, cell_floats, to);
    copy_front(parts.blocks[b].values, entries, values, entry);
    row += parts.taken[b];
    entry += entries;
  }
  Block block = to.block(bytes, memory * parts.rows);
  block.set_values(room, parts.entries);
  return block;
}

}  // namespace

Source::Source(Dataset data) : data_(scaled(std::move(data))), longest_run_(longest_run_of(data_)) {}

bool Source::better_alone(const Objective& objective, int threads, std::size_t block_rows) const {
  const double parts = static_cast<double>(rows()) / static_cast<double>(block_rows) / threads;
  const Lying lying(data_, objective, threads, parts);
  return threads == 1 || lying.alone <= lying.together;
}

Layout Source::layout(const Objective& objective, const Options& options, int threads) const {
  if (file_) return file_->layout(held_by(objective, options));
  if (may_lie(objective, options) && lying_pays(data_, objective, options, threads, in_random_order()) &&
      longest_run() > 0)
    return Layout::of_data(data_.dimension(), objective.shape());
  return ranked_layout(data_, objective, options);
}

std::vector<Block> Source::blocks(const Layout& layout, const Objective& objective, const Options& options,
                                  std::size_t block_rows, Support support, Arena& arena) && {
  if (!layout.ranked()) return borrow_blocks(std::move(data_), layout, block_rows);
  const Shape shape = objective.shape();
  const std::size_t memory = objective.memory(options.rule);
  const bool shuffled = shape.grouping == Grouping::kRandom && in_random_order();
  if (support == Support::kAll && shuffled && arena.nodes() == 1)
    return narrow_blocks(std::move(data_), layout, memory, block_rows, arena);
  const Deal deal =
      deal_rows(data_, shuffled ? Grouping::kInOrder : shape.grouping, block_rows, options.seed);
  return make_blocks(BlockMaker(std::move(data_), layout, memory, shape.pairs, support), deal, arena);
}

Block Source::sample(const Layout& layout, std::size_t rows, std::size_t memory, std::uint64_t seed) const {
  if (file_) return join(Beginning(*file_, std::min(rows, kMostSampleRows)), layout.cell_floats(), memory);
  const bool first = !layout.ranked() && longest_run() == data_.rows();
  if (first && !data_.weighted() && few_cells(layout, data_.offsets()[rows]))
    return borrow_block(data_, layout, rows);
  // To find which of a few cells it touches would take longer than to copy all of them for each trial.
  constexpr std::uint64_t kEach = 8;
  const bool all = layout.ranked() && !needs_wide(layout.cells() * layout.cell_floats()) &&
                   few_cells(layout, data_.nonzeros() / data_.rows() * rows / kEach);
  const Support support = all ? Support::kAll : Support::kTouched;
  return BlockMaker(data_, layout, memory, false, support).make(rows_to_try(data_, rows, first, seed));
}

std::vector<float> Source::start(const Layout& layout, const Objective& objective,
                                 const Options& options) const {
  constexpr std::size_t kLabels = 2048;
  std::vector<float> array = layout.start(objective, options.seed, options.start.get());
  const RuleTraits& rule = traits_of(options.rule);
  if (!options.bias || options.start || rule.dual || !objective.shape().linear() ||
      objective.labels() != LabelKind::kReal)
    return array;
  std::vector<float> labels;
  std::vector<float> weights;
  const auto take = [&](const float* from, const float* weight, std::size_t row) {
    labels.push_back(from[row]);
    if (weight != nullptr) weights.push_back(weight[row]);
  };
  if (file_) {
    const Beginning some(*file_, kLabels);
    for (std::size_t b = 0; b < some.blocks.size(); ++b)
      for (std::size_t row = 0; row < some.taken[b]; ++row) take(some.blocks[b].labels.data(), nullptr, row);
  } else {
    const Samples all = samples_of(data_, 0, data_.rows());
    const std::size_t count = std::min(kLabels, data_.rows());
    for (std::size_t k = 0; k < count; ++k) take(all.labels, all.weights, k * data_.rows() / count);
  }
  array[0] = best_margin(objective, labels, weights);
  return array;
}

double Source::longest_row(double but) const {
  std::vector<double> lengths;
  for (std::size_t i = 0; i < data_.rows(); ++i) {
    const Row row = data_.row(i);
    lengths.push_back(double{row.weight} * squared_norm_of(row.values));
  }
  double left = but * std::accumulate(lengths.begin(), lengths.end(), 0.0);
  std::ranges::make_heap(lengths);
  while (!lengths.empty() && (left -= lengths.front()) > 0) {
    std::ranges::pop_heap(lengths);
    lengths.pop_back();
  }
  return lengths.empty() ? 0 : lengths.front();
}

// The labels of a file's blocks lie all over it, and are looked at only where they matter.
double Source::loss_of_zero(const Objective& objective, float bias) const {
  if (!file_) return sounder::loss_of_zero(data_, objective, bias);
  if (objective.labels() == LabelKind::kTwoClass) {
    const double positive = loss_of_zero_at(objective, 1, bias);
    if (loss_of_zero_at(objective, -1, bias) == positive) return positive;
  }
  double sum = 0;
  for (std::size_t b = 0; b < file_->blocks(); ++b) {
    const Block block = file_->block(b, 0);
    sum += static_cast<double>(block.rows()) * sounder::loss_of_zero(block.samples(), objective, bias);
  }
  return sum / static_cast<double>(rows());
}

}  // namespace sounder
