#include "engine/machine.h"

#include <sched.h>
#include <tbb/info.h>
#include <tbb/task_arena.h>
#include <tbb/version.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <limits>

namespace sounder {
namespace {

namespace fs = std::filesystem;

// oneTBB loads tbbbind in a way that sanitizers abort on (RTLD_DEEPBIND).
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
constexpr bool kSeesTopology = false;
#else
constexpr bool kSeesTopology = true;
#endif

int affinity_threads() {
  cpu_set_t set;
  CPU_ZERO(&set);
  return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : tbb::info::default_concurrency();
}

// The quota of one cgroup v2 directory in CPUs; infinite when it sets none.
double quota_of(const fs::path& group) {
  std::ifstream file(group / "cpu.max");
  double quota = 0;
  double period = 0;
  return file >> quota >> period && period > 0 ? quota / period : std::numeric_limits<double>::infinity();
}

// The tightest quota on the way from the root to this process's cgroup. Version 1 hierarchies are read at the
// mount point, which is what a container sees of its own.
double cgroup_quota() {
  const fs::path root = "/sys/fs/cgroup";
  double quota = quota_of(root);
  std::ifstream groups("/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    if (!line.starts_with("0::")) continue;
    fs::path group = root;
    for (const auto& part : fs::path(line.substr(3)).relative_path())
      quota = std::min(quota, quota_of(group /= part));
  }
  double v1_quota = 0;
  double v1_period = 0;
  if (std::ifstream(root / "cpu/cpu.cfs_quota_us") >> v1_quota && v1_quota > 0 &&
      std::ifstream(root / "cpu/cpu.cfs_period_us") >> v1_period && v1_period > 0) {
    quota = std::min(quota, v1_quota / v1_period);
  }
  return quota;
}

std::string first_line(const fs::path& file) {
  std::string line;
  std::ifstream stream(file);
  std::getline(stream, line);
  return line;
}

std::vector<Machine::Cache> caches() {
  std::vector<Machine::Cache> found;
  const fs::path folder = "/sys/devices/system/cpu/cpu0/cache";
  for (int k = 0; fs::exists(folder / ("index" + std::to_string(k))); ++k) {
    const fs::path cache = folder / ("index" + std::to_string(k));
    found.push_back({.name = "L" + first_line(cache / "level") + " " + first_line(cache / "type"),
                     .size = first_line(cache / "size"),
                     .cpus = first_line(cache / "shared_cpu_list")});
  }
  return found;
}

template <class Constrain>
std::vector<Machine::Group> groups(const std::vector<int>& ids, Constrain&& constrain) {
  std::vector<Machine::Group> found;
  for (const int id : ids) {
    tbb::task_arena::constraints constraints;
    const int threads =
        id < 0 ? affinity_threads() : tbb::info::default_concurrency(constrain(constraints, id));
    found.push_back({.id = id, .threads = threads});
  }
  return found;
}

int cores() {
  if (!kSeesTopology) return affinity_threads();
  return tbb::info::default_concurrency(tbb::task_arena::constraints{}.set_max_threads_per_core(1));
}

}  // namespace

int usable_threads() {
  const int mask = affinity_threads();
  const double quota = cgroup_quota();
  return quota < mask ? std::max(1, static_cast<int>(quota)) : mask;
}

std::vector<int> numa_nodes() {
  return kSeesTopology ? tbb::info::numa_nodes() : std::vector<int>{-1};
}

std::vector<int> core_types() {
  return kSeesTopology ? tbb::info::core_types() : std::vector<int>{-1};
}

Machine this_machine() {
  const double quota = cgroup_quota();
  Machine machine{.tbb = TBB_runtime_version(),
                  .affinity = affinity_threads(),
                  .quota = {},
                  .usable = usable_threads(),
                  .cores = cores(),
                  .nodes = groups(numa_nodes(), [](auto& c, int id) { return c.set_numa_id(id); }),
                  .core_types = groups(core_types(), [](auto& c, int id) { return c.set_core_type(id); }),
                  .caches = caches()};
  if (quota < std::numeric_limits<double>::infinity()) machine.quota = quota;
  return machine;
}

}  // namespace sounder
