#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace sounder {

// Kernels for samples that join two rows of a local array, a user and an item. A row is [weights, the rank rounded up to
// a multiple of kPairLanes | bias, if there are any], and what a sample predicts is
//
//   mean + left.weights . right.weights + left.bias + right.bias
//
// The rows of one sample do not overlap. Weights beyond the rank are zero, and stay so.
constexpr std::size_t kPairLanes = 8;

struct PairForm {
  std::size_t width = 0;  // weights in a row
  bool biases = false;
  float mean = 0;
};

template <class Position>
struct PairSamples {
  std::size_t count = 0;
  const Position* positions = nullptr;  // two a sample: where its rows start
  const float* labels = nullptr;
  const float* weights = nullptr;  // null: every sample weighs 1

  // Samples [first, first + most), or as many as there are.
  PairSamples part(std::size_t first, std::size_t most) const {
    const auto from = [first](const float* all) { return all == nullptr ? nullptr : all + first; };
    return {std::min(most, count - first), positions + 2 * first, from(labels), from(weights)};
  }
};

enum class PairLoss {
  kSquared,          // (z - y)^2 / 2
  kLogistic,         // log(1 + exp(-y z)), y = -1 or 1
  kKullbackLeibler,  // y log(y / z) - y + z, generalised, of y >= 0 and z > 0
};

// One step of gradient descent a sample of weight > 0, on
//
//   weight * loss(z, y) + sum over its two rows of (l2 / 2) |weights|^2 + (bias_l2 / 2) bias^2
struct PairStep : PairForm {
  PairLoss loss = PairLoss::kSquared;
  float size = 0;
  float bias_size = 0;
  float l2 = 0;
  float bias_l2 = 0;
  float floor = -std::numeric_limits<float>::infinity();  // no weight becomes less
  // AdaGrad with one sum a row: both sizes times 1 / sqrt(1 + sum), then the sum grows by state_unit times the row's
  // squared gradient. Where the sum stands, counted from the start of the row; 0: there is none.
  std::size_t state = 0;
  float state_unit = 0;

  bool plain() const { return state == 0 && floor == -std::numeric_limits<float>::infinity(); }
};

// Compiled for several instruction sets and chosen once for the processor at hand. Thread-safe.
template <class Position>
struct PairKernels {
  // Steps in order, each seeing what the one before it changed; both rows move from where they were. Samples of one row
  // should not stand side by side: each would wait for the one before it.
  void (*step)(const PairSamples<Position>& samples, const PairStep& step, float* local);
  // out[i] = what sample i predicts; labels and weights are not read.
  void (*predict)(const PairSamples<Position>& samples, const PairForm& form, const float* local, float* out);
};

template <class Position>
const PairKernels<Position>& pair_kernels();
template <>
const PairKernels<std::uint16_t>& pair_kernels();
template <>
const PairKernels<std::uint32_t>& pair_kernels();

}  // namespace sounder
