#include "engine/graph.h"

#include <tbb/flow_graph.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cassert>
#include <exception>
#include <mutex>
#include <utility>
#include <vector>

#include "engine/arena.h"
#include "engine/handoff.h"

namespace sounder {

namespace flow = tbb::flow;

namespace {

// A lock where there are others to lock out.
std::unique_lock<std::mutex> locked(std::mutex& mutex, bool shared) {
  return shared ? std::unique_lock(mutex) : std::unique_lock(mutex, std::defer_lock);
}

}  // namespace

// The nodes of one arena. Bodies are copied, so each is one call on the graph's state.
struct Graph::Lane {
  Lane(State& state, std::size_t number, int threads, std::size_t slots);

  flow::graph graph;
  flow::input_node<Task> sampler;
  flow::limiter_node<Task, int> limiter;
  flow::function_node<Task, Task> worker;
  flow::function_node<Task, int> ledger;
};

// What the lanes share.
struct Graph::State {
  explicit State(Calls what) : calls(std::move(what)) {}

  Calls calls;
  std::vector<std::unique_ptr<Lane>> lanes;

  // The samplers'.
  std::mutex sampling;
  std::uint64_t sampled = 0;
  std::vector<bool> stopped;  // by lane

  // The ledgers': how the tasks oldest, oldest + 1, ... stand, at their number modulo a power of two that is no less than
  // the most there can be, and how many of each lane before them are done but belong to a round that is not.
  enum class Progress : std::uint8_t { kOpen, kDone, kDoneAndLast };
  struct Entry {
    Progress progress = Progress::kOpen;
    std::size_t lane = 0;
  };
  std::mutex accounting;
  std::vector<Entry> entries;
  std::uint64_t oldest = 0;
  std::vector<int> held;   // by lane
  std::vector<int> freed;  // the same, once the round is done

  // With more lanes than one: samplers that go on and tasks that are not done or that older ones are not. A lane that has
  // nothing to do waits until there are none: what others do gives it work again.
  std::atomic<std::int64_t> open = 0;

  // Written by any body, through fail() alone.
  std::mutex error_mutex;
  std::exception_ptr error;
  std::atomic<bool> failed{false};

  // Shared by all graphs: bodies find it before they have read what they captured.
  static inline Handoff handoff;

  bool shared() const { return lanes.size() > 1; }

  // Exceptions never reach the graph itself: cancelling one skips nodes and leaves its limiter in an unknown
  // state. (But for a std::bad_alloc of oneTBB's own: with several lanes, others may then wait for ever.)
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

  void begin() {
    stopped.assign(lanes.size(), false);
    open = static_cast<std::int64_t>(lanes.size());
  }

  // Each lane before its sampler begins: all have been here before the last closes, and none if no thread can be had for one.
  void reserve(Lane& lane) const {
    if (shared()) lane.graph.reserve_wait();
  }

  void close(std::int64_t count) {
    if (!shared() || count == 0 || open.fetch_sub(count) != count) return;
    for (const auto& lane : lanes) lane->graph.release_wait();
  }

  Task sample(std::size_t lane, tbb::flow_control& control) {
    Task task;
    task.node = lane;
    const auto lock = locked(sampling, shared());
    bool more = false;
    if (!failed) guarded([&] { more = calls.sample(task); });
    if (more) {
      task.number = sampled++;
      if (shared()) ++open;
    } else {
      control.stop();
      if (!stopped[lane]) close(1);
      stopped[lane] = true;
    }
    return task;
  }

  Task work(const Task& task) {
    // What the caller's code waits for must not bring another task of the graph onto this thread.
    if (!failed) guarded([&] { tbb::this_task_arena::isolate([&] { calls.work(task); }); });
    return task;
  }

  // Returns the slots to free in the task's lane; those of others are free then.
  int account(const Task& task) {
    const auto lock = locked(accounting, shared());
    if (!failed) guarded([&] { calls.account(task); });
    entry_of(task.number) = {task.ends_round ? Progress::kDoneAndLast : Progress::kDone, task.node};
    const std::uint64_t before = oldest;
    for (Entry entry; (entry = std::exchange(entry_of(oldest), {})).progress != Progress::kOpen; ++oldest) {
      ++held[entry.lane];
      if (entry.progress == Progress::kDoneAndLast) end_round();
    }
    for (std::size_t lane = 0; lane < lanes.size(); ++lane)
      if (lane != task.node) free_slots(lane);
    close(static_cast<std::int64_t>(oldest - before));
    return std::exchange(freed[task.node], 0);
  }

  Entry& entry_of(std::uint64_t number) { return entries[number & (entries.size() - 1)]; }

  void end_round() {
    if (!failed && calls.end_round) guarded(calls.end_round);
    for (std::size_t lane = 0; lane < lanes.size(); ++lane) freed[lane] += std::exchange(held[lane], 0);
  }

  void free_slots(std::size_t lane) {
    if (freed[lane] > 0) lanes[lane]->limiter.decrementer().try_put(std::exchange(freed[lane], 0));
  }
};

Graph::Lane::Lane(State& state, std::size_t number, int threads, std::size_t slots)
    : sampler(graph,
              [&state, number](tbb::flow_control& control) {
                return InOrder(State::handoff), state.sample(number, control);
              }),
      limiter(graph, slots),
      worker(graph, static_cast<std::size_t>(threads),
             [&state](const Task& task) { return InOrder(State::handoff), state.work(task); }),
      ledger(graph, flow::serial,
             [&state](const Task& task) { return InOrder(State::handoff), state.account(task); }) {
  flow::make_edge(sampler, limiter);
  flow::make_edge(limiter, worker);
  flow::make_edge(worker, ledger);
  flow::make_edge(ledger, limiter.decrementer());
}

// Every lane holds a task that its limiter has refused, and tasks of other lanes may come after that one: that is
// what the window is larger than the slots by.
Graph::Graph(Arena& arena, std::size_t window, Calls calls)
    : arena_(arena), state_(std::make_unique<State>(std::move(calls))) {
  const std::size_t lanes = arena.nodes();
  assert(window >= least_window(arena));
  const std::size_t spare = window - least_window(arena);
  state_->lanes.resize(lanes);
  state_->entries.resize(std::bit_ceil(window));
  state_->held.resize(lanes);
  state_->freed.resize(lanes);
  arena.for_each_node([&](std::size_t lane) {
    const auto [begin, end] = arena.part(spare, lane);
    state_->lanes[lane] = std::make_unique<Lane>(*state_, lane, arena.threads(lane), 1 + end - begin);
  });
}

Graph::~Graph() = default;

std::size_t Graph::least_window(const Arena& arena) {
  return 2 * arena.nodes() - 1;
}

void Graph::run() {
  state_->begin();
  arena_.for_each_node([&](std::size_t lane) {
    const Started started(State::handoff);
    state_->reserve(*state_->lanes[lane]);
    state_->lanes[lane]->sampler.activate();
    state_->lanes[lane]->graph.wait_for_all();
  });
  if (std::ranges::any_of(state_->held, [](int tasks) { return tasks > 0; })) {
    state_->end_round();
    for (std::size_t lane = 0; lane < state_->lanes.size(); ++lane) state_->free_slots(lane);
  }
  if (const std::exception_ptr error = std::exchange(state_->error, nullptr)) {
    state_->failed = false;
    std::rethrow_exception(error);
  }
}

}  // namespace sounder
