// Time per non-zero of the sparse kernels, by how skewed the positions are, and per coordinate of a
// push, by discipline, by the share of coordinates that changed, and by threads pushing to the same cells.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <utility>
#include <vector>

#include "engine/blocks.h"
#include "engine/deal.h"
#include "engine/layout.h"
#include "engine/parameters.h"
#include "io/random.h"
#include "objectives/catalogue.h"
#include "objectives/kernels.h"

namespace sounder::bench {
namespace {

constexpr std::size_t kLocal = 32768;  // floats of a local array: about a block of 1024 rows of text
constexpr std::size_t kRowSize = 128;
constexpr std::size_t kRows = 1024;

// Distinct positions a row. skew 0 is uniform; larger ones crowd towards the front, as words by frequency do. Made once: every
// benchmark is begun again until it is long enough.
template <class Position>
const std::vector<Position>& rows_of_positions(double skew) {
  static std::map<double, std::vector<Position>> made;
  std::vector<Position>& positions = made[skew];
  if (!positions.empty()) return positions;
  Random random(1);
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
  const auto& positions = rows_of_positions<Position>(static_cast<double>(state.range(0)));
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

float label_of(std::size_t row, LabelKind kind) {
  constexpr std::size_t kClasses = 10;
  if (kind == LabelKind::kManyClass) return static_cast<float>(row % kClasses);
  if (kind == LabelKind::kTwoClass) return row % 2 == 0 ? 1.0F : -1.0F;
  return static_cast<float>(1 + row % 3);
}

// Rows like the above or, for an objective of pairs, pairs of a first and a second half of the coordinates.
Dataset samples_for(const Objective& objective) {
  const bool pairs = objective.shape().pairs;
  static std::map<std::pair<bool, LabelKind>, Dataset> made;
  const auto known = made.find({pairs, objective.labels()});
  if (known != made.end()) return known->second;
  const std::size_t size = pairs ? 2 : kRowSize;
  const std::size_t dimension = pairs ? 2048 : kLocal;
  const std::vector<std::uint16_t>& all = rows_of_positions<std::uint16_t>(2);
  Random random(1);
  Dataset::Columns parts;
  for (std::size_t row = 0; row < (pairs ? 64 : 1) * kRows; ++row) {
    std::vector<Coordinate> support(all.begin() + static_cast<std::ptrdiff_t>(row % kRows * size),
                                    all.begin() + static_cast<std::ptrdiff_t>((row % kRows + 1) * size));
    if (pairs) {
      support = {static_cast<Coordinate>(random.below(dimension / 2)),
                 static_cast<Coordinate>(dimension / 2 + random.below(dimension / 2))};
    }
    std::ranges::sort(support);
    parts.indices.insert(parts.indices.end(), support.begin(), support.end());
    parts.values.insert(parts.values.end(), size, pairs ? 1 : 1 / std::sqrt(static_cast<float>(size)));
    parts.labels.push_back(label_of(row, objective.labels()));
    parts.offsets.push_back(parts.indices.size());
  }
  return made[{pairs, objective.labels()}] = Dataset(dimension, std::move(parts));
}

// A pass of a rule over a block of all samples, for an objective of the catalogue. Time goes on by four epochs a pass, so
// that no sample rests.
void step(benchmark::State& state, const CatalogueRow& entry, Rule rule) {
  const auto unfitted = entry.make({});
  const Dataset data = samples_for(*unfitted);
  const auto fitted = unfitted->fitted(data);
  const Objective& objective = fitted ? *fitted : *unfitted;
  const RuleTraits& traits = traits_of(rule);
  const Layout layout(data, objective.shape(), false, {.reweight = traits.reweights, .state = traits.state});
  Block block = BlockMaker(data, layout, objective.memory(rule), objective.shape().pairs)
                    .make(shuffled_rows(data.rows(), 1));
  std::vector<float> array = layout.start(objective, 1);  // the block touches all cells, or nearly
  Step update{.rule = rule, .size = 0.001F, .l2 = 1e-4, .rows = static_cast<double>(data.rows())};
  for (auto _ : state) {
    objective.step(block.samples(), layout.local(array.data()), update);
    update.before += 4 * update.rows;
  }
  state.counters["time/nonzero"] =
      benchmark::Counter(static_cast<double>(block.nonzeros()),
                         benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
  if (!std::isfinite(array[0])) state.SkipWithError("the step left the finite numbers");
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
