// Time per non-zero of the sparse kernels, by how skewed the positions are, and per coordinate of a
// push, by discipline, by the share of coordinates that changed, and by threads pushing to the same cells.
#include <benchmark/benchmark.h>

#include <cmath>
#include <numeric>
#include <vector>

#include "engine/parameters.h"
#include "io/random.h"
#include "objectives/catalogue.h"
#include "objectives/kernels.h"

namespace sounder::bench {
namespace {

constexpr std::size_t kLocal = 32768;  // floats of a local array: about a block of 1024 rows of text
constexpr std::size_t kRowSize = 128;
constexpr std::size_t kRows = 1024;

// Distinct positions a row. skew 0 is uniform; larger ones crowd towards the front, as words by frequency do.
template <class Position>
std::vector<Position> rows_of_positions(double skew) {
  Random random(1);
  std::vector<Position> positions;
  std::vector<std::size_t> stamp(kLocal, kRows);
  for (std::size_t row = 0; row < kRows; ++row) {
    for (std::size_t k = 0; k < kRowSize;) {
      const double u = std::pow(random.uniform(), 1 + skew);
      const auto position = static_cast<std::size_t>(u * kLocal);
      if (stamp[position] == row) continue;
      stamp[position] = row;
      positions.push_back(static_cast<Position>(position));
      ++k;
    }
  }
  return positions;
}

template <class Position, class Body>
void run_kernel(benchmark::State& state, Body&& body) {
  const auto positions = rows_of_positions<Position>(static_cast<double>(state.range(0)));
  const std::vector<float> values(positions.size(), 0.5F);
  std::vector<float> local(kLocal, 0.25F);
  for (auto _ : state) {
    for (std::size_t row = 0; row < kRows; ++row) {
      body(positions.data() + row * kRowSize, values.data() + row * kRowSize, local.data());
    }
    benchmark::ClobberMemory();
  }
  state.counters["time/nonzero"] =
      benchmark::Counter(static_cast<double>(positions.size()),
                         benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
  if (!(local[0] >= 0.25F)) state.SkipWithError("the kernel lost its array");
}

template <class Position>
void dot(benchmark::State& state) {
  run_kernel<Position>(state, [](const Position* positions, const float* values, float* local) {
    benchmark::DoNotOptimize(kernels<Position>().dot(positions, values, kRowSize, local));
  });
}

template <class Position>
void axpy(benchmark::State& state) {
  run_kernel<Position>(state, [](const Position* positions, const float* values, float* local) {
    kernels<Position>().axpy(positions, values, kRowSize, 1e-9F, local);
  });
}

void push(benchmark::State& state) {
  constexpr std::size_t kCells = 8192;
  static Parameters parameters(kCells, 4);
  const auto how = static_cast<Add>(state.range(0));
  const auto percent = static_cast<std::uint64_t>(state.range(1));
  std::vector<Cell> support(kCells);
  std::iota(support.begin(), support.end(), 0U);
  std::vector<float> before(kCells * 4);
  Random random(static_cast<std::uint64_t>(state.thread_index()) + 1);
  std::vector<float> step(before.size());
  for (float& s : step) s = random.below(100) < percent ? 1e-6F : 0;
  std::vector<float> after(before.size());
  for (auto _ : state) {
    parameters.pull(support, before.data());
    for (std::size_t i = 0; i < after.size(); ++i) after[i] = before[i] + step[i];
    parameters.push(support, before.data(), after.data(), how);
  }
  state.counters["time/coordinate"] = benchmark::Counter(
      static_cast<double>(before.size()), benchmark::Counter::kIsIterationInvariantRate |
                                              benchmark::Counter::kInvert | benchmark::Counter::kAvgThreads);
}

// A pass of a rule over rows like the above, for an objective of the catalogue.
void step(benchmark::State& state, const CatalogueRow& entry, Rule rule) {
  const auto objective = entry.make({});
  const auto positions = rows_of_positions<std::uint16_t>(2);
  const std::vector<float> values(positions.size(), 1 / std::sqrt(static_cast<float>(kRowSize)));
  std::vector<std::uint64_t> offsets;
  std::vector<float> labels;
  for (std::size_t row = 0; row <= kRows; ++row) {
    offsets.push_back(row * kRowSize);
    labels.push_back(row % 2 == 0 ? 1.0F : -1.0F);
  }
  const std::vector<float> norms(kRows, 1);
  std::vector<float> memory(kRows, 0);
  const Samples samples{.offsets = offsets,
                        .positions = positions.data(),
                        .values = values.data(),
                        .labels = labels.data(),
                        .squared_norms = norms.data(),
                        .memory = memory.data()};
  std::vector<float> local(kLocal, 0), first(kLocal, 0), second(kLocal, 0);
  const std::vector<float> reweight(kLocal, 1);
  const LocalWeights weights{
      .weights = local.data(), .reweight = reweight.data(), .state = {first.data(), second.data()}};
  const Step update{.rule = rule, .size = 0.01F, .l2 = 1e-4, .rows = kRows};
  for (auto _ : state) objective->step(samples, weights, update);
  state.counters["time/nonzero"] =
      benchmark::Counter(static_cast<double>(positions.size()),
                         benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
  if (!std::isfinite(local[0])) state.SkipWithError("the step left the finite numbers");
}

BENCHMARK(dot<std::uint16_t>)->ArgName("skew")->Arg(0)->Arg(2)->Arg(4);
BENCHMARK(dot<std::uint32_t>)->ArgName("skew")->Arg(0)->Arg(2)->Arg(4);
BENCHMARK(axpy<std::uint16_t>)->ArgName("skew")->Arg(0)->Arg(2)->Arg(4);
BENCHMARK(axpy<std::uint32_t>)->ArgName("skew")->Arg(0)->Arg(2)->Arg(4);
BENCHMARK(push)
    ->ArgNames({"discipline", "percent"})
    ->ArgsProduct({{0, 1, 2}, {5, 50, 100}})
    ->ThreadRange(1, 2)
    ->UseRealTime();

const bool registered = [] {
  for (const CatalogueRow& entry : catalogue()) {
    const auto objective = entry.make({});
    for (const Rule rule : all_rules()) {
      if (!objective->suits(rule)) continue;
      const std::string name = "step/" + std::string(traits_of(rule).name) + '/' + std::string(entry.name);
      benchmark::RegisterBenchmark(name.c_str(), step, std::cref(entry), rule);
    }
  }
  return true;
}();

}  // namespace
}  // namespace sounder::bench
