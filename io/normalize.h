#pragma once

#include <span>

namespace sounder {

// Scales to Euclidean length 1 what is not all zero.
void normalize(std::span<float> values);

}  // namespace sounder
