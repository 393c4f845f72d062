#pragma once

#include <cstring>

namespace sounder {

// Four floats in one register, on every instruction set that there is.
using Quad = float __attribute__((vector_size(16)));

inline Quad load_quad(const float* values) {
  Quad quad;
  std::memcpy(&quad, values, sizeof quad);
  return quad;
}

}  // namespace sounder
