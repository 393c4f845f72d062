#include "engine/arena.h"

#include <sched.h>
#include <tbb/global_control.h>
#include <tbb/info.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string>

#include "engine/handoff.h"
#include "io/error.h"

namespace sounder {
namespace {

int affinity_threads() {
  cpu_set_t set;
  CPU_ZERO(&set);
  return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : tbb::info::default_concurrency();
}

// The quota of one cgroup v2 directory in CPUs; infinite when it sets none.
double quota_of(const std::filesystem::path& group) {
  std::ifstream file(group / "cpu.max");
  double quota = 0;
  double period = 0;
  return file >> quota >> period && period > 0 ? quota / period : std::numeric_limits<double>::infinity();
}

// The tightest quota on the way from the root to this process's cgroup. Version 1 hierarchies are read at the
// mount point, which is what a container sees of its own.
double cgroup_quota() {
  const std::filesystem::path root = "/sys/fs/cgroup";
  double quota = quota_of(root);
  std::ifstream groups("/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    if (!line.starts_with("0::")) continue;
    std::filesystem::path group = root;
    for (const auto& part : std::filesystem::path(line.substr(3)).relative_path()) {
      quota = std::min(quota, quota_of(group /= part));
    }
  }
  double v1_quota = 0;
  double v1_period = 0;
  if (std::ifstream(root / "cpu/cpu.cfs_quota_us") >> v1_quota && v1_quota > 0 &&
      std::ifstream(root / "cpu/cpu.cfs_period_us") >> v1_period && v1_period > 0) {
    quota = std::min(quota, v1_quota / v1_period);
  }
  return quota;
}

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

tbb::task_arena::constraints constraints_of(const Options& options, int threads) {
  tbb::task_arena::constraints constraints;
  constraints.set_max_concurrency(threads);
  if (options.numa_node < 0) return constraints;
  const auto nodes = tbb::info::numa_nodes();
  if (std::ranges::find(nodes, options.numa_node) == nodes.end()) {
    std::string known;
    for (const auto node : nodes) known += (known.empty() ? "" : ", ") + std::to_string(node);
    throw InputError("numa_node = " + std::to_string(options.numa_node) + ": this machine has " +
                     (known == "-1" ? "none that oneTBB can see (is tbbbind installed?)" : known));
  }
  return constraints.set_numa_id(options.numa_node);
}

}  // namespace

int usable_threads() {
  const int mask = affinity_threads();
  const double quota = cgroup_quota();
  return quota < mask ? std::max(1, static_cast<int>(quota)) : mask;
}

struct Arena::State {
  State(const Options& options, int count)
      : threads(count),
        reserved(std::min(options.reserved_slots, count)),
        limit(tbb::global_control::max_allowed_parallelism,
              static_cast<std::size_t>(std::max(count - reserved + 1, tbb::info::default_concurrency()))),
        arena(constraints_of(options, count), static_cast<unsigned>(reserved),
              priority_of(options.priority)) {}

  int threads;
  int reserved;
  // Lets an arena be larger than the machine. oneTBB takes the smallest limit in force in the whole process,
  // so this one is never below what there is without it.
  tbb::global_control limit;
  tbb::task_arena arena;
};

Arena::Arena(const Options& options)
    : state_(std::make_unique<State>(options, options.threads > 0 ? options.threads : usable_threads())) {}

Arena::~Arena() = default;

int Arena::threads() const {
  return state_->threads;
}

void Arena::execute(const std::function<void()>& body) {
  static Handoff handoff;  // found without a capture, whose reading would already have to be in order
  const auto ordered = [&] {
    const InOrder order(handoff);
    body();
  };
  const Started started(handoff);
  state_->arena.execute(ordered);
}

void Arena::parallel_for(std::size_t count, const std::function<void(std::size_t)>& body) {
  execute([&] { parallel_for_here(count, body); });
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
