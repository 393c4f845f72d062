#include "objectives/pair_kernels.h"

#include <algorithm>
#include <cmath>

// Highway compiles what lies between HWY_BEFORE_NAMESPACE and HWY_AFTER_NAMESPACE once per instruction set,
// by including this file again.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "objectives/pair_kernels.cpp"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>

#include "objectives/dispatch.h"

HWY_BEFORE_NAMESPACE();
namespace sounder {
namespace HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

// Eight lanes: rows are aligned to 16 bytes, and wider loads cross cache lines more often than they pay.
using F = hn::CappedTag<float, kPairLanes>;
using V = hn::Vec<F>;

constexpr std::size_t kAhead = 8;  // samples: the second-level cache answers within one or two of them

// Slopes at z or, with kReach, where the step on the sample leads: z' = z - reach * slope, for a slope that grows without
// bound near z = 0.
struct Squared {
  static constexpr bool kReach = false;
  static float slope(float z, float y, float) { return z - y; }
};
struct Logistic {
  static constexpr bool kReach = false;
  static float slope(float z, float y, float) { return -y / (1 + std::exp(y * z)); }
};
struct KullbackLeibler {
  static constexpr bool kReach = true;
  static float slope(float z, float y, float reach) {
    constexpr float kLeast = 1e-6F;
    const float rest = z - reach;
    const float root = std::sqrt(rest * rest + 4 * reach * y);
    const float moved = rest >= 0 ? (rest + root) / 2 : 2 * reach * y / (root - rest);
    return 1 - y / std::max(moved, kLeast);
  }
};

float sum(V v) {
  return hn::GetLane(hn::SumOfLanes(F(), v));
}

// The weights of a row, in vectors: as many as the compiler knows of stay in registers from the dot product to the store.
template <std::size_t kVectors>
struct Rows {
  V left[kVectors];
  V right[kVectors];
};

template <std::size_t kVectors>
HWY_INLINE V multiply(const float* left, const float* right, Rows<kVectors>& rows) {
  const F f;
  V sums[2] = {hn::Zero(f), hn::Zero(f)};
  for (std::size_t k = 0; k < kVectors; ++k) {
    rows.left[k] = hn::LoadU(f, left + k * hn::Lanes(f));
    rows.right[k] = hn::LoadU(f, right + k * hn::Lanes(f));
    sums[k % 2] = hn::MulAdd(rows.left[k], rows.right[k], sums[k % 2]);
  }
  return hn::Add(sums[0], sums[1]);
}

// `rows` holds the last chunk.
template <std::size_t kVectors>
HWY_INLINE float product(const float* left, const float* right, std::size_t width, Rows<kVectors>& rows) {
  constexpr std::size_t kChunk = kVectors * hn::MaxLanes(F());
  V total = multiply(left, right, rows);
  for (std::size_t k = kChunk; k < width; k += kChunk)
    total = hn::Add(total, multiply(left + k, right + k, rows));
  return sum(total);
}

float squared_norm(const float* row, std::size_t width) {
  const F f;
  V total = hn::Zero(f);
  for (std::size_t k = 0; k < width; k += hn::Lanes(f)) {
    const V v = hn::LoadU(f, row + k);
    total = hn::MulAdd(v, v, total);
  }
  return sum(total);
}

struct Change {
  V along_left;
  V along_right;
  V shrink_left;
  V shrink_right;
  V floor;
};

template <bool kPlain, std::size_t kVectors>
HWY_INLINE void descend(const Rows<kVectors>& rows, const Change& change, float* left, float* right) {
  const F f;
  for (std::size_t k = 0; k < kVectors; ++k) {
    const V a = rows.left[k];
    const V b = rows.right[k];
    const V next_a = hn::MulAdd(change.along_left, b, hn::Mul(change.shrink_left, a));
    const V next_b = hn::MulAdd(change.along_right, a, hn::Mul(change.shrink_right, b));
    hn::StoreU(kPlain ? next_a : hn::Max(next_a, change.floor), f, left + k * hn::Lanes(f));
    hn::StoreU(kPlain ? next_b : hn::Max(next_b, change.floor), f, right + k * hn::Lanes(f));
  }
}

HWY_INLINE void prefetch(const float* row, std::size_t floats) {
  for (std::size_t k = 0; k < floats; k += 16) hwy::Prefetch(row + k);
}

// Calls body(sample, its rows), and has the rows of later samples fetched meanwhile.
template <class Position, class Float, class Body>
HWY_INLINE void for_each_pair(const PairSamples<Position>& samples, std::size_t width, Float* local,
                              Body&& body) {
  const std::size_t count = samples.count;
  const std::size_t prefetched = count - std::min(count, kAhead);
  const Position* at = samples.positions;
  for (std::size_t i = 0; i < count; ++i, at += 2) {
    if (i < prefetched) {
      prefetch(local + at[2 * kAhead], width);
      prefetch(local + at[2 * kAhead + 1], width);
    }
    body(i, local + at[0], local + at[1]);
  }
}

// Sizes of the step of a sample's rows. kPlain: all the same, and nobody asks for norms, samples weigh 1 and weights have
// no floor: looking at weight and floor alone takes 8.5 ns instead of 6.8 at rank 32.
template <bool kPlain>
struct Reach {
  Reach(const PairStep&, const float*, const float*, std::size_t) {}

  static constexpr float left = 1;
  static constexpr float right = 1;
  float of(float) const { return 0; }
  void remember(const PairStep&, float, float, float*, float*) const {}
};

template <>
struct Reach<false> {
  Reach(const PairStep& step, const float* left_row, const float* right_row, std::size_t width)
      : left(part(step, left_row)),
        right(part(step, right_row)),
        left_norm(squared_norm(left_row, width)),
        right_norm(squared_norm(right_row, width)) {}

