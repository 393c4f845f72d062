#include "engine/block_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <vector>

#include "engine/block_pieces.h"
#include "engine/deal.h"

namespace sounder {
namespace {

constexpr std::size_t kMostBlockRows = 1024;

// For a rule whose blocks share: their number does not matter much, but a block that alone fills all coordinates, as with
// few columns, always runs its rows in one order, and that order does not average out.
std::size_t shared_block_rows(const Source& data, int parallel) {
  const std::size_t parts = 16 * static_cast<std::size_t>(parallel);
  const std::size_t few = std::max<std::size_t>(16, data.dimension() / 8);
  return std::clamp<std::size_t>(data.rows() / parts, 1, std::min(few, kMostBlockRows));
}

// A tile is as large as its coordinates, once, fit the second-level cache.
std::size_t tile_rows(const Setting& is, std::size_t least_tiles) {
  constexpr double kTileBytes = 1 << 20;
  const double most = kTileBytes / (sizeof(float) * static_cast<double>(is.layout.cell_floats()));
  return is.data.rows() / tiles_within(is.data.data(), least_tiles, most);
}

// Of rows with so many non-zeros for each cell that there is, pulls and pushes cost little already; nor does a task of so many
// non-zeros cost much beside them.
std::size_t most_large_rows(std::size_t rows, std::uint64_t nonzeros, const Layout& layout) {
  constexpr std::size_t kEachCell = 32;
  constexpr std::size_t kEnough = std::size_t{1} << 14;
  const auto worth = static_cast<double>(std::max(kEachCell * layout.cells(), kEnough));
  const double row = static_cast<double>(nonzeros) / static_cast<double>(rows);
  return static_cast<std::size_t>(std::clamp(worth / std::max(row, 1.0), 1.0, static_cast<double>(rows)));
}

// Where blocks exchange what strides do, their number costs nothing but a shorter last stride, which is exchanged like a long one.
Rows whole_strides(std::size_t rows, std::size_t stride_rows) {
  const std::size_t strides = std::max<std::size_t>((rows + stride_rows / 2) / stride_rows, 2);
  return {strides * stride_rows,
          fmt::format("{} strides, few enough for a fine shuffle, as a block exchanges no more than they do",
                      strides)};
}

// As large as leaves every worker some blocks, all of a size, and the sampler something to shuffle.
Rows large_block_rows(const Setting& is, std::size_t stale_rows, bool shares_much) {
  constexpr std::size_t kLeast = 12;
  constexpr std::size_t kEach = 4;
  constexpr int kFewEpochs = 8;
  const std::size_t rows = is.data.rows();
  const auto workers = static_cast<std::size_t>(is.parallel);
  const std::size_t most = most_large_rows(rows, is.data.nonzeros(), is.layout);
  const bool cheap =
      choose_support(is, rows / (4 * kLeast) + 1, exchange_ends(is, stale_rows)) == Support::kAll;
  // Where rows share a direction, columns that are not hot overshoot, too, with what a large block brings in at once; and few
  // epochs have no time to make up for what the others did not see.
  const bool careful = shares_much || is.options.epochs <= kFewEpochs;
  const std::size_t least = std::max(cheap ? 4 * kLeast : careful ? 2 * kLeast : kLeast, kEach * workers);
  const std::size_t blocks = std::max(least, rows / most);
  const std::size_t even = (blocks + workers - 1) / workers * workers;
  if (cheap) return whole_strides(rows / even, stale_rows);
  const std::size_t large = (rows + even - 1) / even;
  if (large <= stale_rows) return {stale_rows, "as many as other threads may do without having seen"};
  return {
      large,
      blocks > least
          ? "large enough that pulls and pushes cost little"
          : fmt::format("as large as leaves {} blocks, as large ones touch shared columns less often", even)};
}

// Whether blocks whose support is all cells save more as they are made than the run spends on those that they do not touch.
// Where workers keep their copies (`ends`, as in Strides), a cell that is not touched moves once an epoch to each and back.
bool all_cells_pay(const Setting& is, std::size_t block_rows, std::span<const Cell> ends) {
  constexpr double kMove = 0.4;  // nanoseconds a float, of a pull and a push that changes nothing
  const double saved = is.data.in_random_order() ? 4 : 2.5;  // a non-zero
  const double blocks = static_cast<double>(is.data.rows()) / static_cast<double>(block_rows);
  const auto cells = static_cast<double>(is.layout.cells());
  const double moved = ends.empty() ? cells * blocks : cells * is.threads;
  const double more = moved - is.layout.touched_cells(block_rows) * blocks;
  return more * static_cast<double>(is.layout.cell_floats()) * kMove * is.options.epochs <=
         saved * static_cast<double>(is.data.nonzeros());
}

// Of blocks in a file: no more cells than 16-bit positions can tell apart, so that it is small.
std::size_t most_stored_rows(std::size_t rows, std::uint64_t nonzeros, const Layout& layout) {
  constexpr std::size_t kMost = 2048;
  constexpr std::size_t kNarrow = std::size_t{1} << 16;
  if (layout.cells() * layout.cell_floats() <= kNarrow) return kMost;
  const std::size_t row_floats = nonzeros / rows * layout.cell_floats() + 1;
  return std::clamp<std::size_t>(kNarrow / row_floats, 1, kMost);
}

}  // namespace

// What is to be the same for any number of threads may not ask for it: then as many as leave blocks of some 256 rows, but
// enough for two threads.
int parallel_blocks(const DisciplineTraits& discipline, std::size_t rows, int threads) {
  constexpr std::size_t kRowsEach = 8192;
  if (discipline.disjoint) return 1;
  if (!discipline.any_threads_same) return threads;
  return static_cast<int>(std::bit_floor(std::clamp<std::size_t>(rows / kRowsEach, 2, 16)));
}

bool may_be_large(const Setting& is) {
  return is.layout.ranked() && may_refresh(is.options) && is.parallel > 1 && is.discipline.refreshes &&
         is.options.simulate == 0;
}

bool stays_whole(const Setting& is) {
  return is.objective.shape().grouping == Grouping::kTiles && is.options.refresh_rows == 0;
}

Rows most_stale_rows(const Setting& is) {
  const std::size_t run = is.layout.ranked() ? is.data.rows() : is.data.longest_run();
  const std::size_t parts = is.parallel > 2 ? 32 : 24;
  const std::size_t all = parts * static_cast<std::size_t>(is.parallel);
  const std::size_t most = std::clamp<std::size_t>(is.data.rows() / all, 1, kMostBlockRows);
  if (run < most)
    return {run, "more would follow one another in the order of the data, where labels are alike"};
  return {most, most == kMostBlockRows
                    ? "longer blocks gain little"
                    : fmt::format("small enough to leave {} or more for each thread", parts)};
}

Rows choose_stale_rows(const Setting& is, double step, const Overshoot& overshoot) {
  constexpr std::size_t kLeast = 32;
  Rows most = most_stale_rows(is);
  // In a single epoch steps have fallen half as far by the time it matters; of a loss with kinks they end where its slope does.
  const bool early = is.options.epochs == 1 && is.objective.smooth();
  const double safe = overshoot.rows_at(early ? 2 * step : step);
  if (safe >= static_cast<double>(most.value)) return most;
  return {
      std::max(static_cast<std::size_t>(safe), std::min(kLeast, most.value)),
      fmt::format("more from {} workers at a time might overshoot along what all rows share", is.parallel)};
}

bool may_train_in_place(const Setting& is) {
  return is.threads == 1 && discipline_of(is.options) == Discipline::kAtomic && pushes_at_once(is.options) &&
         !is.layout.planes().average && on_any_node(is.options);
}

Support choose_support(const Setting& is, std::size_t block_rows, std::span<const Cell> ends) {
  const Shape shape = is.objective.shape();
  const bool random = shape.grouping == Grouping::kRandom && !shape.pairs;
  const bool whole = is.discipline.refreshes && pushes_at_once(is.options);
  const bool narrow = !needs_wide(is.layout.cells() * is.layout.cell_floats());
  if (is.data.file() || !is.layout.ranked() || !random || !whole || !narrow) return Support::kTouched;
  return may_train_in_place(is) || all_cells_pay(is, block_rows, ends) ? Support::kAll : Support::kTouched;
}

std::vector<Cell> exchange_ends(const Setting& is, std::size_t stride_rows) {
  // All workers' samples with a coordinate from one exchange to the next, or up to twice as many. Few epochs have no time to
  // make up for what workers did not see of each other.
  const double met = 4 * std::min(is.options.epochs, 8);
  std::vector<Cell> ends;
  if (!may_be_large(is) || is.options.tau > 0 || stride_rows == 0) return ends;
  const double epoch = static_cast<double>(is.data.rows()) / is.parallel;  // a worker's rows of it
  for (auto rows = static_cast<double>(stride_rows); rows < epoch; rows *= 2)
    ends.push_back(is.layout.hot_end(std::min(met / (is.parallel * rows), 1.0)));
  ends.push_back(static_cast<Cell>(is.layout.cells()));
  return ends;
}

Rows by_sample() {
  return {1, "the discipline takes a sample at a time"};
}

Rows choose_block_rows(const Setting& is, const Rows& stale, bool shares_much) {
  if (one_sample_blocks(is.options)) return by_sample();
  if (traits_of(is.options.rule).shares)
    return {shared_block_rows(is.data, is.parallel),
            "few enough that the rows of a block come in another order every epoch"};
  return may_be_large(is) ? large_block_rows(is, stale.value, shares_much) : stale;
}

std::size_t settled_stale_rows(const Setting& is) {
  return std::max<std::size_t>(is.objective.shape().most_stale_rows / static_cast<std::size_t>(is.parallel),
                               1);
}

Rows settled_block_rows(const Setting& is) {
  if (one_sample_blocks(is.options)) return by_sample();
  const Shape shape = is.objective.shape();
  const std::size_t parts = shape.worker_blocks * static_cast<std::size_t>(is.parallel);
  const bool tiles = shape.grouping == Grouping::kTiles;
  const std::size_t rows = std::clamp<std::size_t>(tiles ? tile_rows(is, parts) : is.data.rows() / parts, 1,
                                                   shape.most_block_rows);
  const std::size_t stale = settled_stale_rows(is);
  if (!may_be_large(is) && stale < rows)
    return {stale, fmt::format("{} in flight at a time are as many as {} bears", shape.most_stale_rows,
                               is.objective.name())};
  return {rows, tiles && rows < shape.most_block_rows
                    ? "as many as leave each thread enough and have coordinates that fit its cache"
                    : fmt::format("{} or more for each thread, of {} rows at most", shape.worker_blocks,
                                  shape.most_block_rows)};
}

std::size_t stored_block_rows(std::size_t rows, std::uint64_t nonzeros, const Layout& layout,
                              const Options& options) {
  constexpr std::size_t kLeastBlocks = 64;
  constexpr std::size_t kDualRows = 64;
  constexpr std::size_t kUnrefreshedRows = 256;
  const RuleTraits& rule = traits_of(options.rule);
  std::size_t most = most_stored_rows(rows, nonzeros, layout);
  if (rule.dual) {
    most = std::min(most, kDualRows);
  } else if (rule.shares || !may_refresh(options)) {
    most = std::min(most, kUnrefreshedRows);
  }
  return std::clamp<std::size_t>(rows / kLeastBlocks, 1, most);
}

}  // namespace sounder
