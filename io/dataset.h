#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace sounder {

// The id of a coordinate (a column of the data, a variable of the objective).
using Coordinate = std::uint32_t;

// One sample: its support, the values on it, its label and its weight. A view; valid while the Dataset lives.
struct Row {
  std::span<const Coordinate> support;
  std::span<const float> values;
  float label = 0;
  float weight = 1;
};

// n samples over d coordinates in compressed sparse rows.
//
// A Dataset is an immutable value: copies share one storage, so passing it by value is free and reading it from any
// number of threads is safe; one that was moved from may be assigned to or destroyed, nothing else. Row pointers are
// 64-bit, coordinates 32-bit, values and labels float.
class Dataset {
 public:
  // What a Dataset is made of. `offsets` has n + 1 entries; `weights` is empty (all 1) or has n.
  struct Columns {
    std::vector<std::uint64_t> offsets{0};
    std::vector<Coordinate> indices;
    std::vector<float> values;
    std::vector<float> labels;
    std::vector<float> weights;

    void append(const Row& row);  // all but its weight
  };

  Dataset() : Dataset(0, Columns{}) {}

  // Takes ownership. Throws InputError, naming the row, when the parts do not fit together, a row's coordinates are
  // not strictly increasing or not below `dimension`, a value or label is not finite, or a weight is negative.
  Dataset(std::size_t dimension, Columns parts);

  // Borrows `indices` and `values` (an Eigen matrix, a mapped file), which must outlive every copy unless `owner` holds
  // them: every copy holds `owner`. Same checks.
  static Dataset view(std::size_t dimension, std::vector<std::uint64_t> offsets,
                      std::span<const Coordinate> indices, std::span<const float> values,
                      std::vector<float> labels, std::vector<float> weights = {},
                      std::shared_ptr<const void> owner = nullptr);

  // Takes over memory of as many indices and values as the last offset says. For whoever has made them so that they
  // pass the same checks, as readers do, which is only asserted.
  static Dataset adopt(std::size_t dimension, std::vector<std::uint64_t> offsets,
                       std::shared_ptr<std::byte> indices, std::shared_ptr<std::byte> values,
                       std::vector<float> labels);

  // The memory of the indices, to be written over, if it was adopted and no other Dataset looks at it; else nothing.
  // After that nobody may ask for an index or a row here.
  std::shared_ptr<std::byte> take_indices();

  std::size_t rows() const { return labels().size(); }
  std::size_t dimension() const { return dimension_; }
  std::uint64_t nonzeros() const { return offsets().back(); }
  bool weighted() const { return !weights().empty(); }

  Row row(std::size_t i) const;
  std::span<const std::uint64_t> offsets() const { return owned_->offsets; }
  std::span<const Coordinate> indices() const { return indices_; }
  std::span<const float> values() const { return values_; }
  std::span<const float> labels() const { return owned_->labels; }
  std::span<const float> weights() const { return owned_->weights; }

  // The same samples, changed in one way. The first three share the non-zeros with this Dataset, the others copy them.

  // Throws InputError unless there is one label a row, and all are finite.
  Dataset with_labels(std::vector<float> labels) const;
  // Throws InputError unless there is one weight a row, or none (all 1), and all are finite and >= 0.
  Dataset with_weights(std::vector<float> weights) const;
  // Throws InputError for a dimension below this one's.
  Dataset with_dimension(std::size_t dimension) const;
  // Each row scaled to Euclidean length 1, but for rows of zeros, which stay.
  Dataset normalized() const;
  // The values of column c times factors[c]. Throws InputError unless there is one factor a column, and when a product
  // is not finite.
  Dataset with_columns_times(std::span<const float> factors) const;

 private:
  static Dataset unchecked(std::size_t dimension, Columns beside, std::span<const Coordinate> indices,
                           std::span<const float> values, std::shared_ptr<const void> owner);
  void check() const;
  Columns copied() const;

  std::size_t dimension_ = 0;
  std::shared_ptr<const Columns> owned_;        // offsets, labels, weights
  std::shared_ptr<const void> nonzeros_owner_;  // holds what indices_ and values_ look at; null when borrowed
  std::shared_ptr<std::byte> index_memory_;     // what indices_ looks at, where it was adopted
  std::span<const Coordinate> indices_;
  std::span<const float> values_;
};

// Here, for loops over rows of two entries.
inline Row Dataset::row(std::size_t i) const {
  assert(i < rows());
  const std::uint64_t begin = owned_->offsets[i];
  const std::uint64_t count = owned_->offsets[i + 1] - begin;
  return {indices_.subspan(begin, count), values_.subspan(begin, count), owned_->labels[i],
          weighted() ? owned_->weights[i] : 1.0F};
}

}  // namespace sounder