  // How far a slope of 1 moves the product, the second order left out.
  float of(float size) const { return size * (left * right_norm + right * left_norm); }
  // The squared gradients |slope * other + l2 * row|^2.
  void remember(const PairStep& step, float slope, float product, float* left_row, float* right_row) const {
    if (step.state == 0) return;
    const float mixed = 2 * slope * step.l2 * product;
    const float own = step.l2 * step.l2;
    const float other = slope * slope;
    left_row[step.state] += step.state_unit * (other * right_norm + mixed + own * left_norm);
    right_row[step.state] += step.state_unit * (other * left_norm + mixed + own * right_norm);
  }

  float left;
  float right;
  float left_norm;
  float right_norm;

 private:
  static float part(const PairStep& step, const float* row) {
    return step.state == 0 ? 1.0F : 1 / std::sqrt(1 + row[step.state]);
  }
};

template <class Position>
float weight_of(const PairSamples<Position>& samples, std::size_t i) {
  return samples.weights == nullptr ? 1.0F : samples.weights[i];
}

// kChunk vectors of a row at a time; kWhole: it has no more, and is read once only.
template <class Loss, bool kPlain, std::size_t kChunk, bool kWhole, class Position>
void run(const PairSamples<Position>& samples, const PairStep& given, float* local) {
  const F f;
  const PairStep step = given;  // a copy, which stores to floats cannot change
  const std::size_t chunk = kChunk * hn::Lanes(f);
  const std::size_t width = kWhole ? chunk : step.width;
  Change change{hn::Zero(f), hn::Zero(f), hn::Zero(f), hn::Zero(f), hn::Set(f, step.floor)};
  for_each_pair(samples, width, local, [&](std::size_t i, float* left, float* right) HWY_ATTR {
    const float weight = kPlain ? 1.0F : weight_of(samples, i);
    if (!kPlain && weight == 0) return;
    Rows<kChunk> rows;
    const float dot = product(left, right, width, rows);
    const float margin = step.mean + dot;
    const float z = step.biases ? margin + left[width] + right[width] : margin;
    const Reach<kPlain> reach(step, left, right, width);
    const float slope = weight * Loss::slope(z, samples.labels[i], reach.of(weight * step.size));
    change.along_left = hn::Set(f, -step.size * reach.left * slope);
    change.along_right = hn::Set(f, -step.size * reach.right * slope);
    change.shrink_left = hn::Set(f, 1 - step.size * reach.left * step.l2);
    change.shrink_right = hn::Set(f, 1 - step.size * reach.right * step.l2);
    for (std::size_t k = 0; k < width; k += chunk) {
      if (!kWhole) multiply(left + k, right + k, rows);
      descend<kPlain>(rows, change, left + k, right + k);
    }
    if (step.biases) {
      left[width] -= step.bias_size * reach.left * (slope + step.bias_l2 * left[width]);
      right[width] -= step.bias_size * reach.right * (slope + step.bias_l2 * right[width]);
    }
    reach.remember(step, slope, dot, left, right);
  });
}

template <std::size_t kChunk, class Position>
void predict_by(const PairSamples<Position>& samples, const PairForm& form, const float* local, float* out) {
  for_each_pair(samples, form.width, local,
                [&](std::size_t i, const float* left, const float* right) HWY_ATTR {
                  Rows<kChunk> rows;
                  const float margin = form.mean + product(left, right, form.width, rows);
                  out[i] = form.biases ? margin + left[form.width] + right[form.width] : margin;
                });
}

constexpr std::size_t kOne = kPairLanes / hn::MaxLanes(F());  // vectors that a multiple of makes up every row

template <class Loss, bool kPlain, class Position>
void step_with(const PairSamples<Position>& samples, const PairStep& step, float* local) {
  if (step.width == kPairLanes) return run<Loss, kPlain, kOne, true>(samples, step, local);
  if (step.width == 2 * kPairLanes) return run<Loss, kPlain, 2 * kOne, true>(samples, step, local);
  if (step.width == 4 * kPairLanes) return run<Loss, kPlain, 4 * kOne, true>(samples, step, local);
  if (step.width % (4 * kPairLanes) == 0) return run<Loss, kPlain, 4 * kOne, false>(samples, step, local);
  return run<Loss, kPlain, kOne, false>(samples, step, local);
}

template <class Loss, class Position>
void step_on(const PairSamples<Position>& samples, const PairStep& step, float* local) {
  if constexpr (!Loss::kReach) {
    if (samples.weights == nullptr && step.plain()) return step_with<Loss, true>(samples, step, local);
  }
  step_with<Loss, false>(samples, step, local);
}

template <class Position>
void step_by(const PairSamples<Position>& samples, const PairStep& step, float* local) {
  switch (step.loss) {
    case PairLoss::kSquared:
      return step_on<Squared>(samples, step, local);
    case PairLoss::kLogistic:
      return step_on<Logistic>(samples, step, local);
    case PairLoss::kKullbackLeibler:
      return step_on<KullbackLeibler>(samples, step, local);
  }
}

template <class Position>
void predict(const PairSamples<Position>& samples, const PairForm& form, const float* local, float* out) {
  if (form.width % (4 * kPairLanes) == 0) return predict_by<4 * kOne>(samples, form, local, out);
  return predict_by<kOne>(samples, form, local, out);
}

PairKernels<std::uint16_t> narrow() {
  return {step_by<std::uint16_t>, predict<std::uint16_t>};
}
PairKernels<std::uint32_t> wide() {
  return {step_by<std::uint32_t>, predict<std::uint32_t>};
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace sounder
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sounder {

SOUNDER_DISPATCH(PairKernels, pair_kernels)

}  // namespace sounder
#endif
