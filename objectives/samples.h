#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <variant>

#include "io/dataset.h"
#include "objectives/kernels.h"

namespace sounder {

// A group of samples whose supports are written as positions in a local array of floats, which is all that
// the mathematics sees of a block (where the local array is a pulled copy) or of a whole Dataset (where it is
// the weights themselves). Position p of a coordinate of width k means local[p] ... local[p + k - 1].
//
// A view. Positions are 16-bit where the local array allows it: half the memory traffic of a gradient is
// indices.
struct Samples {
  using Positions = std::variant<const std::uint16_t*, const std::uint32_t*>;

  std::span<const std::uint64_t> offsets;  // rows + 1; row i holds entries offsets[i] - offsets[0] and on
  std::size_t pairs = 0;                   // without offsets: so many rows of two entries each
  Positions positions;
  const float* values = nullptr;  // null: all 1, for objectives of pairs
  const float* labels = nullptr;
  const float* weights = nullptr;  // null: every sample weighs 1
  // Needed by Objective::step only.
  const float* squared_norms = nullptr;  // |x|^2 of each sample; null: worked out when asked for
  // RuleTraits::memory: what the rule keeps for each sample, float after float: the k-th of sample i at
  // memory[k * memory_stride + i].
  float* memory = nullptr;
  std::size_t memory_stride = 0;
  const std::uint32_t* gaps = nullptr;  // samples that others process, in between, before each; null: none

  std::size_t rows() const { return offsets.empty() ? pairs : offsets.size() - 1; }
  std::uint64_t nonzeros() const { return offsets.empty() ? 2 * pairs : offsets.back() - offsets.front(); }
  std::uint32_t gap(std::size_t row) const { return gaps == nullptr ? 0 : gaps[row]; }
  float weight(std::size_t row) const { return weights == nullptr ? 1.0F : weights[row]; }

  float squared_norm(std::size_t row) const;

  // The rows [first, first + count).
  Samples part(std::size_t first, std::size_t count) const;
};

// |x|^2, cut off at the largest float: an implicit step along such a row is zero for all purposes.
float squared_norm_of(std::span<const float> values);

inline float Samples::squared_norm(std::size_t row) const {
  if (squared_norms != nullptr) return squared_norms[row];
  return squared_norm_of({values + (offsets[row] - offsets[0]), offsets[row + 1] - offsets[row]});
}

inline Samples Samples::part(std::size_t first, std::size_t count) const {
  const std::size_t entries = offsets.empty() ? 2 * first : offsets[first] - offsets[0];
  const auto from = [](auto* begin, std::size_t k) { return begin == nullptr ? nullptr : begin + k; };
  Samples part = *this;
  if (!offsets.empty()) part.offsets = offsets.subspan(first, count + 1);
  part.pairs = offsets.empty() ? count : 0;
  part.positions = std::visit([&](auto* begin) { return Positions(begin + entries); }, positions);
  part.values = from(values, entries);
  part.labels = from(labels, first);
  part.weights = from(weights, first);
  part.squared_norms = from(squared_norms, first);
  part.memory = from(memory, first);
  part.gaps = from(gaps, first);
  return part;
}

// One sample of `Samples`, with the type of its positions resolved.
template <class Position>
struct LocalRow {
  const Position* positions;
  const float* values;
  std::size_t size;
  const Kernels<Position>* kernels;

  float dot(const float* local) const { return kernels->dot(positions, values, size, local); }
  void add_to(float* local, float factor) const { kernels->axpy(positions, values, size, factor, local); }
};

struct Measures {
  float dot;           // with the local array
  float squared_norm;  // Samples::squared_norm
};

// Of the row of that number, in one pass over its values where both are worked out.
template <class Position>
Measures measure(const Samples& samples, std::size_t number, const LocalRow<Position>& row,
                 const float* local) {
  constexpr std::size_t kExact = 1024;  // a sum of more floats would not be
  if (samples.squared_norms != nullptr || row.size > kExact)
    return {row.dot(local), samples.squared_norm(number)};
  float squared = 0;
  const float dot = row.kernels->measure(row.positions, row.values, row.size, local, &squared);
  return {dot, std::min(squared, std::numeric_limits<float>::max())};
}

// Calls body(row number, LocalRow) for every sample, in order.
template <class Body>
void for_each_row(const Samples& samples, Body&& body) {
  std::visit(
      [&]<class Position>(const Position* positions) {
        const auto& chosen = kernels<Position>();
        const std::uint64_t first = samples.offsets.empty() ? 0 : samples.offsets[0];
        for (std::size_t i = 0; i + 1 < samples.offsets.size(); ++i) {
          const std::uint64_t begin = samples.offsets[i] - first;
          const auto size = static_cast<std::size_t>(samples.offsets[i + 1] - samples.offsets[i]);
          body(i, LocalRow<Position>{positions + begin, samples.values + begin, size, &chosen});
        }
      },
      samples.positions);
}

// Calls body(row number, positions) for every sample, in order, for objectives that read no values: `positions` is the
// sample's support, a std::span of 16- or 32-bit numbers.
template <class Body>
void for_each_support(const Samples& samples, Body&& body) {
  std::visit(
      [&]<class Position>(const Position* positions) {
        for (std::size_t i = 0; i < samples.pairs; ++i) body(i, std::span(positions + 2 * i, 2));
        for (std::size_t i = 0; i + 1 < samples.offsets.size(); ++i) {
          const std::uint64_t begin = samples.offsets[i] - samples.offsets[0];
          const auto size = static_cast<std::size_t>(samples.offsets[i + 1] - samples.offsets[i]);
          body(i, std::span(positions + begin, size));
        }
      },
      samples.positions);
}

// Rows [first, first + count) of a data set, positions being its coordinates.
inline Samples samples_of(const Dataset& data, std::size_t first, std::size_t count) {
  const std::uint64_t begin = data.offsets()[first];
  return {.offsets = data.offsets().subspan(first, count + 1),
          .positions = data.indices().data() + begin,
          .values = data.values().data() + begin,
          .labels = data.labels().data() + first,
          .weights = data.weighted() ? data.weights().data() + first : nullptr};
}

}  // namespace sounder
