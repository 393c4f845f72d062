#pragma once

#include <cstddef>
#include <functional>
#include <memory>

#include "engine/task.h"

namespace sounder {

class Arena;

// Training as a oneTBB flow graph:
//
//     sampler ──▶ limiter ──▶ gradient task: pull · step · push ──▶ ledger ──┐
//    (serial)        ▲         (concurrent, work-stealing arena)   (serial)  │
//                    └───────────── the oldest are done: slots free ◀────────┘
//
// Limiter and ledger bound the staleness: the ledger frees slots in the order of sampling, so task k + `window` does not
// start before task k is done, however long a worker is held up, and tau = window x the rows of a task, in samples. (It
// may have been sampled: the sampler holds one task that the limiter refused. Counting tasks in flight would not do:
// while one worker is preempted the others could run on for a whole epoch.) A message is a block, never a sample: it
// costs 200 to 350 ns, a block some 100 us.
//
// Each NUMA node of the arena has such a graph to itself, whose sampler asks for tasks of that node. The numbers and the
// ledger's order are those of all nodes together, so the window and tau are as well.
//
// Tasks may come in rounds: the slots of a round are freed together, when all its tasks are done and
// `end_round` has been called. With a window of one round, rounds then never overlap.
//
// Not thread-safe itself; the calls are made from the arena's workers: `sample`, and `account` or `end_round`, one at a
// time each, `work` concurrently. An exception from any of them stops the sampler, lets the tasks in flight end, and is
// rethrown by run(); the graph can be run again.
class Graph {
 public:
  struct Calls {
    std::function<bool(Task&)> sample;          // the next task of Task::node; false: no more
    std::function<void(const Task&)> work;      // runs it
    std::function<void(const Task&)> account;   // told once for each that was run
    std::function<void()> end_round = nullptr;  // may be empty; also called for a round cut short
  };

  // `window` >= least_window(arena), which must outlive this.
  Graph(Arena& arena, std::size_t window, Calls calls);
  ~Graph();
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;

  // Until `sample` returns false and every task is accounted for.
  void run();

  static std::size_t least_window(const Arena& arena);  // a slot a node and what they hold back

 private:
  struct Lane;
  struct State;

  Arena& arena_;
  std::unique_ptr<State> state_;
};

}  // namespace sounder
