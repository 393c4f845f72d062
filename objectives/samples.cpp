#include "objectives/samples.h"

#include <algorithm>
#include <array>
#include <limits>
#include <numeric>

namespace sounder {

float squared_norm_of(std::span<const float> values) {
  constexpr std::size_t kLanes = 16;   // a single sum would be one long chain,
  constexpr std::size_t kPart = 1024;  // and one of many floats not exact
  double sum = 0;
  while (!values.empty()) {
    const std::span<const float> part = values.first(std::min(kPart, values.size()));
    std::array<float, kLanes> sums{};
    std::size_t k = 0;
    for (; k + kLanes <= part.size(); k += kLanes)
      for (std::size_t lane = 0; lane < kLanes; ++lane) sums[lane] += part[k + lane] * part[k + lane];
    for (; k < part.size(); ++k) sums[0] += part[k] * part[k];
    sum += std::accumulate(sums.begin(), sums.end(), 0.0);
    values = values.subspan(part.size());
  }
  return static_cast<float>(std::min<double>(sum, std::numeric_limits<float>::max()));
}

}  // namespace sounder
