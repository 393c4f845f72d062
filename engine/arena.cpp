#include "engine/arena.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <pthread.h>
#include <sched.h>
#include <tbb/global_control.h>
#include <tbb/info.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>
#include <tbb/task_scheduler_observer.h>
#include <unistd.h>
#ifdef __SSE__
#include <xmmintrin.h>
#endif

#include <algorithm>
#include <cfenv>
#include <exception>
#include <latch>
#include <memory>
#include <mutex>
#include <numeric>
#include <thread>
#include <utility>
#include <vector>

#include "engine/handoff.h"
#include "io/error.h"

namespace sounder {
namespace {

tbb::task_arena::priority priority_of(Priority priority) {
  switch (priority) {
    case Priority::kLow:
      return tbb::task_arena::priority::low;
    case Priority::kHigh:
      return tbb::task_arena::priority::high;
    case Priority::kNormal:
      break;
  }
  return tbb::task_arena::priority::normal;
}

// -1 is any.
void require_known(std::string_view field, int id, const std::vector<int>& known) {
  if (id < 0 || std::ranges::find(known, id) != known.end()) return;
  const std::string there = known.front() < 0 ? "none that oneTBB can see (is tbbbind installed?)"
                                              : fmt::format("{} only", fmt::join(known, ", "));
  throw InputError(fmt::format("{} = {}: this machine has {}", field, id, there));
}

tbb::task_arena::constraints constraints_of(const Options& options, int numa_node) {
  tbb::task_arena::constraints constraints;
  constraints.set_numa_id(numa_node).set_core_type(options.core_type);
  if (options.threads_per_core > 0) constraints.set_max_threads_per_core(options.threads_per_core);
  return constraints;
}

// Without constraints the machine's topology need not be known.
int hardware_threads(const Options& options, int numa_node, int usable) {
  if (numa_node < 0 && options.core_type < 0 && options.threads_per_core == 0) return usable;
  return std::max(1, tbb::info::default_concurrency(constraints_of(options, numa_node)));
}

// What one node's arena is to be.
struct Share {
  int numa_node;
  int hardware;
  int threads = 1;
};

std::vector<Share> shares_of(const Options& options, int usable) {
  if (options.core_type >= 0) require_known("core_type", options.core_type, core_types());
  if (options.threads_per_core > 0 && numa_nodes().front() < 0)
    throw InputError("threads_per_core = " + std::to_string(options.threads_per_core) +
                     ": oneTBB does not see the cores of this machine (is tbbbind installed?)");
  const bool all = options.numa_nodes.empty();
  std::vector<Share> shares;
  for (const int node : all ? numa_nodes() : options.numa_nodes) {
    if (node >= 0) require_known("numa_nodes", node, numa_nodes());
    shares.push_back({.numa_node = node, .hardware = hardware_threads(options, node, usable)});
  }
  return shares;
}

// One thread for each node, and then each to the node that has the most hardware threads for those it has already.
std::vector<Share> dealt(std::vector<Share> shares, const Options& options, int usable) {
  int hardware = 0;
  for (const Share& share : shares) hardware += share.hardware;
  const int threads = options.threads > 0 ? options.threads : std::min(hardware, usable);
  const auto fit = std::min(shares.size(), static_cast<std::size_t>(threads));
  if (fit < shares.size() && !options.numa_nodes.empty())
    throw InputError(
        fmt::format("threads = {}: must be >= 1 for each of the {} NUMA nodes", threads, shares.size()));
  shares.resize(fit);
  for (auto left = threads - static_cast<int>(fit); left > 0; --left) {
    const auto most = std::ranges::max_element(
        shares, {}, [](const Share& s) { return static_cast<double>(s.hardware) / (s.threads + 1); });
    ++most->threads;
  }
  return shares;
}

// Hardware threads that the calling thread may run on; none if the system does not say.
cpu_set_t allowed_here() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) != 0) CPU_ZERO(&set);
  return set;
}

// Of a node: those of its hardware threads that may be used, and all that may be, by threads outside of it.
struct Cpus {
  std::vector<int> own;
  cpu_set_t all;
};

// As found outside of any pinned arena. oneTBB binds what enters the probe to the node.
Cpus cpus_of(const Options& options, int numa_node) {
  Cpus cpus{.own = {}, .all = allowed_here()};
  cpu_set_t own;
  tbb::task_arena probe(constraints_of(options, numa_node).set_max_concurrency(1));
  probe.execute([&] { own = allowed_here(); });
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu)
    if (CPU_ISSET(cpu, &own)) cpus.own.push_back(cpu);
  return cpus;
}

// Binds every thread that enters an arena to one hardware thread, by its slot in the arena, for as long as it is there;
// where the system refuses, a thread stays where it was.
class Pinning final : public tbb::task_scheduler_observer {
 public:
  // `first`: how many are taken already.
  Pinning(tbb::task_arena& arena, int threads, int first, Cpus cpus)
      : tbb::task_scheduler_observer(arena),
        cpus_(std::move(cpus)),
        first_(first),
        seats_(static_cast<std::size_t>(std::max(threads, 2))) {  // oneTBB's arenas have two slots at least
    handoff_.release();
    observe(true);
  }
  // Workers that are still in the arena do not tell any more when they leave it.
  ~Pinning() override {
    observe(false);
    handoff_.acquire();
    for (const Seat& seat : seats_)
      if (seat.thread != 0) sched_setaffinity(seat.thread, sizeof seat.after, &seat.after);
  }

