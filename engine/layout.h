#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/parameters.h"
#include "io/dataset.h"
#include "io/model.h"

namespace sounder {

// Where each coordinate lives in the parameter array. Coordinates are ranked by degree (the number of samples
// that touch them), so the hot ones stand side by side: a push then changes whole cells and few cache lines,
// and the hot part of a local array stays in the first-level cache.
//
//   width 1:   cell = four coordinates, [w w w w | their state]
//   width k:   cell = one coordinate,   [w ... w | its state], padded to 16 bytes
//
// A bias has cell 0 to itself. Immutable.
class Layout {
 public:
  Layout(const Dataset& data, std::size_t width, bool bias);

  std::size_t cells() const { return first_cell() + ((ranks_.size() + per_cell() - 1) >> shift_); }
  std::size_t cell_floats() const { return cell_floats_; }
  std::size_t first_cell() const { return bias_ ? 1 : 0; }  // the first that holds weights
  bool bias() const { return bias_; }

  Cell cell(Coordinate coordinate) const {
    return static_cast<Cell>(first_cell() + (ranks_[coordinate] >> shift_));
  }
  // Of the coordinate's first float inside its cell.
  std::uint32_t offset(Coordinate coordinate) const {
    return static_cast<std::uint32_t>((ranks_[coordinate] & (per_cell() - 1)) * width_);
  }

  // Of a whole array: |w|^2 without the bias, and weights (and bias) in the order of the data's coordinates.
  double squared_norm(std::span<const float> array) const;
  void extract(std::span<const float> array, Model& model) const;

 private:
  std::size_t per_cell() const { return std::size_t{1} << shift_; }

  std::size_t width_;
  bool bias_;
  unsigned shift_;  // log2 of the coordinates in a cell
  std::size_t cell_floats_;
  std::vector<std::uint32_t> ranks_;
};

}  // namespace sounder
