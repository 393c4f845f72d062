#include "objectives/kernels.h"

// Highway compiles what lies between HWY_BEFORE_NAMESPACE and HWY_AFTER_NAMESPACE once per instruction set,
// by including this file again.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "objectives/kernels.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace sounder {
namespace HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

// Eight lanes: a wider gather was slower on the processors measured (DECISIONS.md).
using F = hn::CappedTag<float, 8>;
using I = hn::RebindToSigned<F>;

hn::Vec<I> load_positions(const std::uint16_t* p) {
  return hn::PromoteTo(I(), hn::LoadU(hn::Rebind<std::uint16_t, F>(), p));
}
// A gather takes signed 32-bit offsets: positions are moved down by 2^31, and the array they start from up.
hn::Vec<I> load_positions(const std::uint32_t* p) {
  const hn::RebindToUnsigned<F> u;
  return hn::BitCast(I(), hn::Xor(hn::LoadU(u, p), hn::Set(u, 0x80000000U)));
}

const float* gather_base(const float* local, const std::uint16_t*) {
  return local;
}
const float* gather_base(const float* local, const std::uint32_t*) {
  constexpr std::uintptr_t kMiddle = (std::uintptr_t{1} << 31) * sizeof(float);
  return reinterpret_cast<const float*>(reinterpret_cast<std::uintptr_t>(local) + kMiddle);
}

template <class Position>
float dot(const Position* positions, const float* values, std::size_t size, const float* local) {
  const F f;
  const std::size_t lanes = hn::Lanes(f);
  if (size < lanes) {
    float sum = 0;
    for (std::size_t k = 0; k < size; ++k) sum += values[k] * local[positions[k]];
    return sum;
  }
  const float* base = gather_base(local, positions);
  const auto weights = [&](std::size_t k) { return hn::GatherIndex(f, base, load_positions(positions + k)); };
  auto even = hn::Zero(f);
  auto odd = hn::Zero(f);
  std::size_t k = 0;
  for (; k + 2 * lanes <= size; k += 2 * lanes) {
    even = hn::MulAdd(hn::LoadU(f, values + k), weights(k), even);
    odd = hn::MulAdd(hn::LoadU(f, values + k + lanes), weights(k + lanes), odd);
  }
  if (k + lanes <= size) {
    even = hn::MulAdd(hn::LoadU(f, values + k), weights(k), even);
    k += lanes;
  }
  if (k < size) {
    // The last lanes of the row, those already counted set to zero: a scalar rest would be one long chain.
    const std::size_t last = size - lanes;
    const auto rest = hn::IfThenZeroElse(hn::FirstN(f, k - last), hn::LoadU(f, values + last));
    odd = hn::MulAdd(rest, weights(last), odd);
  }
  return hn::GetLane(hn::SumOfLanes(f, hn::Add(even, odd)));
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
  return {dot<std::uint16_t>, axpy<std::uint16_t>};
}
Kernels<std::uint32_t> wide() {
  return {dot<std::uint32_t>, axpy<std::uint32_t>};
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

HWY_EXPORT(narrow);
HWY_EXPORT(wide);
HWY_EXPORT(target);

template <>
const Kernels<std::uint16_t>& kernels() {
  static const Kernels<std::uint16_t> chosen = HWY_DYNAMIC_DISPATCH(narrow)();
  return chosen;
}

template <>
const Kernels<std::uint32_t>& kernels() {
  static const Kernels<std::uint32_t> chosen = HWY_DYNAMIC_DISPATCH(wide)();
  return chosen;
}

const char* kernel_target() {
  return HWY_DYNAMIC_DISPATCH(target)();
}

}  // namespace sounder
#endif
