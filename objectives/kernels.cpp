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

// Goes through a row of at least 4 kQuads values in windows of so many: body(k, q, only_new) has the four from k on, the
// window's q-th. The last window ends where the row does and lies across the one before, so that no number of values
// left over tells how often to loop, which the processor guesses wrong at the end of nearly every row (DECISIONS.md, 31b):
// only_new(four) has zeros for what is not new in it.
template <std::size_t kQuads, class Body>
HWY_INLINE void for_each_quad(std::size_t size, Body&& body) {
  constexpr std::size_t kWindow = 4 * kQuads;
  std::size_t k = 0;
  for (; k + kWindow <= size; k += kWindow) {
    for (std::size_t q = 0; q < kQuads; ++q) body(k + 4 * q, q, [](Quad four) { return four; });
  }
  using Lanes = std::int32_t __attribute__((vector_size(16)));
  const std::size_t last = size - kWindow;
  const Lanes old = Lanes{} + static_cast<std::int32_t>(k - last);
  for (std::size_t q = 0; q < kQuads; ++q) {
    const Lanes lane = Lanes{0, 1, 2, 3} + static_cast<std::int32_t>(4 * q);
    body(last + 4 * q, q, [&](Quad four) { return lane >= old ? four : Quad{}; });
  }
}

float total(Quad sums) {
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

// With a `squared_norm`, of the values, it takes no second pass over them.
template <bool kNorm, std::size_t kQuads, class Position>
HWY_INLINE float product(const Position* positions, const float* values, std::size_t size, const float* local,
                         float* squared_norm) {
  Quad sums[4] = {};
  Quad squares[4] = {};
  for_each_quad<kQuads>(size, [&](std::size_t k, std::size_t q, auto only_new) {
    if (q == 0 && kQuads == 4) prefetch(positions + k, values + k);
    const Quad four = only_new(load_quad(values + k));
    sums[q] += four * collect(local, positions + k);
    if constexpr (kNorm) squares[q] += four * four;
  });
  if constexpr (kNorm) *squared_norm = total((squares[0] + squares[1]) + (squares[2] + squares[3]));
  return total((sums[0] + sums[1]) + (sums[2] + sums[3]));
}

template <bool kNorm, class Position>
HWY_INLINE float product(const Position* positions, const float* values, std::size_t size, const float* local,
                         float* squared_norm) {
  if (size >= 16) return product<kNorm, 4>(positions, values, size, local, squared_norm);
  prefetch(positions, values);
  if (size >= 8) return product<kNorm, 2>(positions, values, size, local, squared_norm);
  if (size >= 4) return product<kNorm, 1>(positions, values, size, local, squared_norm);
  float sum = 0;
  float square = 0;
  for (std::size_t k = 0; k < size; ++k) {
    sum += values[k] * local[positions[k]];
    square += values[k] * values[k];
  }
  if constexpr (kNorm) *squared_norm = square;
  return sum;
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
void add_four(const Position* positions, Quad values, float factor, float* local) {
  local[positions[0]] += factor * values[0];
  local[positions[1]] += factor * values[1];
  local[positions[2]] += factor * values[2];
  local[positions[3]] += factor * values[3];
}

template <class Position>
void axpy(const Position* positions, const float* values, std::size_t size, float factor, float* local) {
  if (size >= 16) {
    for_each_quad<4>(size, [&](std::size_t k, std::size_t, auto only_new) {
      add_four(positions + k, only_new(load_quad(values + k)), factor, local);
    });
    return;
  }
  // The next row soon waits for a short one, and would for longer if some of its places were written twice.
  std::size_t k = 0;
  for (; k + 4 <= size; k += 4) add_four(positions + k, load_quad(values + k), factor, local);
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
