#pragma once

#include <atomic>
#include <cstddef>
#include <thread>

namespace sounder {

// Variables aligned to this never share a cache line.
inline constexpr std::size_t kCacheLine = 64;

// Returns when `done` returns true. After a while of spinning a waiting thread yields its core: the one it
// waits for may have been preempted.
template <class Done>
void spin_until(Done&& done) {
  constexpr int kPatience = 1000;
  for (int spins = 1; !done(); ++spins) {
    if (spins % kPatience == 0) std::this_thread::yield();
  }
}

// A mutex of one byte for what takes less time than a system call.
class SpinLock {
 public:
  void lock() {
    while (taken_.exchange(true, std::memory_order_acquire))
      spin_until([this] { return !taken_.load(std::memory_order_relaxed); });
  }
  void unlock() { taken_.store(false, std::memory_order_release); }

 private:
  std::atomic<bool> taken_ = false;
};

}  // namespace sounder
