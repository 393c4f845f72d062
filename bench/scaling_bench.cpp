// What a core gains, and what a second one adds: hinge loss, l2 = 1/n, updates only, every rival on the same
// data.
//
//   yardstick           the best serial loop (yardstick.h)
//   per_sample_racy     HOGWILD! as published: std::threads, one sample at a time, relaxed load and store
//   parallel_for        our blocks and gradient task under tbb::parallel_for
//   flow_graph          the same under the flow graph: what train() runs
//
// discipline: 0 atomic, 1 lock_free, 2 racy.
//
// Counters: nonzeros a second, and the objective reached, which fails the benchmark when it is far off.
#include <benchmark/benchmark.h>

#include <atomic>
#include <cmath>
#include <numeric>
#include <thread>

#include "bench/problem.h"
#include "bench/yardstick.h"
#include "engine/arena.h"
#include "engine/gradient_task.h"
#include "engine/graph.h"
#include "engine/sampler.h"
#include "objectives/catalogue.h"

namespace sounder::bench {
namespace {

constexpr int kEpochs = 20;
constexpr double kStep = 4;  // eta0, for rows of length 1

const Dataset& data() {
  static const Dataset loaded = text();
  return loaded;
}

double l2() {
  return 1.0 / static_cast<double>(data().rows());
}

const Objective& hinge() {
  static const auto objective = make_objective("hinge");
  return *objective;
}

double objective_at(std::span<const float> weights) {
  const Evaluation sums = hinge().evaluate(samples_of(data(), 0, data().rows()), {.weights = weights.data()});
  const double norm = std::inner_product(weights.begin(), weights.end(), weights.begin(), 0.0);
  return sums.loss / sums.weight + l2() / 2 * norm;
}

void report(benchmark::State& state, double objective) {
  state.counters["nonzeros/s"] = benchmark::Counter(static_cast<double>(data().nonzeros()) * kEpochs,
                                                    benchmark::Counter::kIsIterationInvariantRate);
  state.counters["objective"] = objective;
  static const double limit = 1.1 * [] {
    Yardstick yardstick(data(), 1);
    for (int epoch = 0; epoch < kEpochs; ++epoch) yardstick.run_epoch(l2(), kStep);
    return objective_at(yardstick.weights());
  }();
  if (!(objective <= limit)) state.SkipWithError("the objective is more than 10 % above the yardstick's");
}

void yardstick(benchmark::State& state) {
  double objective = 0;
  for (auto _ : state) {
    state.PauseTiming();
    Yardstick run(data(), 1);
    state.ResumeTiming();
    for (int epoch = 0; epoch < kEpochs; ++epoch) run.run_epoch(l2(), kStep);
    state.PauseTiming();
    objective = objective_at(run.weights());
    state.ResumeTiming();
  }
  report(state, objective);
}

// One thread's share of an epoch of HOGWILD!; the shrinking of L2 is deferred to the end of the epoch.
void hogwild_rows(std::vector<std::atomic<float>>& w, std::span<const std::uint32_t> rows, float step,
                  float scale) {
  for (const std::uint32_t i : rows) {
    const Row row = data().row(i);
    float margin = 0;
    for (std::size_t k = 0; k < row.support.size(); ++k) {
      margin += row.values[k] * w[row.support[k]].load(std::memory_order_relaxed);
    }
    if (row.label * margin * scale >= 1) continue;
    const float factor = step * row.label / scale;
    for (std::size_t k = 0; k < row.support.size(); ++k) {
      std::atomic<float>& weight = w[row.support[k]];
      weight.store(weight.load(std::memory_order_relaxed) + factor * row.values[k],
                   std::memory_order_relaxed);
    }
  }
}

double hogwild(int threads) {
  std::vector<std::atomic<float>> w(data().dimension());
  std::vector<std::uint32_t> order(data().rows());
  std::iota(order.begin(), order.end(), 0U);
  Random random(1);
  for (int epoch = 0; epoch < kEpochs; ++epoch) {
    shuffle(std::span(order), random);
    const double eta = kStep / (1 + l2() * kStep * epoch * static_cast<double>(order.size()));
    const auto shrink = static_cast<float>(std::exp(-eta * l2() * static_cast<double>(order.size())));
    std::vector<std::jthread> workers;
    for (int t = 0; t < threads; ++t) {
      const std::size_t begin =
          order.size() * static_cast<std::size_t>(t) / static_cast<std::size_t>(threads);
      const std::size_t end =
          order.size() * static_cast<std::size_t>(t + 1) / static_cast<std::size_t>(threads);
      workers.emplace_back([&, begin, end] {
        hogwild_rows(w, std::span(order).subspan(begin, end - begin), static_cast<float>(eta),
                     std::sqrt(shrink));
      });
    }
    workers.clear();
    for (auto& weight : w) weight = weight * shrink;
  }
  return objective_at(std::vector<float>(w.begin(), w.end()));
}

void per_sample_racy(benchmark::State& state) {
  double objective = 0;
  for (auto _ : state) objective = hogwild(static_cast<int>(state.range(0)));
  report(state, objective);
}

// Our blocks, with what runs an epoch's tasks as a parameter.
class BlockRun {
 public:
  BlockRun(int threads, std::size_t block_rows, Discipline discipline)
      : arena_([&] {
          Options options;
          options.threads = threads;
          return options;
        }()),
        layout_(data(), {}, false),
        blocks_(make_blocks(BlockMaker(data(), layout_, 0),
                            deal_rows(data(), Grouping::kRandom, block_rows, 1), arena_)),
        parameters_(layout_.cells(), layout_.cell_floats()),
        writer_(make_writer(discipline, parameters_, 1)),
        task_(hinge(), layout_, blocks_, *writer_),
        sampler_(units(),
                 {.schedule = Schedule::kInverse,
                  .step = kStep,
                  .l2 = l2(),
                  .rows = static_cast<double>(data().rows()),
                  .epochs = kEpochs},
                 {.l2 = l2()}, 1) {}

