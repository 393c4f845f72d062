#pragma once

#include <cstddef>
#include <cstdint>

namespace sounder {

// Sparse kernels on a local array, for 16- and 32-bit positions, each compiled for several instruction sets
// and chosen once for the processor at hand. Positions of one row are distinct. Thread-safe.
template <class Position>
struct Kernels {
  // sum of values[k] * local[positions[k]]
  float (*dot)(const Position* positions, const float* values, std::size_t size, const float* local);
  // The same, and the sum of values[k]^2, which is to fit a float: of a thousand values or so it is exact to seven
  // digits.
  float (*measure)(const Position* positions, const float* values, std::size_t size, const float* local,
                   float* squared_norm);
  // local[positions[k]] += factor * values[k]
  void (*axpy)(const Position* positions, const float* values, std::size_t size, float factor, float* local);
};

template <class Position>
const Kernels<Position>& kernels();
template <>
const Kernels<std::uint16_t>& kernels();
template <>
const Kernels<std::uint32_t>& kernels();

// The instruction set in use ("AVX2", ...), for reports.
const char* kernel_target();

}  // namespace sounder
