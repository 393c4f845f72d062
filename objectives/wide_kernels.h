#pragma once

#include <cstddef>
#include <cstdint>

#include "objectives/samples.h"

namespace sounder {

// Kernels for coordinates of more than one float: position p stands for the `width` floats from local[p] on.
// Compiled for several instruction sets, as those of kernels.h are, and chosen once. Positions of one row are
// distinct. Thread-safe.
template <class Position>
struct WideKernels {
  // sum[j] += values[k] * local[positions[k] + j], for all k and all j < width
  void (*gather)(const Position* positions, const float* values, std::size_t size, const float* local,
                 std::size_t width, float* sum);
  // local[positions[k] + j] += values[k] * change[j]
  void (*scatter)(const Position* positions, const float* values, std::size_t size, const float* change,
                  std::size_t width, float* local);
};

template <class Position>
const WideKernels<Position>& wide_kernels();
template <>
const WideKernels<std::uint16_t>& wide_kernels();
template <>
const WideKernels<std::uint32_t>& wide_kernels();

// The same for a row of samples.h.
template <class Position>
void gather(const LocalRow<Position>& row, const float* local, std::size_t width, float* sum) {
  wide_kernels<Position>().gather(row.positions, row.values, row.size, local, width, sum);
}
template <class Position>
void scatter(const LocalRow<Position>& row, const float* change, std::size_t width, float* local) {
  wide_kernels<Position>().scatter(row.positions, row.values, row.size, change, width, local);
}

}  // namespace sounder
