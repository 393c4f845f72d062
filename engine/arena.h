#pragma once

#include <cstddef>
#include <functional>
#include <memory>

#include "engine/options.h"
#include "io/parallel.h"

namespace sounder {

// Threads this process may use at once: the affinity mask, cut down to the cgroup's CPU quota; at least 1.
// oneTBB looks at the mask alone, and oversubscribes a container.
int usable_threads();

// The workers of a run: a oneTBB task arena with the options' threads, reserved slots, NUMA node and
// priority. The calling thread is one of them while it waits. Throws InputError when the NUMA node does not
// exist.
class Arena {
 public:
  explicit Arena(const Options& options);
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  int threads() const;

  // Runs `body` inside the arena and returns when it is done; what it starts runs on the arena's workers. An
  // exception of `body` is rethrown.
  void execute(const std::function<void()>& body);

  // Calls body(0) ... body(count - 1) on the workers; the first exception is rethrown. May be called inside
  // execute().
  void parallel_for(std::size_t count, const std::function<void(std::size_t)>& body);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// The same from inside a worker, on those of the arena that it belongs to, and how many there are.
void parallel_for_here(std::size_t count, const std::function<void(std::size_t)>& body);
int threads_here();

}  // namespace sounder
