// What the flow graph costs: messages a second with bodies that do nothing, by threads and window.
#include <benchmark/benchmark.h>

#include "engine/arena.h"
#include "engine/graph.h"

namespace sounder::bench {
namespace {

void empty_messages(benchmark::State& state) {
  constexpr int kMessages = 100'000;
  Options options;
  options.threads = static_cast<int>(state.range(0));
  Arena arena(options);
  std::int64_t accounted = 0;
  arena.execute([&] {
    int left = 0;
    Graph graph(arena, static_cast<std::size_t>(state.range(1)),
                {.sample = [&](Task&) { return left-- > 0; },
                 .work = [](const Task&) {},
                 .account = [&](const Task&) { ++accounted; }});
    for (auto _ : state) {
      left = kMessages;
      graph.run();
    }
  });
  if (accounted != state.iterations() * kMessages) state.SkipWithError("messages were lost");
  state.counters["time/message"] = benchmark::Counter(
      kMessages, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

BENCHMARK(empty_messages)
    ->ArgNames({"threads", "window"})
    ->ArgsProduct({{1, 2}, {2, 4, 16}})
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace sounder::bench
