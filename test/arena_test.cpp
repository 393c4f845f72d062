#include "engine/arena.h"

#include <doctest/doctest.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <fstream>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <vector>

#include "test/support.h"

using namespace sounder;
using namespace sounder::test;

TEST_CASE("arena: usable threads follow the affinity mask") {
  CHECK(usable_threads() >= 1);
  CHECK(usable_threads() <= static_cast<int>(std::thread::hardware_concurrency()));
  int usable = 0;
  std::jthread([&] {
    cpu_set_t set;
    REQUIRE(sched_getaffinity(0, sizeof set, &set) == 0);
    int first = 0;
    while (!CPU_ISSET(first, &set)) ++first;
    CPU_ZERO(&set);
    CPU_SET(first, &set);
    REQUIRE(sched_setaffinity(0, sizeof set, &set) == 0);
    usable = usable_threads();
  }).join();
  CHECK(usable == 1);
}

TEST_CASE("arena: has the threads asked for, or those that are usable") {
  for (const std::size_t threads : kThreadSweep)
    CHECK(Arena(with_threads(threads)).threads() == static_cast<int>(threads));
  CHECK(Arena(Options{}).threads() == usable_threads());
}

TEST_CASE("arena: parallel_for calls each body once, at most `threads` at a time") {
  for (const std::size_t threads : kThreadSweep) {
    CAPTURE(threads);
    Arena arena(with_threads(threads));
    for (const std::size_t count : {0, 1, 2, 37, 200}) {
      CAPTURE(count);
      std::vector<int> calls(count);
      Concurrency concurrency;
      arena.parallel_for(count, [&](std::size_t i) {
        const Concurrency::Inside inside(concurrency);
        ++calls[i];
        std::this_thread::sleep_for(std::chrono::microseconds(20));
      });
      CHECK(std::ranges::count(calls, 1) == static_cast<std::ptrdiff_t>(count));
      CHECK(concurrency.peak() <= static_cast<int>(threads));
    }
  }
}

TEST_CASE("arena: parallel_for inside execute sees what came before and shows what it did") {
  for (const std::size_t threads : kThreadSweep) {
    Arena arena(with_threads(threads));
    std::vector<int> numbers(100);
    arena.execute([&] {
      numbers.assign(100, 1);
      arena.parallel_for(100, [&](std::size_t i) { numbers[i] += 1; });
      arena.parallel_for(100, [&](std::size_t i) { numbers[99 - i] *= 2; });
    });
    CHECK(std::ranges::count(numbers, 4) == 100);
  }
}

TEST_CASE("arena: an exception comes out and the arena goes on") {
  for (const std::size_t threads : kThreadSweep) {
    CAPTURE(threads);
    Arena arena(with_threads(threads));
    const auto third = [](std::size_t i) {
      if (i == 3) throw std::out_of_range("three");
    };
    for (int round = 0; round < 5; ++round) {
      CHECK_THROWS_WITH_AS(arena.parallel_for(10, third), "three", std::out_of_range);
      CHECK_THROWS_WITH_AS(arena.execute([&] { third(3); }), "three", std::out_of_range);
      CHECK_NOTHROW(arena.parallel_for(3, third));
    }
  }
}

TEST_CASE("arena: every arrangement of slots and priorities runs") {
  for (const int slots : {0, 1, 2}) {
    for (const Priority priority : {Priority::kLow, Priority::kNormal, Priority::kHigh}) {
      Options options = with_threads(2);
      options.reserved_slots = slots;
      options.priority = priority;
      std::atomic<int> calls{0};
      Arena(options).parallel_for(50, [&](std::size_t) { ++calls; });
      CHECK(calls == 50);
    }
  }
}

TEST_CASE("arena: more reserved slots than there are threads") {
  Options options;
  options.reserved_slots = 1000;
  std::atomic<int> calls{0};
  Arena(options).parallel_for(50, [&](std::size_t) { ++calls; });
  CHECK(calls == 50);
}

TEST_CASE("arena: does not limit the rest of the process") {
  if (usable_threads() < 2) return;  // one core: the machine is the limit
  const Arena narrow(with_threads(1));
  Arena wide(with_threads(2));
  std::atomic<int> inside{0};
  bool met = false;
  wide.parallel_for(2, [&](std::size_t) {
    if (inside++ > 0) return;
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (inside < 2 && std::chrono::steady_clock::now() < end) std::this_thread::yield();
    met = inside == 2;
  });
  CHECK(met);
}

TEST_CASE("arena: what the machine does not have is refused, and what it has is named") {
  Options options;
  options.numa_nodes = {999};
  CHECK(input_error_of([&] { Arena arena(options); }).starts_with("numa_nodes = 999: this machine has "));
  options.numa_nodes = {-1};
  options.core_type = 99;
  CHECK(input_error_of([&] { Arena arena(options); }).starts_with("core_type = 99: this machine has "));
  options = with_threads(2);
  options.numa_nodes = {-1, -1, -1};
  CHECK(input_error_of([&] { Arena arena(options); }) ==
        "threads = 2: must be >= 1 for each of the 3 NUMA nodes");
}

