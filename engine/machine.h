#pragma once

#include <optional>
#include <string>
#include <vector>

namespace sounder {

// What the machine offers to this process. NUMA nodes and kinds of cores are what oneTBB sees by way of hwloc and its
// library tbbbind, so HWLOC_SYNTHETIC shows here; in builds with a sanitizer, which cannot load that library, there is
// one node and one kind.
struct Machine {
  // NUMA node or kind of cores; `id` -1: there is nothing to tell apart.
  struct Group {
    int id = -1;
    int threads = 1;  // hardware threads of it
  };
  struct Cache {
    std::string name;  // "L2 unified"
    std::string size;  // as the kernel writes it: "1024K"
    std::string cpus;  // that share it: "0-1"
  };

  std::string tbb;                // version of the library at work
  int affinity = 1;               // hardware threads in the affinity mask
  std::optional<double> quota;    // of the cgroup, in CPUs
  int usable = 1;                 // usable_threads()
  int cores = 1;                  // threads that there are with one a core
  std::vector<Group> nodes;       // at least one
  std::vector<Group> core_types;  // at least one; from the slowest to the fastest
  std::vector<Cache> caches;      // of the first hardware thread
};

Machine this_machine();

// Threads this process may use at once: the affinity mask, cut down to the cgroup's CPU quota; at least 1.
// oneTBB looks at the mask alone, and oversubscribes a container.
int usable_threads();

// Which NUMA nodes and kinds of cores an arena can be bound to, as in Machine; {-1} where oneTBB sees none.
std::vector<int> numa_nodes();
std::vector<int> core_types();

}  // namespace sounder
