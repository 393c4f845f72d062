#include "engine/graph.h"

#include <tbb/flow_graph.h>

#include <atomic>
#include <exception>
#include <mutex>
#include <utility>
#include <vector>

#include "engine/handoff.h"

namespace sounder {

namespace flow = tbb::flow;

struct Graph::Nodes {
  // Constant after construction.
  Calls calls;

  // The sampler's.
  std::uint64_t sampled = 0;

  // The ledger's: how the tasks oldest, oldest + 1, ... stand, at their number modulo the window, and how many
  // before them are done but belong to a round that is not.
  enum class State : std::uint8_t { kOpen, kDone, kDoneAndLast };
  std::vector<State> states;
  std::uint64_t oldest = 0;
  int held = 0;

  // Written by any body, through fail() alone.
  std::mutex error_mutex;
  std::exception_ptr error;
  std::atomic<bool> failed{false};

  // Shared by all graphs: bodies find it before they have read what they captured.
  static inline Handoff handoff;

  // Synchronise themselves. Nodes copy their bodies, so each body is one call on this object.
  flow::graph graph;
  flow::input_node<Task> sampler;
  flow::limiter_node<Task, int> limiter;
  flow::function_node<Task, Task> worker;
  flow::function_node<Task, int> ledger;

  Nodes(int threads, std::size_t window, Calls what)
      : calls(std::move(what)),
        states(window, State::kOpen),
        sampler(graph, [this](tbb::flow_control& control) { return InOrder(handoff), sample(control); }),
        limiter(graph, window),
        worker(graph, static_cast<std::size_t>(threads),
               [this](const Task& task) { return InOrder(handoff), work(task); }),
        ledger(graph, flow::serial, [this](const Task& task) { return InOrder(handoff), account(task); }) {
    flow::make_edge(sampler, limiter);
    flow::make_edge(limiter, worker);
    flow::make_edge(worker, ledger);
    flow::make_edge(ledger, limiter.decrementer());
  }

  // Exceptions never reach the graph itself: cancelling one skips nodes and leaves its limiter in an unknown
  // state.
  template <class Body>
  void guarded(Body&& body) noexcept {
    try {
      body();
    } catch (...) {
      const std::scoped_lock lock(error_mutex);
      if (!error) error = std::current_exception();
      failed = true;
    }
  }

  Task sample(tbb::flow_control& control) {
    Task task;
    bool more = false;
    if (!failed) guarded([&] { more = calls.sample(task); });
    if (!more) control.stop();
    if (more) task.number = sampled++;
    return task;
  }

  Task work(const Task& task) {
    if (!failed) guarded([&] { calls.work(task); });
    return task;
  }

  // Returns the slots to free.
  int account(const Task& task) {
    if (!failed) guarded([&] { calls.account(task); });
    state_of(task.number) = task.ends_round ? State::kDoneAndLast : State::kDone;
    int freed = 0;
    for (; state_of(oldest) != State::kOpen; ++oldest) {
      ++held;
      if (std::exchange(state_of(oldest), State::kOpen) == State::kDoneAndLast) freed += end_round();
    }
    return freed;
  }

  State& state_of(std::uint64_t number) { return states[number % states.size()]; }

  int end_round() {
    if (!failed && calls.end_round) guarded(calls.end_round);
    return std::exchange(held, 0);
  }
};

Graph::Graph(int threads, std::size_t window, Calls calls)
    : nodes_(std::make_unique<Nodes>(threads, window, std::move(calls))) {}

Graph::~Graph() = default;

void Graph::run() {
  {
    const Started started(Nodes::handoff);
    nodes_->sampler.activate();
    nodes_->graph.wait_for_all();
  }
  if (nodes_->held > 0) nodes_->limiter.decrementer().try_put(nodes_->end_round());
  if (const std::exception_ptr error = std::exchange(nodes_->error, nullptr)) {
    nodes_->failed = false;
    std::rethrow_exception(error);
  }
}

}  // namespace sounder
