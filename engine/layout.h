#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/parameters.h"
#include "io/dataset.h"
#include "io/model.h"
#include "objectives/objective.h"

namespace sounder {

// What lies in a cell beside the weights, as planes of the same shape, in this order.
struct Planes {
  bool reweight = false;  // n / degree
  std::size_t state = 0;  // the rule's
  bool average = false;   // what turns the weights into the mean of all iterates (engine/gradient_task.h)

  std::size_t count() const { return 1 + (reweight ? 1 : 0) + state + (average ? 1 : 0); }
};

// Where each coordinate lives in the parameter array. Coordinates are ranked by degree (the number of samples
// that touch them), so the hot ones stand side by side: a push then changes whole cells and few cache lines,
// and the hot part of a local array stays in the first-level cache.
//
//   width 1:   cell = four coordinates, [w w w w | reweight x 4 | state x 4 | ...]
//   width k:   cell = one coordinate,   [w ... w | reweight x k | state x k | ...], padded to 16 bytes
//
// A bias has cell 0 to itself. Immutable.
class Layout {
 public:
  Layout(const Dataset& data, std::size_t width, bool bias, Planes planes = {});

  std::size_t cells() const { return first_cell() + ((ranks_.size() + per_cell() - 1) >> shift_); }
  std::size_t cell_floats() const { return cell_floats_; }
  std::size_t weight_floats() const { return per_cell() * width_; }  // of the cell_floats(), the first
  std::size_t first_cell() const { return bias_ ? 1 : 0; }           // the first that holds weights
  bool bias() const { return bias_; }
  const Planes& planes() const { return planes_; }

  Cell cell(Coordinate coordinate) const {
    return static_cast<Cell>(first_cell() + (ranks_[coordinate] >> shift_));
  }
  // Of the coordinate's first float inside its cell.
  std::uint32_t offset(Coordinate coordinate) const {
    return static_cast<std::uint32_t>((ranks_[coordinate] & (per_cell() - 1)) * width_);
  }

  // What an array of cells means to the mathematics; with a bias, the first of them must be cell 0.
  LocalWeights local(float* cells) const;
  ConstWeights weights(const float* cells, float scale = 1) const;
  // The plane of averages, where there is one.
  float* average(float* cells) const { return cells + (planes_.count() - 1) * weight_floats(); }

  // Of an array of cells, the whole one or a pulled one: sums of |w| and w^2 without the bias.
  struct Norms {
    double l1 = 0;
    double squared = 0;
  };
  Norms norms(std::span<const float> array) const;

  // Of an array of these cells, or of all: what training starts from, all zero but for the reweights.
  void start(std::span<const Cell> cells, std::span<float> array) const;
  std::vector<float> start() const;

  // Of the whole array: the weights (and bias) in the order of the data's coordinates.
  void extract(std::span<const float> array, Model& model) const;
  Model model(std::span<const float> array, const Objective& objective, double l2, std::uint64_t rows) const;

 private:
  void set_reweights(std::span<const std::uint32_t> degrees, std::size_t rows, float bias_reweight);
  std::size_t per_cell() const { return std::size_t{1} << shift_; }

  std::size_t width_;
  bool bias_;
  Planes planes_;
  unsigned shift_;  // log2 of the coordinates in a cell
  std::size_t cell_floats_;
  std::vector<std::uint32_t> ranks_;
  std::vector<float> reweights_;  // weight_floats() a cell; empty without the plane
};

}  // namespace sounder