TEST_CASE("arena: threads and things to do are dealt out over the nodes") {
  for (const std::size_t threads : {2, 3, 4, 8}) {
    for (const std::size_t nodes : {1, 2}) {
      CAPTURE(threads);
      CAPTURE(nodes);
      Options options = with_threads(threads);
      options.numa_nodes.assign(nodes, -1);
      const Arena arena(options);
      REQUIRE(arena.nodes() == nodes);
      CHECK(arena.threads() == static_cast<int>(threads));
      std::size_t expected = 0;
      for (std::size_t node = 0; node < nodes; ++node) {
        CHECK(arena.threads(node) >= static_cast<int>(threads / nodes));
        const auto [begin, end] = arena.part(37, node);
        CHECK(begin == expected);
        CHECK(end >= begin + 37 / threads);
        expected = end;
      }
      CHECK(expected == 37);
    }
  }
}

TEST_CASE("arena: every node runs its own part, and an exception comes out after all have ended") {
  for (const std::size_t threads : {2, 3, 4, 8}) {
    CAPTURE(threads);
    Options options = with_threads(threads);
    options.numa_nodes = {-1, -1};
    Arena arena(options);
    for (int round = 0; round < 5; ++round) {
      std::vector<int> calls(100);
      arena.execute([&] { arena.parallel_for(100, [&](std::size_t i) { ++calls[i]; }); });
      CHECK(std::ranges::count(calls, 1) == 100);
      std::atomic<int> ended{0};
      const auto last_throws = [&](std::size_t node) {
        ++ended;
        if (node == 1) throw std::out_of_range("one");
      };
      CHECK_THROWS_WITH_AS(arena.for_each_node(last_throws), "one", std::out_of_range);
      CHECK(ended == 2);
    }
  }
}

namespace {

Options pinned(std::size_t threads) {
  Options options = with_threads(threads);
  options.pin = true;
  return options;
}

cpu_set_t allowed() {
  cpu_set_t set;
  CPU_ZERO(&set);
  sched_getaffinity(0, sizeof set, &set);
  return set;
}

int bound_to() {
  const cpu_set_t set = allowed();
  return CPU_COUNT(&set);
}

// Of the arena, the hardware threads that its workers may run on, once all of them have come or a second is over.
cpu_set_t allowed_in(Arena& arena) {
  std::mutex mutex;
  cpu_set_t all;
  CPU_ZERO(&all);
  std::atomic<int> inside{0};
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(1);
  arena.parallel_for(static_cast<std::size_t>(arena.threads()), [&](std::size_t) {
    const cpu_set_t here = allowed();
    {
      const std::scoped_lock lock(mutex);
      CPU_OR(&all, &all, &here);
    }
    ++inside;
    while (inside < arena.threads() && std::chrono::steady_clock::now() < end) std::this_thread::yield();
  });
  return all;
}

}  // namespace

TEST_CASE("arena: pinned threads are on one hardware thread inside, and where they were outside") {
  const int before = bound_to();
  for (const std::size_t nodes : {1, 2}) {
    CAPTURE(nodes);
    Options options = pinned(4);
    options.numa_nodes.assign(nodes, -1);
    Arena arena(options);
    std::atomic<int> others{0};
    arena.execute([&] {
      arena.parallel_for(200, [&](std::size_t) { others += bound_to() == 1 ? 0 : 1; });
      CHECK(bound_to() == 1);
    });
    CHECK(others == 0);
    CHECK(bound_to() == before);
  }
}

TEST_CASE("arena: one made inside of a pinned one pins to the same hardware threads") {
  if (usable_threads() < 2) return;
  Arena outer(pinned(2));
  outer.execute([&] {
    const cpu_set_t before = allowed();
    {
      Arena inner(pinned(2), &outer);
      const cpu_set_t all = allowed_in(inner);
      CHECK(CPU_COUNT(&all) == 2);
    }
    const cpu_set_t after = allowed();
    CHECK(CPU_EQUAL(&before, &after));
  });
}

TEST_CASE("arena: after a pinned one is gone, its workers run where they may") {
  const int before = bound_to();
  for (const std::size_t threads : kThreadSweep) {
    CAPTURE(threads);
    for (int round = 0; round < 10; ++round) {
      {
        Arena arena(pinned(threads));
        arena.execute([&] { allowed_in(arena); });
      }
      Arena free(with_threads(threads));
      std::atomic<int> bound{0};
      free.parallel_for(200, [&](std::size_t) { bound += bound_to() == before ? 0 : 1; });
      CHECK(bound == 0);
    }
  }
}

// A sanitizer's allocator keeps what is freed for a while.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST_CASE("arena: short runs, one after the other, leave nothing behind") {
  const auto resident_pages = [] {
    std::ifstream file("/proc/self/statm");
    long all = 0;
    long resident = 0;
    file >> all >> resident;
    return resident;
  };
  for (const std::size_t threads : {std::size_t{2}, 2 * std::size_t{std::thread::hardware_concurrency()}}) {
    const auto run = [&] {
      Arena arena(with_threads(threads));
      arena.parallel_for(2, [](std::size_t) {});
    };
    for (int k = 0; k < 100; ++k) run();
    const long before = resident_pages();
    for (int k = 0; k < 3000; ++k) run();
    CAPTURE(threads);
    CHECK(resident_pages() - before <
          1000);  // some 7 KB a run, or 5000 pages in all, when oneTBB had to free them
  }
}
#endif
