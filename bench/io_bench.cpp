// Reading LIBSVM text, plain: bytes a second from the page cache to a checked Dataset, by threads.
#include <benchmark/benchmark.h>

#include <filesystem>
#include <fstream>

#include "bench/problem.h"
#include "engine/arena.h"

namespace sounder::bench {
namespace {

void read_text(benchmark::State& state) {
  const auto path = (std::filesystem::temp_directory_path() / "sounder_io_bench.svm").string();
  const Dataset data = text();
  {
    std::ofstream file(path);
    write_libsvm(data, file);
  }
  Options options;
  options.threads = static_cast<int>(state.range(0));
  Arena arena(options);
  std::uint64_t nonzeros = 0;
  for (auto _ : state) {
    nonzeros = read_libsvm(path, {}, [&](std::size_t count, const auto& body) {
                 arena.parallel_for(count, body);
               }).data.nonzeros();
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(std::filesystem::file_size(path)));
  std::filesystem::remove(path);
  if (nonzeros != data.nonzeros()) state.SkipWithError("non-zeros were lost");
}

BENCHMARK(read_text)->ArgName("threads")->Arg(1)->Arg(2)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace sounder::bench
