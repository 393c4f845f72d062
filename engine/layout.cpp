#include "engine/layout.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace sounder {
namespace {

constexpr std::size_t kCellAlignment = 4;  // floats

// A sample of weight zero moves nothing, so it does not count.
std::vector<std::uint32_t> degrees_of(const Dataset& data) {
  std::vector<std::uint32_t> degrees(data.dimension(), 0);
  for (std::size_t i = 0; i < data.rows(); ++i) {
    const Row row = data.row(i);
    if (row.weight == 0) continue;
    for (const Coordinate c : row.support) ++degrees[c];
  }
  return degrees;
}

// Ranks by falling degree, equal degrees in order of the coordinate: a counting sort.
std::vector<std::uint32_t> rank_by_degree(std::span<const std::uint32_t> degrees, std::size_t rows) {
  std::vector<std::uint32_t> next(rows + 2, 0);  // next[k]: the first rank of degree n - k
  for (const std::uint32_t degree : degrees) ++next[rows - degree + 1];
  for (std::size_t k = 1; k < next.size(); ++k) next[k] += next[k - 1];
  std::vector<std::uint32_t> ranks;
  ranks.reserve(degrees.size());
  for (const std::uint32_t degree : degrees) ranks.push_back(next[rows - degree]++);
  return ranks;
}

}  // namespace

Layout::Layout(const Dataset& data, std::size_t width, bool bias, Planes planes)
    : width_(width),
      bias_(bias),
      planes_(planes),
      shift_(width == 1 ? 2 : 0),
      cell_floats_((planes.count() * width * per_cell() + kCellAlignment - 1) / kCellAlignment *
                   kCellAlignment) {
  const std::vector<std::uint32_t> degrees = degrees_of(data);
  ranks_ = rank_by_degree(degrees, data.rows());
  if (!planes.reweight) return;
  const auto moving =
      static_cast<double>(std::ranges::count_if(data.weights(), [](float w) { return w > 0; }));
  const auto rows = static_cast<double>(data.rows());
  set_reweights(degrees, data.rows(), data.weighted() ? static_cast<float>(rows / moving) : 1.0F);
}

void Layout::set_reweights(std::span<const std::uint32_t> degrees, std::size_t rows, float bias_reweight) {
  reweights_.assign(cells() * weight_floats(), 1.0F);
  if (bias_) std::fill_n(reweights_.data(), weight_floats(), bias_reweight);
  for (std::size_t c = 0; c < degrees.size(); ++c) {
    const auto coordinate = static_cast<Coordinate>(c);
    const double degree = std::max<std::uint32_t>(degrees[c], 1);
    std::fill_n(reweights_.data() + cell(coordinate) * weight_floats() + offset(coordinate), width_,
                static_cast<float>(static_cast<double>(rows) / degree));
  }
}

LocalWeights Layout::local(float* cells) const {
  LocalWeights local{.weights = cells, .bias = bias_ ? cells : nullptr};
  float* plane = cells + weight_floats();
  if (planes_.reweight) {
    local.reweight = plane;
    plane += weight_floats();
  }
  for (std::size_t k = 0; k < planes_.state; ++k, plane += weight_floats()) local.state[k] = plane;
  return local;
}

ConstWeights Layout::weights(const float* cells, float scale) const {
  return {.weights = cells, .bias = bias_ ? cells : nullptr, .scale = scale};
}

Layout::Norms Layout::norms(std::span<const float> array) const {
  Norms norms;
  for (std::size_t first = first_cell() * cell_floats_; first < array.size(); first += cell_floats_) {
    for (const float w : array.subspan(first, weight_floats())) {
      norms.l1 += std::fabs(double{w});
      norms.squared += double{w} * w;
    }
  }
  return norms;
}

void Layout::start(std::span<const Cell> cells, std::span<float> array) const {
  std::ranges::fill(array, 0.0F);
  if (reweights_.empty()) return;
  float* reweight = array.data() + weight_floats();
  for (const Cell cell : cells) {
    std::copy_n(reweights_.data() + cell * weight_floats(), weight_floats(), reweight);
    reweight += cell_floats_;
  }
}

std::vector<float> Layout::start() const {
  std::vector<Cell> all(cells());
  std::iota(all.begin(), all.end(), Cell{0});
  std::vector<float> array(cells() * cell_floats_);
  start(all, array);
  return array;
}

void Layout::extract(std::span<const float> array, Model& model) const {
  model.weights.resize(ranks_.size() * width_);
  for (std::size_t c = 0; c < ranks_.size(); ++c) {
    const auto coordinate = static_cast<Coordinate>(c);
    const float* weights = array.data() + cell(coordinate) * cell_floats_ + offset(coordinate);
    std::copy_n(weights, width_, model.weights.data() + c * width_);
  }
  model.bias.assign(array.begin(), array.begin() + static_cast<std::ptrdiff_t>(bias_ ? width_ : 0));
}

Model Layout::model(std::span<const float> array, const Objective& objective, double l2,
                    std::uint64_t rows) const {
  Model model{.objective = objective.name(),
              .objective_parameter = objective.parameter(),
              .dimension = ranks_.size(),
              .width = static_cast<std::uint32_t>(width_),
              .weights = {},
              .bias = {},
              .labels = {},
              .label_rule = {},
              .l2 = l2,
              .rows = rows};
  extract(array, model);
  return model;
}

}  // namespace sounder
