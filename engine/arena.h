#pragma once

#include <cstddef>
#include <functional>
#include <memory>

#include "engine/machine.h"
#include "engine/options.h"
#include "io/parallel.h"

namespace sounder {

// The workers of a run: a oneTBB task arena for each NUMA node that the options name, one in all if they name none,
// with the options' threads dealt out by the nodes' hardware threads, reserved slots, kind of cores and priority. The
// calling thread is one of the workers while it waits. Throws InputError when a node or a kind of cores does not exist,
// or when there are fewer threads than nodes named.
class Arena {
 public:
  // `around`: an arena of the same nodes that this one is made inside of. It pins to the same hardware threads.
  explicit Arena(const Options& options, const Arena* around = nullptr);
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  int threads() const;  // of all nodes
  std::size_t nodes() const;
  bool crowded() const;  // they are more than may run at a time
  int threads(std::size_t node) const;
  int numa_node(std::size_t node) const;  // its number on the machine; -1: any

  // Runs `body` inside the first node's arena and returns when it is done; what it starts runs on that node's workers.
  // An exception of `body` is rethrown.
  void execute(const std::function<void()>& body);

  // Calls body(0) ... body(nodes() - 1), all at once, each inside its node's arena. The first exception is rethrown
  // when all are done. Throws std::system_error, with no body called, when there is no thread for one of them. May be
  // called inside execute().
  void for_each_node(const std::function<void(std::size_t)>& body);

  // Which of `count` things are a node's own: the same ones each time, in proportion to its threads.
  struct Part {
    std::size_t begin;
    std::size_t end;
  };
  Part part(std::size_t count, std::size_t node) const;

  // Calls body(0) ... body(count - 1) on the workers, each on those of the node whose part it is; the first exception
  // is rethrown. May be called inside execute().
  void parallel_for(std::size_t count, const std::function<void(std::size_t)>& body);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// oneTBB's arenas are kept from run to run, for those of the same kind (DECISIONS.md, 55). A program that ends oneTBB's
// threads itself, by oneapi::tbb::finalize(), lets go of them first, while no run is under way. Any thread may call it.
void release_arenas();

// Arena::parallel_for(); the arena must live as long.
inline ParallelFor parallel_on(Arena& arena) {
  return [&arena](std::size_t count, const auto& body) { arena.parallel_for(count, body); };
}

// The same from inside a worker, on those of the node that it belongs to, and how many there are.
void parallel_for_here(std::size_t count, const std::function<void(std::size_t)>& body);
int threads_here();

}  // namespace sounder
