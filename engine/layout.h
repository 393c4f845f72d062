#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/parameters.h"
#include "io/dataset.h"
#include "io/model.h"
#include "objectives/objective.h"

namespace sounder {

struct Options;

// What lies in a cell beside the weights, as planes, in this order.
struct Planes {
  bool reweight = false;  // n / degree
  std::size_t state = 0;  // the rule's
  bool average = false;   // what turns the weights into the mean of all iterates (engine/gradient_task.h)

  bool operator==(const Planes&) const = default;
};

// What such a run needs beside the weights.
Planes planes_of(const Options& options);

// Which coordinates have a place in the parameter array: all, or not those that no sample touches and whose weights
// stay at 0.
enum class Held { kAll, kTouched };
// As training goes: weights that no sample touches have no place, if they stay at 0.
Held held_by(const Objective& objective, const Options& options);

// Where each coordinate lives in the parameter array. Coordinates are ranked by degree (the number of samples
// that touch them), so the hot ones stand side by side: a push then changes whole cells and few cache lines,
// and the hot part of a local array stays in the first-level cache.
//
//   width 1:   cell = four coordinates, [w w w w | reweight x 4 | state x 4 | ... | average x 4]
//   width k:   cell = one coordinate,   [w ... w | reweight | state | ... | average x k], padded to 16 bytes
//
// Common coordinates (Shape::common, and a bias is one) have the first cells, one each. Immutable.
class Layout {
 public:
  // Data with weights holds all: samples of weight 0 touch what no degree tells of.
  Layout(const Dataset& data, const Shape& shape, bool bias, Planes planes = {}, Held held = Held::kAll);
  // From how many of so many samples, all of weight 1, touch each coordinate.
  Layout(std::span<const std::uint32_t> degrees, std::size_t rows, const Shape& shape, bool bias,
         Planes planes = {}, Held held = Held::kAll, float common_reweight = 1);

  // One coordinate after the other as the data has them, for problems without anything else in their cells.
  static Layout of_data(std::size_t dimension, const Shape& shape);

  std::size_t dimension() const { return ranks_.size(); }
  std::size_t cells() const { return common_ + ((held_ + per_cell() - 1) >> shift_); }
  std::size_t width() const { return width_; }  // floats a coordinate
  std::size_t cell_floats() const { return cell_floats_; }
  std::size_t weight_floats() const { return per_cell() * width_; }  // of the cell_floats(), the first
  std::size_t state_floats() const { return width_ == 1 ? per_cell() : 1; }  // a plane of state or reweights
  std::size_t common() const { return common_; }  // cells that all samples share, the first ones
  const Planes& planes() const { return planes_; }
  bool ranked() const { return ranked_; }  // by degree: else it is of_data()
  // The first cell with no coordinate that more than about `share` of the samples touch, a power of two.
  Cell hot_end(double share) const;
  // Of a ranked layout: how many cells so many samples drawn at random touch, about.
  double touched_cells(std::size_t samples) const;

  // Where ranks lead. A small value: a loop that stores keeps a copy of it in registers.
  struct Places {
    const std::uint32_t* ranks;
    std::uint32_t common;
    std::uint32_t width;
    unsigned shift;

    Cell cell(std::uint32_t rank) const { return common + (rank >> shift); }
    std::uint32_t offset(std::uint32_t rank) const { return (rank & ((1U << shift) - 1)) * width; }
  };
  Places places() const {
    return {ranks_.data(), static_cast<std::uint32_t>(common_), static_cast<std::uint32_t>(width_), shift_};
  }

  // Of a coordinate that is held.
  Cell cell(Coordinate coordinate) const { return places().cell(ranks_[coordinate]); }
  // Of the coordinate's first float inside its cell.
  std::uint32_t offset(Coordinate coordinate) const { return places().offset(ranks_[coordinate]); }

  // What an array of cells means to the mathematics; common cells must come first in it.
  LocalWeights local(float* cells) const;
  ConstWeights weights(const float* cells, float scale = 1) const;
  // The plane of averages, where there is one.
  float* average(float* cells) const { return cells + average_place(); }

  // Of an array of cells: sums of |w| and w^2 without what is common.
  struct Norms {
    double l1 = 0;
    double squared = 0;
  };
  Norms norms(std::span<const float> array) const;

  // Calls body(coordinate, place of its first float in the array of all cells, degree / n) for each coordinate that is
  // held.
  template <class Body>
  void for_each(Body&& body) const {
    for (std::size_t c = 0; c < ranks_.size(); ++c) {
      if (ranks_[c] >= held_) continue;
      const auto coordinate = static_cast<Coordinate>(c);
      body(c, cell(coordinate) * cell_floats_ + offset(coordinate),
           shares_.empty() ? 0.0 : double{shares_[c]});
    }
  }

  // Of all cells: what training starts from, the weights of the objective or of a model, and the reweights. Throws
  // InputError unless the model has as many floats a coordinate and common ones, or none of these where a bias is all
  // there is.
  std::vector<float> start(const Objective& objective, std::uint64_t seed, const Model* from = nullptr) const;

  // Of an array of all cells: those of a support, one behind the other.
  std::vector<float> cells_of(std::span<const float> array, std::span<const Cell> support) const;

  // Of the whole array: the weights (and bias) in the order of the data's coordinates.
  void extract(std::span<const float> array, Model& model) const;
  Model model(std::span<const float> array, const Objective& objective, double l2, std::uint64_t rows) const;

 private:
  Layout(const Shape& shape, bool bias, Planes planes);  // without coordinates
  void take(const Model& from, std::span<float> array) const;
  void set_reweights(std::span<const std::uint32_t> degrees, std::size_t rows, float common_reweight);
  std::size_t average_place() const {
    return weight_floats() + ((planes_.reweight ? 1 : 0) + planes_.state) * state_floats();
  }
  std::size_t per_cell() const { return std::size_t{1} << shift_; }

  std::size_t width_;
  std::size_t common_;
  Planes planes_;
  unsigned shift_;  // log2 of the coordinates in a cell
  std::size_t cell_floats_;
  std::vector<std::uint32_t> ranks_;
  std::size_t held_ = 0;  // the ranks below it
  bool ranked_ = true;
  std::array<std::uint32_t, 32> hot_{};  // [k]: coordinates that at least n / 2^k samples touch
  std::vector<float> reweights_;         // state_floats() a cell; empty without the plane
  std::vector<float> shares_;            // Shape::terms: degree / n of each coordinate; else empty
};

// Of such data, by degree.
Layout ranked_layout(const Dataset& data, const Objective& objective, const Options& options);

}  // namespace sounder
