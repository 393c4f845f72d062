#include "engine/layout.h"

#include <algorithm>

namespace sounder {
namespace {

constexpr std::size_t kCellAlignment = 4;  // floats

// Ranks by falling degree, equal degrees in order of the coordinate: a counting sort.
std::vector<std::uint32_t> rank_by_degree(const Dataset& data) {
  std::vector<std::uint32_t> degrees(data.dimension(), 0);
  for (const Coordinate c : data.indices()) ++degrees[c];
  std::vector<std::uint32_t> next(data.rows() + 2, 0);  // next[k]: the first rank of degree n - k
  for (const std::uint32_t degree : degrees) ++next[data.rows() - degree + 1];
  for (std::size_t k = 1; k < next.size(); ++k) next[k] += next[k - 1];
  for (std::uint32_t& degree : degrees) degree = next[data.rows() - degree]++;
  return degrees;
}

}  // namespace

Layout::Layout(const Dataset& data, std::size_t width, bool bias)
    : width_(width),
      bias_(bias),
      shift_(width == 1 ? 2 : 0),
      cell_floats_((width * per_cell() + kCellAlignment - 1) / kCellAlignment * kCellAlignment),
      ranks_(rank_by_degree(data)) {}

double Layout::squared_norm(std::span<const float> array) const {
  double sum = 0;
  for (std::size_t cell = first_cell(); cell < cells(); ++cell) {
    for (const float w : array.subspan(cell * cell_floats_, per_cell() * width_)) sum += double{w} * w;
  }
  return sum;
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

}  // namespace sounder
