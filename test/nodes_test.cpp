// Training on several NUMA nodes: an arena, a graph and blocks for each. Two that any core may serve always are there;
// those with a number are there where HWLOC_SYNTHETIC, which test/CMakeLists.txt sets for a test of its own, or the
// machine has them.
#include <doctest/doctest.h>
#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <system_error>
#include <thread>
#include <vector>

#include "engine/arena.h"
#include "engine/graph.h"
#include "engine/sampler.h"
#include "engine/train.h"
#include "io/synthetic.h"
#include "test/support.h"

using namespace sounder;
using namespace sounder::test;

namespace {

const std::vector<int> kAnyTwo = {-1, -1};

bool two_nodes_there() {
  if (numa_nodes() == std::vector{0, 1}) return true;
  MESSAGE(
      "skipped: oneTBB sees no NUMA nodes 0 and 1; HWLOC_SYNTHETIC=\"NUMANode:2 core:1 pu:1\" makes them");
  return false;
}

Report trained(std::size_t threads, std::vector<int> nodes, Discipline discipline = Discipline::kAtomic) {
  Options options = with_threads(threads);
  options.numa_nodes = std::move(nodes);
  options.discipline = discipline;
  options.block_rows = 20;
  options.step = 1;
  options.epochs = 8;
  options.l2 = 1e-3;
  return train(generate({.rows = 2000, .columns = 300, .nonzeros_per_row = 15}), *make_objective("logistic"),
               options)
      .report;
}

// Every node has trained each of its blocks once an epoch, and none of another's.
void check_nodes(const Report& report, std::size_t nodes) {
  REQUIRE(report.nodes.size() == nodes);
  std::uint64_t blocks = 0;
  for (const NodeReport& node : report.nodes) {
    CHECK(node.threads >= 1);
    CHECK(node.blocks > 0);
    CHECK(node.tasks > 0);
    CHECK(node.remote_tasks == 0);
    blocks += node.blocks;
  }
  CHECK(blocks == 100);
}

// Of tasks that are held up here and there: the most that were sampled after one that was not done, in samples' numbers.
struct Ahead {
  explicit Ahead(int tasks) : done(static_cast<std::size_t>(tasks)) {}

  std::vector<std::atomic<bool>> done;
  std::atomic<std::uint64_t> most = 0;
  int sampled = 0;
  std::vector<int> accounted = {0, 0};
  Concurrency samplers, ledgers;

  Graph::Calls calls() {
    return {.sample = [this](Task&) { return sample(); },
            .work = [this](const Task& task) { work(task); },
            .account = [this](const Task& task) { account(task); }};
  }

 private:
  bool sample() {
    const Concurrency::Inside inside(samplers);
    return sampled < static_cast<int>(done.size()) && ++sampled > 0;
  }
  void work(const Task& task) {
    std::uint64_t oldest = 0;
    while (oldest < task.number && done[oldest]) ++oldest;
    std::uint64_t before = most;
    while (task.number - oldest > before && !most.compare_exchange_weak(before, task.number - oldest)) {
    }
    if (task.number % 97 == 5) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    done[task.number] = true;
  }
  void account(const Task& task) {
    const Concurrency::Inside inside(ledgers);
    ++accounted[task.node];
  }
};

// For as long as it lives, threads that are not oneTBB's ask for stacks larger than any address space.
class NoMoreThreads {
 public:
  NoMoreThreads() {
    pthread_getattr_default_np(&before_);
    pthread_attr_t huge;
    pthread_attr_init(&huge);
    pthread_attr_setstacksize(&huge, std::size_t{1} << 56);
    pthread_setattr_default_np(&huge);
    pthread_attr_destroy(&huge);
  }
  ~NoMoreThreads() {
    pthread_setattr_default_np(&before_);
    pthread_attr_destroy(&before_);
  }
  NoMoreThreads(const NoMoreThreads&) = delete;
  NoMoreThreads& operator=(const NoMoreThreads&) = delete;

 private:
  pthread_attr_t before_;
};

}  // namespace

TEST_CASE("nodes: no task starts a window after one that is not done, whatever node that is on") {
  constexpr int kTasks = 1500;
  for (const std::size_t threads : {2, 3, 4, 8}) {
    for (const std::size_t window : {std::size_t{3}, 2 * threads}) {
      CAPTURE(threads);
      CAPTURE(window);
      Options options = with_threads(threads);
      options.numa_nodes = kAnyTwo;
      Arena arena(options);
      Ahead ahead(kTasks);
      Graph graph(arena, window, ahead.calls());
      graph.run();
      CHECK(ahead.most < window);
      CHECK(ahead.accounted[0] + ahead.accounted[1] == kTasks);
      CHECK(ahead.samplers.peak() == 1);
      CHECK(ahead.ledgers.peak() == 1);
      graph.run();  // nothing is left to do
      CHECK(ahead.sampled == kTasks);
    }
  }
}

