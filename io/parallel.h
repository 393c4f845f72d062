#pragma once

#include <cstddef>
#include <functional>

namespace sounder {

// How this layer runs independent pieces of work: calls body(0) ... body(count - 1), each once, in any order and on any
// threads, and returns when all are done; the first exception is rethrown. The engine passes one that uses its arena;
// `run_serially` is the default.
using ParallelFor = std::function<void(std::size_t count, const std::function<void(std::size_t)>& body)>;

inline void run_serially(std::size_t count, const std::function<void(std::size_t)>& body) {
  for (std::size_t i = 0; i < count; ++i) body(i);
}

}  // namespace sounder
