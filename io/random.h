#pragma once

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <span>
#include <utility>

namespace sounder {

// A small seeded generator: SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators",
// OOPSLA 2014). Unlike the std:: distributions, every member but gaussian() returns the same numbers on every
// platform; gaussian() may differ in the last bit of the platform's logarithm and cosine.
//
// Not safe to share between threads; give each its own seed. Not for secrets.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  // 64 random bits; period 2^64.
  std::uint64_t next() {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }

  // In [0, 1), a multiple of 2^-53.
  double uniform() { return static_cast<double>(next() >> 11) * 0x1p-53; }

  // In [0, n), each equally likely; n > 0. Rejects the fewer than half of the draws that do not fit.
  std::uint64_t below(std::uint64_t n) {
    const int shift = std::countl_zero((n - 1) | 1);
    std::uint64_t draw = next() >> shift;
    while (draw >= n) draw = next() >> shift;
    return draw;
  }

  // Mean 0, variance 1 (Box and Muller 1958).
  double gaussian() {
    const double radius = std::sqrt(-2 * std::log(1 - uniform()));
    return radius * std::cos(2 * std::numbers::pi * uniform());
  }

 private:
  std::uint64_t state_;
};

// Puts `count` of the items first, which ones and in which order drawn from all that are equally likely (Fisher and
// Yates).
template <class T>
void draw_some(std::span<T> items, std::size_t count, Random& random) {
  for (std::size_t i = 0; i < count && i + 1 < items.size(); ++i) {
    std::swap(items[i], items[i + static_cast<std::size_t>(random.below(items.size() - i))]);
  }
}

template <class T>
void shuffle(std::span<T> items, Random& random) {
  draw_some(items, items.size(), random);
}

}  // namespace sounder
