#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "engine/block_file.h"
#include "engine/blocks.h"
#include "engine/layout.h"
#include "engine/options.h"
#include "io/dataset.h"
#include "objectives/objective.h"

namespace sounder {

class Arena;

// Where a run has its samples from: a data set, or a block file, of which little is read before the first update. A
// small value; copies share what they are made of. The weights of a data set are scaled to a mean of 1.
class Source {
 public:
  Source(Dataset data);
  Source(std::shared_ptr<const BlockFile> file) : file_(std::move(file)) {}

  std::size_t rows() const { return file_ ? file_->shape().rows : data_.rows(); }
  std::size_t dimension() const { return file_ ? file_->shape().dimension : data_.dimension(); }
  std::uint64_t nonzeros() const { return file_ ? file_->shape().nonzeros : data_.nonzeros(); }

  const std::shared_ptr<const BlockFile>& file() const { return file_; }  // null if there is none
  const Dataset& data() const& { return data_; }                          // empty if there is a file
  Dataset data() && { return std::move(data_); }

  // Of a data set whose rows are in random order, or nearly, and epochs too few to pay for blocks that are made of them: in
  // the order of the data.
  Layout layout(const Objective& objective, const Options& options, int threads) const;

  // How many consecutive rows may be trained on in the order of the data: rows() if the labels show no order, some 32 if they
  // show a slight one, 0 if rows must be shuffled.
  std::size_t longest_run() const { return longest_run_; }

  // Whether all rows may, as if they had been shuffled.
  bool in_random_order() const { return !file_ && longest_run_ == data_.rows(); }

  // Whether then one worker on its own is faster than so many together on blocks of so many rows.
  bool better_alone(const Objective& objective, int threads, std::size_t block_rows) const;

  // Of a data set, so many rows each: made, or borrowed where that is the layout's order.
  std::vector<Block> blocks(const Layout& layout, const Objective& objective, const Options& options,
                            std::size_t block_rows, Support support, Arena& arena) &&;

  // Layout::start(), but for the bias of a linear model beside real labels, which may lie far away: it starts where it were
  // best on its own, by some of the labels.
  std::vector<float> start(const Layout& layout, const Objective& objective, const Options& options) const;

  // Of a data set: the largest weight x |x|^2 of a row; without those, from the largest on, that hold less than such a share of
  // all.
  double longest_row(double but = 0) const;

  // Rows at random as one block, as many as that or, of a file, some thousand at most.
  Block sample(const Layout& layout, std::size_t rows, std::size_t memory, std::uint64_t seed) const;

  // Mean loss of w = 0 and a bias. Of a file it takes the labels as they lie there, of which nothing is checked yet.
  double loss_of_zero(const Objective& objective, float bias = 0) const;

 private:
  Dataset data_;
  std::shared_ptr<const BlockFile> file_;
  std::size_t longest_run_ = 0;
};

}  // namespace sounder