TEST_CASE("nodes: an exception on one node ends all, and the next run works") {
  for (const std::size_t threads : {2, 3, 4, 8}) {
    CAPTURE(threads);
    Options options = with_threads(threads);
    options.numa_nodes = kAnyTwo;
    Arena arena(options);
    std::atomic<int> worked = 0;
    int sampled = 0;
    bool throwing = false;
    Graph graph(arena, 2 * threads,
                {.sample = [&](Task&) { return sampled < 500 && ++sampled > 0; },
                 .work =
                     [&](const Task&) {
                       if (++worked == 10 && throwing) throw std::runtime_error("work");
                     },
                 .account = [](const Task&) {}});
    for (int round = 0; round < 3; ++round) {
      throwing = true;
      worked = sampled = 0;
      CHECK_THROWS_WITH_AS(graph.run(), "work", std::runtime_error);
      throwing = false;
      worked = sampled = 0;
      graph.run();
      CHECK(worked == 500);
    }
  }
}

TEST_CASE("nodes: where there is no thread for one, the others do not wait for it, and the next run works") {
  Options options = with_threads(2);
  options.numa_nodes = kAnyTwo;
  Arena arena(options);
  int sampled = 0;
  Graph graph(arena, 4,
              {.sample = [&](Task&) { return sampled < 500 && ++sampled > 0; },
               .work = [](const Task&) {},
               .account = [](const Task&) {}});
  {
    const NoMoreThreads none;
    CHECK_THROWS_AS(graph.run(), std::system_error);
    CHECK(sampled == 0);
  }
  graph.run();
  CHECK(sampled == 500);
}

TEST_CASE("nodes: the sampler hands out each unit once an epoch, to its own node, with one clock") {
  const Units units{.rows = {10, 10, 10, 10, 10, 10, 3}, .ends = {4, 7}};
  Sampler sampler(units, {.schedule = Schedule::kConstant, .step = 1, .rows = 63, .epochs = 9}, {.l2 = 0.01},
                  5);
  for (int epoch = 1; epoch <= 5; epoch += epoch == 3 ? 2 : 1) {
    const int epochs = epoch == 3 ? 2 : 1;  // the last two without an end in between
    sampler.begin_epoch(epoch, Pass::kUpdate, epochs);
    std::vector<std::uint32_t> seen;
    double samples = 63.0 * (epoch - 1);
    for (Task task; !sampler.epoch_done(); task.node = 1 - task.node) {
      if (!sampler.next(task)) continue;
      REQUIRE(task.blocks.size() == 1);
      CHECK((task.blocks[0] >= 4) == (task.node == 1));
      CHECK(task.step.before == samples);
      samples += units.rows[task.blocks[0]];
      seen.push_back(task.blocks[0]);
    }
    std::vector<std::uint32_t> expected;
    for (std::uint32_t unit = 0; unit < 7; ++unit) expected.insert(expected.end(), epochs, unit);
    std::ranges::sort(seen);
    CHECK(seen == expected);
  }
}

TEST_CASE("nodes: two train what one does, each with the blocks that it built") {
  const double alone = trained(1, {-1}).objective;
  for (const Discipline discipline : {Discipline::kAtomic, Discipline::kRacy, Discipline::kOrdered}) {
    CAPTURE(name_of(discipline));
    for (const std::size_t threads : {2, 3, 4, 8}) {
      CAPTURE(threads);
      const Report report = trained(threads, kAnyTwo, discipline);
      check_nodes(report, 2);
      CHECK(report.objective == doctest::Approx(alone).epsilon(0.1));
    }
  }
}

TEST_CASE("nodes: a staleness bound that two cannot keep is refused") {
  Options options = with_threads(2);
  options.numa_nodes = kAnyTwo;
  options.block_rows = 10;
  options.tau = 20;
  options.step = 1;
  const auto data = generate({.rows = 1000, .columns = 300, .nonzeros_per_row = 15});
  CHECK(input_error_of([&] {
          train(data, *make_objective("logistic"), options);
        }).starts_with("tau = 20: must be >= 30"));
}

TEST_CASE("nodes: those with a number, all of them and one of them") {
  if (!two_nodes_there()) return;
  const double alone = trained(1, {-1}).objective;
  for (const std::size_t threads : kThreadSweep) {
    CAPTURE(threads);
    const Report report = trained(threads, {});
    check_nodes(report, std::min<std::size_t>(threads, 2));
    for (std::size_t node = 0; node < report.nodes.size(); ++node)
      CHECK(report.nodes[node].numa_node == static_cast<int>(node));
    CHECK(report.objective == doctest::Approx(alone).epsilon(0.1));
  }
  const Report second = trained(2, {1});
  check_nodes(second, 1);
  CHECK(second.nodes[0].numa_node == 1);
}

TEST_CASE("nodes: what runs on a node runs on its cores") {
  if (!two_nodes_there()) return;
  for (const bool pin : {false, true}) {
    Options options = with_threads(2);
    options.numa_nodes = {0, 1};
    options.pin = pin;
    Arena arena(options);
    std::vector<cpu_set_t> allowed(2);
    arena.for_each_node([&](std::size_t node) { sched_getaffinity(0, sizeof(cpu_set_t), &allowed[node]); });
    if (CPU_COUNT(&allowed[0]) > 1) return;  // a synthetic machine that hwloc does not take for this one
    CHECK(!CPU_EQUAL(&allowed[0], &allowed[1]));
    std::atomic<int> strays = 0;
    arena.parallel_for(
        200, [&](std::size_t i) { strays += CPU_ISSET(sched_getcpu(), &allowed[i / 100]) ? 0 : 1; });
    CHECK(strays == 0);
  }
}