  const Cpus& cpus() const { return cpus_; }

  // A worker is born bound as the thread is that wakes it, one of those here.
  void on_scheduler_entry(bool worker) override {
    const InOrder order(handoff_);
    seat_here() = {.thread = gettid(), .after = worker ? cpus_.all : allowed_here()};
    if (cpus_.own.empty()) return;
    const auto slot = static_cast<std::size_t>(first_) + slot_here();
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(cpus_.own[slot % cpus_.own.size()], &one);
    sched_setaffinity(0, sizeof one, &one);
  }
  void on_scheduler_exit(bool) override {
    const InOrder order(handoff_);
    const Seat seat = std::exchange(seat_here(), {});
    sched_setaffinity(0, sizeof seat.after, &seat.after);
  }

 private:
  struct Seat {
    pid_t thread = 0;      // that is in the slot, and
    cpu_set_t after = {};  // where it may run when it has left
  };

  static std::size_t slot_here() {
    return static_cast<std::size_t>(tbb::this_task_arena::current_thread_index());
  }
  Seat& seat_here() { return seats_[slot_here()]; }

  static inline Handoff handoff_;

  const Cpus cpus_;
  int first_;
  std::vector<Seat> seats_;  // by slot
};

// How the thread that makes an arena rounds, and what it makes of the smallest numbers: its workers do the same.
struct FloatMode {
#ifdef __SSE__
  static constexpr unsigned kFlags = 0x3f;  // that operations raise
  unsigned control = _mm_getcsr() & ~kFlags;
#else
  int control = std::fegetround();
#endif
  bool operator==(const FloatMode&) const = default;
};

// What makes two of oneTBB's arenas the same.
struct Kind {
  int numa_node;
  int core_type;
  int threads_per_core;
  int threads;
  int reserved;
  Priority priority;
  FloatMode floats = {};
  bool operator==(const Kind&) const = default;
};

std::unique_ptr<tbb::task_arena> make_arena(const Kind& kind, tbb::task_arena::constraints constraints) {
  return std::make_unique<tbb::task_arena>(constraints.set_max_concurrency(kind.threads),
                                           static_cast<unsigned>(kind.reserved), priority_of(kind.priority));
}

// Arenas that nobody uses at the time. oneTBB does not free one that asked for workers and was let go before any of them came: of
// short runs on two threads, 100 and more a second, each left some 7 KB, and the next one took longer (DECISIONS.md, 55). So they are
// kept for the next run of their kind: the only thing that a process has of runs that are over. A process that forks lets them go
// before, or oneTBB's threads would be missed in the child.
class Idle {
 public:
  static std::unique_ptr<tbb::task_arena> take(const Kind& kind,
                                               const tbb::task_arena::constraints& constraints) {
    Idle& idle = all();
    {
      const std::scoped_lock lock(idle.mutex_);
      const auto found = std::ranges::find(idle.arenas_, kind, &Kept::kind);
      if (found != idle.arenas_.end()) {
        auto arena = std::move(found->arena);
        idle.arenas_.erase(found);
        return arena;
      }
    }
    return make_arena(kind, constraints);
  }

  static void give_back(const Kind& kind, std::unique_ptr<tbb::task_arena> arena) noexcept try {
    constexpr std::size_t kMost = 64;
    Idle& idle = all();
    const std::scoped_lock lock(idle.mutex_);
    if (idle.arenas_.size() == kMost) idle.arenas_.erase(idle.arenas_.begin());
    idle.arenas_.push_back({kind, std::move(arena)});
  } catch (...) {
    // The arena goes instead.
  }

  static void let_go() {
    Idle& idle = all();
    const std::scoped_lock lock(idle.mutex_);
    idle.arenas_.clear();
  }

 private:
  struct Kept {
    Kind kind;
    std::unique_ptr<tbb::task_arena> arena;
  };

  // Never destroyed, as runs may end after static objects have.
  static Idle& all() {
    static Idle* const idle = [] {
      pthread_atfork([] { all().before_fork(); }, [] { all().mutex_.unlock(); },
                     [] { all().mutex_.unlock(); });
      return new Idle;
    }();
    return *idle;
  }
  void before_fork() {
    mutex_.lock();
    arenas_.clear();
  }

  std::mutex mutex_;
  std::vector<Kept> arenas_;
};

// One of the arenas. `around`: that of the same node that it is made inside of, or null.
struct Node {
  Node(const Share& share, int reserved, int pinned_before, const Options& options, const Node* around)
      : numa_node(share.numa_node),
        threads(share.threads),
        kind{.numa_node = share.numa_node,
             .core_type = options.core_type,
             .threads_per_core = options.threads_per_core,
             .threads = share.threads,
             .reserved = reserved,
             .priority = options.priority},
        kept(!options.pin),
        owned(kept ? Idle::take(kind, constraints_of(options, share.numa_node)) : make_arena(kind, {})),
        arena(*owned) {
    if (!options.pin) return;
    const bool pinned = around != nullptr && around->pinning != nullptr;
    pinning = std::make_unique<Pinning>(arena, threads, pinned_before,
                                        pinned ? around->pinning->cpus() : cpus_of(options, share.numa_node));
  }

