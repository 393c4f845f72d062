#include "io/memory.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string>

namespace sounder {
namespace {

constexpr std::size_t kNoLimit = std::numeric_limits<std::size_t>::max();

std::size_t available() {
  std::ifstream file("/proc/meminfo");
  std::string key;
  std::size_t kib = 0;
  for (std::string unit; file >> key >> kib && std::getline(file, unit);)
    if (key == "MemAvailable:") return kib * 1024;
  return kNoLimit;
}

// A file that holds a number, or "max".
std::size_t limit_in(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::size_t limit = 0;
  return file >> limit ? limit : kNoLimit;
}

// The tightest limit on the way from a hierarchy's root to this process's group.
std::size_t limit_below(std::filesystem::path group, const std::filesystem::path& way, const char* name) {
  std::size_t limit = limit_in(group / name);
  for (const auto& part : way.relative_path()) limit = std::min(limit, limit_in((group /= part) / name));
  return limit;
}

std::size_t cgroup_limit() {
  const std::filesystem::path root = "/sys/fs/cgroup";
  std::size_t limit = kNoLimit;
  std::ifstream groups("/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    // number:controllers:way, and a way may have colons.
    const std::string way = line.substr(line.find(':', line.find(':') + 1) + 1);
    if (line.starts_with("0::")) limit = std::min(limit, limit_below(root, way, "memory.max"));
    if (line.find(":memory:") != line.npos)
      limit = std::min(limit, limit_below(root / "memory", way, "memory.limit_in_bytes"));
  }
  return limit;
}

}  // namespace

std::size_t machine_memory() {
  const auto physical =
      static_cast<std::size_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return std::min(physical, cgroup_limit());
}

std::size_t free_memory() {
  return std::min(available(), cgroup_limit());
}

}  // namespace sounder
