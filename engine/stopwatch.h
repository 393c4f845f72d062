#pragma once

#include <chrono>

namespace sounder {

using Clock = std::chrono::steady_clock;

inline double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// What `body` returns; the seconds it took are added to `sum`.
template <class Body>
auto timed(double& sum, Body&& body) {
  struct Stopwatch {
    double& sum;
    Clock::time_point start = Clock::now();
    ~Stopwatch() { sum += seconds_since(start); }
  };
  const Stopwatch stopwatch{sum};
  return body();
}

}  // namespace sounder