  void graph_epochs() {
    arena_.execute([&] {
      Graph graph(arena_, 2 * static_cast<std::size_t>(arena_.threads()),
                  {.sample = [this](Task& task) { return sampler_.next(task); },
                   .work = [this](const Task& task) { task_.run(task); },
                   .account = [](const Task&) {}});
      for (int epoch = 1; epoch <= kEpochs; ++epoch) {
        sampler_.begin_epoch(epoch);
        graph.run();
        fold();
      }
    });
  }

  void parallel_for_epochs() {
    std::vector<Task> tasks(blocks_.size());
    for (int epoch = 1; epoch <= kEpochs; ++epoch) {
      sampler_.begin_epoch(epoch);
      for (Task& task : tasks) sampler_.next(task);
      arena_.parallel_for(tasks.size(), [&](std::size_t i) { task_.run(tasks[i]); });
      fold();
    }
  }

  double objective() const {
    Model model;
    layout_.extract(parameters_.all(), model);
    return objective_at(model.weights);
  }

 private:
  Units units() const {
    Units units;
    for (const Block& block : blocks_) units.rows.push_back(static_cast<std::uint32_t>(block.rows()));
    return units;
  }

  void fold() {
    parameters_.scale(layout_.common(), 0, layout_.weight_floats(), static_cast<float>(sampler_.scale()));
    sampler_.fold();
  }

  Arena arena_;
  Layout layout_;
  std::vector<Block> blocks_;
  Parameters parameters_;
  std::unique_ptr<Writer> writer_;
  GradientTask task_;
  Sampler sampler_;
};

template <void (BlockRun::*epochs)()>
void blocks(benchmark::State& state) {
  double objective = 0;
  for (auto _ : state) {
    state.PauseTiming();
    BlockRun run(static_cast<int>(state.range(0)), static_cast<std::size_t>(state.range(1)),
                 static_cast<Discipline>(state.range(2)));
    state.ResumeTiming();
    (run.*epochs)();
    state.PauseTiming();
    objective = run.objective();
    state.ResumeTiming();
  }
  report(state, objective);
}

void parallel_for(benchmark::State& state) {
  blocks<&BlockRun::parallel_for_epochs>(state);
}
void flow_graph(benchmark::State& state) {
  blocks<&BlockRun::graph_epochs>(state);
}

void thread_counts(benchmark::internal::Benchmark* bench) {
  bench->UseRealTime()->Unit(benchmark::kMillisecond);
  for (int threads = 1; threads <= usable_threads(); threads *= 2) bench->Args({threads});
}

void block_runs(benchmark::internal::Benchmark* bench) {
  bench->UseRealTime()->Unit(benchmark::kMillisecond)->ArgNames({"threads", "rows", "discipline"});
  for (int threads = 1; threads <= usable_threads(); threads *= 2) {
    for (const int discipline : {0, 1, 2}) {
      for (const int rows : {512, 1024}) bench->Args({threads, rows, discipline});
    }
  }
}

BENCHMARK(yardstick)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(per_sample_racy)->ArgNames({"threads"})->Apply(thread_counts);
BENCHMARK(parallel_for)->Apply(block_runs);
BENCHMARK(flow_graph)->Apply(block_runs);

}  // namespace
}  // namespace sounder::bench
