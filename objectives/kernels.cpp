#include "objectives/kernels.h"

#include <bit>
#include <cstring>

#include "objectives/quad.h"

// Highway compiles what lies between HWY_BEFORE_NAMESPACE and HWY_AFTER_NAMESPACE once per instruction set,
// by including this file again.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "objectives/kernels.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>

#include "objectives/dispatch.h"

HWY_BEFORE_NAMESPACE();
namespace sounder {
namespace HWY_NAMESPACE {
namespace {

// Four loads into one vector: a gather of eight takes longer than two of these on Zen 4, with one load for the positions
// too (DECISIONS.md, 31b).
Quad collect(const float* local, const std::uint16_t* positions) {
  static_assert(std::endian::native == std::endian::little);
  std::uint64_t p;
  std::memcpy(&p, positions, sizeof p);
  return Quad{local[p & 0xFFFF], local[p >> 16 & 0xFFFF], local[p >> 32 & 0xFFFF], local[p >> 48]};
}
Quad collect(const float* local, const std::uint32_t* positions) {
  return Quad{local[positions[0]], local[positions[1]], local[positions[2]], local[positions[3]]};
}

// Rows follow each other in memory, and a row is too short for the processor to see that in time.
template <class Position>
void prefetch(const Position* positions, const float* values) {
  constexpr std::size_t kBytesAhead = 2048;
  __builtin_prefetch(reinterpret_cast<const char*>(values) + kBytesAhead);
  __builtin_prefetch(reinterpret_cast<const char*>(positions) + kBytesAhead);
}

float total(const Quad (&sums)[4]) {
  const Quad four = (sums[0] + sums[1]) + (sums[2] + sums[3]);
  return (four[0] + four[1]) + (four[2] + four[3]);
}

// With a `squared_norm`, of the values, it takes no second pass over them.
template <bool kNorm, class Position>
float product(const Position* positions, const float* values, std::size_t size, const float* local,
              float* squared_norm) {
  Quad sums[4] = {};
  Quad squares[4] = {};
  const auto add = [&](std::size_t k, std::size_t q) {
    const Quad four = load_quad(values + k);
    sums[q] += four * collect(local, positions + k);
    if constexpr (kNorm) squares[q] += four * four;
  };
  std::size_t k = 0;
  for (; k + 16 <= size; k += 16) {
    prefetch(positions + k, values + k);
    for (std::size_t q = 0; q < 4; ++q) add(k + 4 * q, q);
  }
  prefetch(positions + k, values + k);
  for (; k + 4 <= size; k += 4) add(k, 0);
  float sum = 0;
  float square = 0;
  for (; k < size; ++k) {
    sum += values[k] * local[positions[k]];
    square += values[k] * values[k];
  }
  if constexpr (kNorm) *squared_norm = square + total(squares);
  return sum + total(sums);
}

template <class Position>
float dot(const Position* positions, const float* values, std::size_t size, const float* local) {
  return product<false>(positions, values, size, local, nullptr);
}

template <class Position>
float measure(const Position* positions, const float* values, std::size_t size, const float* local,
              float* squared_norm) {
  return product<true>(positions, values, size, local, squared_norm);
}

template <class Position>
void axpy(const Position* positions, const float* values, std::size_t size, float factor, float* local) {
  std::size_t k = 0;
  for (; k + 4 <= size; k += 4) {
    local[positions[k]] += factor * values[k];
    local[positions[k + 1]] += factor * values[k + 1];
    local[positions[k + 2]] += factor * values[k + 2];
    local[positions[k + 3]] += factor * values[k + 3];
  }
  for (; k < size; ++k) local[positions[k]] += factor * values[k];
}

Kernels<std::uint16_t> narrow() {
  return {dot<std::uint16_t>, measure<std::uint16_t>, axpy<std::uint16_t>};
}
Kernels<std::uint32_t> wide() {
  return {dot<std::uint32_t>, measure<std::uint32_t>, axpy<std::uint32_t>};
}
const char* target() {
  return hwy::TargetName(HWY_TARGET);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace sounder
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sounder {

SOUNDER_DISPATCH(Kernels, kernels)

const char* kernel_target() {
  return SOUNDER_CALL_BEST(target);
}

}  // namespace sounder
#endif
