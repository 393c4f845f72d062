#include "objectives/samples.h"

#include <algorithm>
#include <limits>

#include "objectives/quad.h"

namespace sounder {

namespace {

// In sixteen sums, which do not wait for one another.
float sum_of_squares(const float* values, std::size_t size) {
  Quad sums[4] = {};
  std::size_t k = 0;
  const auto add = [&](std::size_t q) {
    const Quad four = load_quad(values + k + 4 * q);
    sums[q] += four * four;
  };
  for (; k + 16 <= size; k += 16)
    for (std::size_t q = 0; q < 4; ++q) add(q);
  for (; k + 4 <= size; k += 4) add(0);
  const Quad four = (sums[0] + sums[1]) + (sums[2] + sums[3]);
  float sum = (four[0] + four[1]) + (four[2] + four[3]);
  for (; k < size; ++k) sum += values[k] * values[k];
  return sum;
}

}  // namespace

float squared_norm_of(std::span<const float> values) {
  constexpr std::size_t kPart = 1024;  // a sum of many floats would not be exact
  double sum = 0;
  for (; !values.empty(); values = values.subspan(std::min(kPart, values.size())))
    sum += double{sum_of_squares(values.data(), std::min(kPart, values.size()))};
  return static_cast<float>(std::min<double>(sum, std::numeric_limits<float>::max()));
}

}  // namespace sounder