  ~Node() {
    if (kept) Idle::give_back(kind, std::move(owned));
  }
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  int numa_node;
  int threads;
  Kind kind;
  bool kept;  // for the next run
  std::unique_ptr<tbb::task_arena> owned;
  tbb::task_arena& arena;
  std::unique_ptr<Pinning> pinning;  // instead of what oneTBB binds threads to
};

}  // namespace

struct Arena::State {
  // `usable`: usable_threads(), which reads files.
  State(const Options& options, const std::vector<Share>& shares, int usable, const Arena* around)
      : threads(std::accumulate(shares.begin(), shares.end(), 0,
                                [](int sum, const Share& share) { return sum + share.threads; })),
        crowded(threads > usable),
        reserved(std::min(options.reserved_slots, shares.front().threads)),
        limit(tbb::global_control::max_allowed_parallelism,
              static_cast<std::size_t>(std::max(threads - reserved + 1, tbb::info::default_concurrency()))) {
    int before = 0;
    for (const Share& share : shares) {
      const Node* const outer = around ? around->state_->nodes[nodes.size()].get() : nullptr;
      nodes.push_back(std::make_unique<Node>(share, nodes.empty() ? reserved : 1, before, options, outer));
      before += share.threads;
    }
  }

  int threads;
  bool crowded;
  int reserved;  // slots of the first node, where the calling thread is; of the others, one for theirs
  // Lets an arena be larger than the machine. oneTBB takes the smallest limit in force in the whole process,
  // so this one is never below what there is without it.
  tbb::global_control limit;
  std::vector<std::unique_ptr<Node>> nodes;
};

void release_arenas() {
  Idle::let_go();
}

Arena::Arena(const Options& options, const Arena* around) {
  const int usable = usable_threads();
  state_ =
      std::make_unique<State>(options, dealt(shares_of(options, usable), options, usable), usable, around);
}

Arena::~Arena() = default;

int Arena::threads() const {
  return state_->threads;
}
std::size_t Arena::nodes() const {
  return state_->nodes.size();
}
bool Arena::crowded() const {
  return state_->crowded;
}
int Arena::threads(std::size_t node) const {
  return state_->nodes[node]->threads;
}
int Arena::numa_node(std::size_t node) const {
  return state_->nodes[node]->numa_node;
}

void Arena::execute(const std::function<void()>& body) {
  static Handoff handoff;  // found without a capture, whose reading would already have to be in order
  const auto ordered = [&] {
    const InOrder order(handoff);
    body();
  };
  const Started started(handoff);
  state_->nodes.front()->arena.execute(ordered);
}

// Each of the others has a thread of its own, which enters its arena like the calling thread the first. Bodies may wait for
// each other, so none begins before all threads are there.
void Arena::for_each_node(const std::function<void(std::size_t)>& body) {
  if (nodes() == 1) return execute([&] { body(0); });
  std::vector<std::exception_ptr> errors(nodes());
  std::latch go(1);
  bool all_there = false;
  const auto run = [&](std::size_t node) {
    try {
      state_->nodes[node]->arena.execute([&] { body(node); });
    } catch (...) {
      errors[node] = std::current_exception();
    }
  };
  {
    std::vector<std::jthread> others;
    try {
      for (std::size_t node = 1; node < nodes(); ++node) {
        others.emplace_back([&, node] {
          go.wait();
          if (all_there) run(node);
        });
      }
    } catch (...) {
      go.count_down();
      throw;
    }
    all_there = true;
    go.count_down();
    run(0);
  }
  for (const std::exception_ptr& error : errors)
    if (error) std::rethrow_exception(error);
}

Arena::Part Arena::part(std::size_t count, std::size_t node) const {
  std::size_t before = 0;
  for (std::size_t k = 0; k < node; ++k) before += static_cast<std::size_t>(threads(k));
  const auto all = static_cast<std::size_t>(threads());
  return {.begin = count * before / all,
          .end = count * (before + static_cast<std::size_t>(threads(node))) / all};
}

void Arena::parallel_for(std::size_t count, const std::function<void(std::size_t)>& body) {
  for_each_node([&](std::size_t node) {
    const auto [begin, end] = part(count, node);
    parallel_for_here(end - begin, [&, first = begin](std::size_t i) { body(first + i); });
  });
}

void parallel_for_here(std::size_t count, const std::function<void(std::size_t)>& body) {
  static Handoff handoff;
  const auto ordered = [&](std::size_t i) {
    const InOrder order(handoff);
    body(i);
  };
  const Started started(handoff);
  tbb::parallel_for(std::size_t{0}, count, ordered, tbb::simple_partitioner());
}

int threads_here() {
  return tbb::this_task_arena::max_concurrency();
}

}  // namespace sounder
