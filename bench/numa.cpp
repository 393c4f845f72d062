// Where the memory is and what that costs: our blocks and gradient task on an arena for each NUMA node, the parameters
// page by page on all nodes or on the first, every block trained on the node that built it or on the next one. Hinge
// loss, l2 = 1/n, updates only; medians of runs in turn.
//
//   bench/numa [REPEATS]
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <exception>
#include <vector>

#include "bench/problem.h"
#include "engine/arena.h"
#include "engine/gradient_task.h"
#include "engine/graph.h"
#include "engine/sampler.h"
#include "engine/stopwatch.h"
#include "objectives/catalogue.h"

namespace sounder::bench {
namespace {

constexpr int kEpochs = 10;
constexpr std::size_t kBlockRows = 512;

struct Placement {
  bool interleaved;  // the parameters
  bool local;        // the blocks
};
constexpr std::array kPlacements = {Placement{true, true}, Placement{true, false}, Placement{false, true},
                                    Placement{false, false}};

struct Outcome {
  double seconds = 0;
  std::vector<std::uint64_t> tasks;  // by node
  std::uint64_t remote = 0;
  std::uint64_t nonzeros = 0;
};

class Run {
 public:
  Run(const Dataset& data, Arena& arena, const Placement& placement)
      : arena_(arena),
        hinge_(make_objective("hinge")),
        layout_(data, hinge_->shape(), false, {}),
        blocks_(make_blocks(BlockMaker(data, layout_, 0), deal_rows(data, Grouping::kRandom, kBlockRows, 1),
                            arena)),
        parameters_(layout_.cells(), layout_.cell_floats()),
        writer_(make_writer(Discipline::kAtomic, parameters_, 1)),
        task_(*hinge_, layout_, blocks_, *writer_),
        shift_(placement.local ? 0 : 1),
        sampler_(units(),
                 {.schedule = Schedule::kInverse,
                  .step = 4,
                  .l2 = 1.0 / static_cast<double>(data.rows()),
                  .rows = static_cast<double>(data.rows()),
                  .epochs = kEpochs},
                 {.l2 = 1.0 / static_cast<double>(data.rows())}, 1) {
    const std::size_t nodes = placement.interleaved ? arena.nodes() : 1;
    arena.for_each_node([&](std::size_t node) {
      if (node < nodes) parameters_.touch(node, nodes);
    });
  }

  Outcome epochs() {
    Outcome outcome{.tasks = std::vector<std::uint64_t>(arena_.nodes())};
    Graph graph(arena_, 2 * static_cast<std::size_t>(arena_.threads()),
                {.sample = [this](Task& task) { return sample(task); },
                 .work = [this](const Task& task) { task_.run(task); },
                 .account =
                     [&](const Task& task) {
                       ++outcome.tasks[task.node];
                       if (blocks_[task.blocks[0]].node != task.node) ++outcome.remote;
                     }});
    const auto start = Clock::now();
    for (int epoch = 1; epoch <= kEpochs; ++epoch) {
      sampler_.begin_epoch(epoch);
      while (!sampler_.epoch_done()) {
        graph.run();
        fold_scale(sampler_, layout_, parameters_);
      }
    }
    outcome.seconds = seconds_since(start);
    outcome.nonzeros = task_.nonzeros();
    return outcome;
  }

 private:
  Units units() const {
    Units units{.rows = {}, .ends = std::vector<std::size_t>(arena_.nodes())};
    for (const Block& block : blocks_) {
      units.rows.push_back(static_cast<std::uint32_t>(block.rows()));
      units.ends[block.node] = units.rows.size();
    }
    return units;
  }
  // Of the node's own units, or of the next one's.
  bool sample(Task& task) {
    const std::size_t node = task.node;
    task.node = (node + shift_) % arena_.nodes();
    const bool more = sampler_.next(task);
    task.node = node;
    return more;
  }

  Arena& arena_;
  std::unique_ptr<Objective> hinge_;
  Layout layout_;
  std::vector<Block> blocks_;
  Parameters parameters_;
  std::unique_ptr<Writer> writer_;
  GradientTask task_;
  const std::size_t shift_;  // to the node whose blocks a node trains
  Sampler sampler_;
};

void describe(const Arena& arena) {
  for (std::size_t node = 0; node < arena.nodes(); ++node)
    fmt::print("node {}: {} threads\n", arena.numa_node(node), arena.threads(node));
  if (arena.nodes() == 1)
    fmt::print("This machine has one NUMA node, or oneTBB sees no more: all placements are the same here.\n");
  if (std::getenv("HWLOC_SYNTHETIC") != nullptr)
    fmt::print(
        "HWLOC_SYNTHETIC is set: the nodes are made up, memory has no sides, and differences are noise.\n");
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

void measure(const Dataset& data, Arena& arena, int repeats) {
  std::array<std::vector<double>, kPlacements.size()> seconds;
  std::array<Outcome, kPlacements.size()> last;
  for (int repeat = 0; repeat < repeats; ++repeat) {
    for (std::size_t k = 0; k < kPlacements.size(); ++k) {
      last[k] = Run(data, arena, kPlacements[k]).epochs();
      seconds[k].push_back(last[k].seconds);
    }
  }
  fmt::print("{:<12} {:<8} {:>16} {:>14} {:>13}  tasks by node\n", "parameters", "blocks", "M non-zeros/s",
             "against first", "remote tasks");
  for (std::size_t k = 0; k < kPlacements.size(); ++k) {
    fmt::print("{:<12} {:<8} {:>16.0f} {:>14.2f} {:>13}  {}\n",
               kPlacements[k].interleaved ? "interleaved" : "on the first",
               kPlacements[k].local ? "local" : "remote",
               static_cast<double>(last[k].nonzeros) / median(seconds[k]) / 1e6,
               median(seconds[0]) / median(seconds[k]), last[k].remote, fmt::join(last[k].tasks, ", "));
  }
}

}  // namespace
}  // namespace sounder::bench

int main(int count, char** arguments) try {
  sounder::Options options;
  options.numa_nodes = {};
  sounder::Arena arena(options);
  sounder::bench::describe(arena);
  sounder::bench::measure(sounder::bench::text(), arena,
                          count > 1 ? std::max(1, std::atoi(arguments[1])) : 5);
  return 0;
} catch (const std::exception& error) {
  fmt::print(stderr, "numa: {}\n", error.what());
  return 1;
}
