#include "io/dataset.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cassert>
#include <cmath>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "io/error.h"
#include "io/normalize.h"

namespace sounder {
namespace {

[[noreturn]] void refuse_row(std::size_t row, const std::string& what) {
  throw InputError(fmt::format("row {} (counted from 0): {}", row, what));
}

// One pass without a branch, so that it runs at the speed of memory.
bool all_finite(std::span<const float> numbers) {
  constexpr std::uint32_t kExponent = 0x7f800000;
  std::uint32_t bad = 0;
  for (const float x : numbers) bad |= (std::bit_cast<std::uint32_t>(x) & kExponent) == kExponent;
  return bad == 0;
}

bool strictly_increasing(std::span<const Coordinate> support) {
  std::uint32_t bad = 0;
  for (std::size_t k = 1; k < support.size(); ++k) bad |= support[k] <= support[k - 1];
  return bad == 0;
}

void check_count(std::string_view what, std::size_t found, std::size_t expected) {
  if (found != expected) throw InputError(fmt::format("found {} {}, expected {}", found, what, expected));
}

void check_offsets(std::span<const std::uint64_t> offsets, std::size_t rows, std::size_t nonzeros) {
  check_count("row offsets", offsets.size(), rows + 1);
  if (offsets.front() != 0)
    throw InputError(fmt::format("found a first row offset of {}, expected 0", offsets[0]));
  const auto down = std::adjacent_find(offsets.begin(), offsets.end(), std::greater<>());
  if (down != offsets.end())
    refuse_row(static_cast<std::size_t>(down - offsets.begin()),
               "it ends before it begins (row offsets decrease)");
  check_count("coordinates", nonzeros, offsets.back());
}

void check_row(std::size_t i, std::size_t dimension, const Row& row) {
  if (!strictly_increasing(row.support)) refuse_row(i, "its coordinates are not strictly increasing");
  if (!row.support.empty() && row.support.back() >= dimension)
    refuse_row(i, fmt::format("found coordinate {}, expected less than {}", row.support.back(), dimension));
  if (!all_finite(row.values)) refuse_row(i, "a value is not finite");
}

void check_labels(std::span<const float> labels) {
  if (all_finite(labels)) return;
  const auto bad = std::ranges::find_if(labels, [](float y) { return !std::isfinite(y); });
  refuse_row(static_cast<std::size_t>(bad - labels.begin()),
             fmt::format("its label is {}, expected a finite number", *bad));
}

void check_weights(std::span<const float> weights) {
  const auto bad = std::ranges::find_if(weights, [](float w) { return !(w >= 0 && std::isfinite(w)); });
  if (bad == weights.end()) return;
  refuse_row(static_cast<std::size_t>(bad - weights.begin()),
             fmt::format("its weight is {}, expected 0 or more", *bad));
}

}  // namespace

void Dataset::Columns::append(const Row& row) {
  indices.insert(indices.end(), row.support.begin(), row.support.end());
  values.insert(values.end(), row.values.begin(), row.values.end());
  offsets.push_back(indices.size());
  labels.push_back(row.label);
}

Dataset::Dataset(std::size_t dimension, Columns parts) : dimension_(dimension) {
  owned_ = std::make_shared<const Columns>(std::move(parts));
  nonzeros_owner_ = owned_;
  indices_ = owned_->indices;
  values_ = owned_->values;
  check();
}

Dataset Dataset::unchecked(std::size_t dimension, Columns beside, std::span<const Coordinate> indices,
                           std::span<const float> values, std::shared_ptr<const void> owner) {
  Dataset result;
  result.dimension_ = dimension;
  result.nonzeros_owner_ = std::move(owner);
  result.indices_ = indices;
  result.values_ = values;
  result.owned_ = std::make_shared<const Columns>(std::move(beside));
  return result;
}

Dataset Dataset::view(std::size_t dimension, std::vector<std::uint64_t> offsets,
                      std::span<const Coordinate> indices, std::span<const float> values,
                      std::vector<float> labels, std::vector<float> weights,
                      std::shared_ptr<const void> owner) {
  Dataset result = unchecked(dimension, {std::move(offsets), {}, {}, std::move(labels), std::move(weights)},
                             indices, values, std::move(owner));
  result.check();
  return result;
}

Dataset Dataset::adopt(std::size_t dimension, std::vector<std::uint64_t> offsets,
                       std::shared_ptr<std::byte> indices, std::shared_ptr<std::byte> values,
                       std::vector<float> labels) {
  const std::span all_indices(reinterpret_cast<const Coordinate*>(indices.get()), offsets.back());
  const std::span all_values(reinterpret_cast<const float*>(values.get()), offsets.back());
  Dataset result = unchecked(dimension, {std::move(offsets), {}, {}, std::move(labels), {}}, all_indices,
                             all_values, std::move(values));
  result.index_memory_ = std::move(indices);
  assert((result.check(), true));
  return result;
}

std::shared_ptr<std::byte> Dataset::take_indices() {
  if (index_memory_.use_count() != 1) return nullptr;
  std::atomic_thread_fence(std::memory_order_acquire);  // after what other owners read before they let go
  indices_ = {};
  return std::move(index_memory_);
}

void Dataset::check() const {
  check_offsets(offsets(), rows(), indices_.size());
  check_count("values", values_.size(), indices_.size());
  if (weighted()) check_count("weights", weights().size(), rows());
  check_labels(labels());
  check_weights(weights());
  for (std::size_t i = 0; i < rows(); ++i) check_row(i, dimension_, row(i));
}

Dataset Dataset::with_labels(std::vector<float> labels) const {
  check_count("labels", labels.size(), rows());
  check_labels(labels);
  Dataset result = *this;
  result.owned_ =
      std::make_shared<const Columns>(Columns{owned_->offsets, {}, {}, std::move(labels), owned_->weights});
  return result;
}

Dataset Dataset::with_weights(std::vector<float> weights) const {
  if (!weights.empty()) check_count("weights", weights.size(), rows());
  check_weights(weights);
  Dataset result = *this;
  result.owned_ =
      std::make_shared<const Columns>(Columns{owned_->offsets, {}, {}, owned_->labels, std::move(weights)});
  return result;
}

Dataset Dataset::with_dimension(std::size_t dimension) const {
  if (dimension < dimension_)
    throw InputError(fmt::format("found a dimension of {}, expected {} or more", dimension, dimension_));
  Dataset result = *this;
  result.dimension_ = dimension;
  return result;
}

Dataset::Columns Dataset::copied() const {
  return {owned_->offsets,
          {indices_.begin(), indices_.end()},
          {values_.begin(), values_.end()},
          owned_->labels,
          owned_->weights};
}

Dataset Dataset::with_columns_times(std::span<const float> factors) const {
  if (factors.size() != dimension_)
    throw InputError(
        fmt::format("found {} factors, expected {}, one for each column", factors.size(), dimension_));
  Columns parts = copied();
  for (std::size_t k = 0; k < parts.values.size(); ++k) parts.values[k] *= factors[parts.indices[k]];
  return Dataset(dimension_, std::move(parts));
}

Dataset Dataset::normalized() const {
  Columns parts = copied();
  for (std::size_t i = 0; i < rows(); ++i)
    normalize(std::span(parts.values).subspan(parts.offsets[i], parts.offsets[i + 1] - parts.offsets[i]));
  return Dataset(dimension_, std::move(parts));
}

std::vector<float> largest_of_columns(const Dataset& data) {
  std::vector<float> largest(data.dimension());
  for (std::size_t k = 0; k < data.nonzeros(); ++k) {
    float& found = largest[data.indices()[k]];
    found = std::max(found, std::fabs(data.values()[k]));
  }
  return largest;
}

std::vector<float> to_unit_columns(const Dataset& data) {
  std::vector<float> factors = largest_of_columns(data);
  for (float& factor : factors) factor = std::isnormal(factor) ? 1 / factor : 1;
  return factors;
}

void normalize(std::span<float> values) {
  double square = 0;
  for (const float x : values) square += static_cast<double>(x) * x;
  if (square == 0) return;
  const double scale = 1 / std::sqrt(square);
  for (float& x : values) x = static_cast<float>(scale * x);
}

}  // namespace sounder
