#include "objectives/wide_kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "objectives/wide_kernels.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>

#include "objectives/dispatch.h"

HWY_BEFORE_NAMESPACE();
namespace sounder {
namespace HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

using F = hn::CappedTag<float, 8>;
using V = hn::Vec<F>;

// What the rows sum up to in the lanes from local[positions[k]] on.
template <class Position>
V sum_of_lanes(const Position* positions, const float* values, std::size_t size, const float* local) {
  const F f;
  V even = hn::Zero(f);
  V odd = hn::Zero(f);
  std::size_t k = 0;
  for (; k + 2 <= size; k += 2) {
    even = hn::MulAdd(hn::Set(f, values[k]), hn::LoadU(f, local + positions[k]), even);
    odd = hn::MulAdd(hn::Set(f, values[k + 1]), hn::LoadU(f, local + positions[k + 1]), odd);
  }
  if (k < size) even = hn::MulAdd(hn::Set(f, values[k]), hn::LoadU(f, local + positions[k]), even);
  return hn::Add(even, odd);
}

// Between once and twice as many lanes, as of ten classes: the first and the last of them, which may overlap, in one pass.
template <class Position>
void gather_two(const Position* positions, const float* values, std::size_t size, const float* local,
                std::size_t width, float* sum) {
  const F f;
  const std::size_t last = width - hn::Lanes(f);
  V a = hn::Zero(f);
  V b = hn::Zero(f);
  V c = hn::Zero(f);
  V d = hn::Zero(f);
  const auto add = [&](std::size_t k, V& first, V& second) {
    const float* row = local + positions[k];
    const V x = hn::Set(f, values[k]);
    first = hn::MulAdd(x, hn::LoadU(f, row), first);
    second = hn::MulAdd(x, hn::LoadU(f, row + last), second);
  };
  std::size_t k = 0;
  for (; k + 2 <= size; k += 2) {
    add(k, a, b);
    add(k + 1, c, d);
  }
  if (k < size) add(k, a, b);
  const V rest = hn::Add(hn::LoadU(f, sum + last), hn::Add(b, d));
  hn::StoreU(hn::Add(hn::LoadU(f, sum), hn::Add(a, c)), f, sum);
  hn::StoreU(rest, f, sum + last);
}

// The same for adding: both are read before the first is written.
template <class Position>
void scatter_two(const Position* positions, const float* values, std::size_t size, const float* change,
                 std::size_t width, float* local) {
  const F f;
  const std::size_t last = width - hn::Lanes(f);
  const V first_change = hn::LoadU(f, change);
  const V last_change = hn::LoadU(f, change + last);
  for (std::size_t k = 0; k < size; ++k) {
    float* row = local + positions[k];
    const V x = hn::Set(f, values[k]);
    const V a = hn::MulAdd(x, first_change, hn::LoadU(f, row));
    const V b = hn::MulAdd(x, last_change, hn::LoadU(f, row + last));
    hn::StoreU(a, f, row);
    hn::StoreU(b, f, row + last);
  }
}

// Four times as many lanes: half a cache line of each row is not worth a pass over all of them.
template <class Position>
void gather_four(const Position* positions, const float* values, std::size_t size, const float* local,
                 float* sum) {
  const F f;
  const std::size_t n = hn::Lanes(f);
  V a = hn::LoadU(f, sum);
  V b = hn::LoadU(f, sum + n);
  V c = hn::LoadU(f, sum + 2 * n);
  V d = hn::LoadU(f, sum + 3 * n);
  for (std::size_t k = 0; k < size; ++k) {
    const float* row = local + positions[k];
    const V x = hn::Set(f, values[k]);
    a = hn::MulAdd(x, hn::LoadU(f, row), a);
    b = hn::MulAdd(x, hn::LoadU(f, row + n), b);
    c = hn::MulAdd(x, hn::LoadU(f, row + 2 * n), c);
    d = hn::MulAdd(x, hn::LoadU(f, row + 3 * n), d);
  }
  hn::StoreU(a, f, sum);
  hn::StoreU(b, f, sum + n);
  hn::StoreU(c, f, sum + 2 * n);
  hn::StoreU(d, f, sum + 3 * n);
}

template <class Position>
void gather(const Position* positions, const float* values, std::size_t size, const float* local,
            std::size_t width, float* sum) {
  const F f;
  const std::size_t lanes = hn::Lanes(f);
  if (lanes < width && width <= 2 * lanes) return gather_two(positions, values, size, local, width, sum);
  std::size_t j = 0;
  for (; j + 4 * lanes <= width; j += 4 * lanes) gather_four(positions, values, size, local + j, sum + j);
  for (; j + lanes <= width; j += lanes)
    hn::StoreU(hn::Add(hn::LoadU(f, sum + j), sum_of_lanes(positions, values, size, local + j)), f, sum + j);
  if (j < width && width >= lanes) {
    // The last lanes, of which the first are already counted.
    const std::size_t last = width - lanes;
    const V rest =
        hn::IfThenZeroElse(hn::FirstN(f, j - last), sum_of_lanes(positions, values, size, local + last));
    hn::StoreU(hn::Add(hn::LoadU(f, sum + last), rest), f, sum + last);
    return;
  }
  for (; j < width; ++j) {
    for (std::size_t k = 0; k < size; ++k) sum[j] += values[k] * local[positions[k] + j];
  }
}

template <class Position>
void scatter(const Position* positions, const float* values, std::size_t size, const float* change,
             std::size_t width, float* local) {
  const F f;
  const std::size_t lanes = hn::Lanes(f);
  if (lanes < width && width <= 2 * lanes) return scatter_two(positions, values, size, change, width, local);
  for (std::size_t k = 0; k < size; ++k) {
    float* row = local + positions[k];
    const V x = hn::Set(f, values[k]);
    std::size_t j = 0;
    for (; j + lanes <= width; j += lanes)
      hn::StoreU(hn::MulAdd(x, hn::LoadU(f, change + j), hn::LoadU(f, row + j)), f, row + j);
    for (; j < width; ++j) row[j] += values[k] * change[j];
  }
}

WideKernels<std::uint16_t> narrow() {
  return {gather<std::uint16_t>, scatter<std::uint16_t>};
}
WideKernels<std::uint32_t> wide() {
  return {gather<std::uint32_t>, scatter<std::uint32_t>};
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace sounder
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sounder {

SOUNDER_DISPATCH(WideKernels, wide_kernels)

}  // namespace sounder
#endif
