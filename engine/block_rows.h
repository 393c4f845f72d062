#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/discipline.h"
#include "engine/layout.h"
#include "engine/options.h"
#include "engine/overshoot.h"
#include "engine/source.h"
#include "objectives/objective.h"

namespace sounder {

// Samples of a block, at least, where Shape::draws: with fewer, what is drawn is too often the sample itself.
inline constexpr std::size_t kLeastDrawnFrom = 128;

// How many blocks may step from the same weights.
int parallel_blocks(const DisciplineTraits& discipline, std::size_t rows, int threads);

// What a plan is made for.
struct Setting {
  const Source& data;
  const Layout& layout;
  const Objective& objective;
  const Options& options;
  int threads;
  const DisciplineTraits& discipline = traits_of(discipline_of(options));
  int parallel = options.simulate > 0 ? options.simulate : parallel_blocks(discipline, data.rows(), threads);

  Setting with_threads(int count) const { return {data, layout, objective, options, count}; }
};

// An option's value and what speaks for it, in a sentence.
template <class Value>
struct Reasoned {
  Value value;
  std::string why;
};
using Rows = Reasoned<std::size_t>;

// Whether blocks may be larger than what is safe for hot coordinates, because they refresh these.
bool may_be_large(const Setting& is);

// Whether blocks exchange nothing in between unless asked: a tile shares few of its rows and columns with those beside it.
bool stays_whole(const Setting& is);

// Rows of a worker that the others may not have seen: at most, where all rows share little, and with a schedule that begins
// with so large a step.
Rows most_stale_rows(const Setting& is);
Rows choose_stale_rows(const Setting& is, double step, const Overshoot& overshoot);

// Of a block, with so many stale rows; `shares_much` as in Overshoot.
Rows choose_block_rows(const Setting& is, const Rows& stale, bool shares_much);

// The same for objectives that know what suits them.
std::size_t settled_stale_rows(const Setting& is);
Rows settled_block_rows(const Setting& is);

// Strides::ends, for strides of so many rows; empty where workers do not keep their copies.
std::vector<Cell> exchange_ends(const Setting& is, std::size_t stride_rows);

// Of blocks of so many rows, and whether one worker may then train on the weights themselves.
Support choose_support(const Setting& is, std::size_t block_rows, std::span<const Cell> ends = {});
bool may_train_in_place(const Setting& is);

// Of a discipline that takes a sample at a time.
Rows by_sample();

// Of the blocks of a file, which is made before anyone knows for how many threads.
std::size_t stored_block_rows(std::size_t rows, std::uint64_t nonzeros, const Layout& layout,
                              const Options& options);

}  // namespace sounder
