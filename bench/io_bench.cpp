// Reading LIBSVM text, plain and compressed: bytes of text a second from the page cache to a checked Dataset, by threads.
#include <benchmark/benchmark.h>
#include <zstd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "bench/problem.h"
#include "engine/arena.h"

namespace sounder::bench {
namespace {

std::string packed(const std::string& plain) {
  std::string bytes(ZSTD_compressBound(plain.size()), 0);
  bytes.resize(ZSTD_compress(bytes.data(), bytes.size(), plain.data(), plain.size(), 3));
  return bytes;
}

void read_text(benchmark::State& state, bool compressed) {
  const auto path = (std::filesystem::temp_directory_path() / "sounder_io_bench.svm").string();
  const Dataset data = text();
  std::ostringstream written;
  write_libsvm(data, written);
  const std::string plain = written.str();
  std::ofstream(path, std::ios::binary) << (compressed ? packed(plain) : plain);
  Options options;
  options.threads = static_cast<int>(state.range(0));
  Arena arena(options);
  std::uint64_t nonzeros = 0;
  for (auto _ : state) {
    nonzeros = read_libsvm(path, {}, [&](std::size_t count, const auto& body) {
                 arena.parallel_for(count, body);
               }).data.nonzeros();
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(plain.size()));
  std::filesystem::remove(path);
  if (nonzeros != data.nonzeros()) state.SkipWithError("non-zeros were lost");
}

BENCHMARK_CAPTURE(read_text, plain, false)
    ->ArgName("threads")
    ->Arg(1)
    ->Arg(2)
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(read_text, zstd, true)
    ->ArgName("threads")
    ->Arg(1)
    ->Arg(2)
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace sounder::bench
