// How good the estimate of the average conflict degree is: for each file, the exact one, how far the
// estimates of 100 seeds are off at most and in the root mean square, and how many of their 95 % intervals
// hold it.
//
//   bench/conflicts FORMAT:FILE...     FORMAT: rows (LIBSVM), ratings, docword, network (DIMACS maximum flow)
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <exception>
#include <numeric>
#include <string>
#include <vector>

#include "engine/arena.h"
#include "engine/conflicts.h"
#include "engine/stopwatch.h"
#include "io/docword.h"
#include "io/error.h"
#include "io/libsvm.h"
#include "io/max_flow.h"
#include "io/ratings.h"
#include "objectives/cut_problem.h"

namespace sounder {
namespace {

constexpr int kSeeds = 100;

// A sample a document.
Dataset documents_of(const DocwordFile& file) {
  std::vector<std::vector<Coordinate>> rows(file.documents);
  for (const Count& count : file.counts) rows[count.document].push_back(count.word);
  Dataset::Columns parts;
  for (auto& row : rows) {
    std::ranges::sort(row);
    parts.indices.insert(parts.indices.end(), row.begin(), row.end());
    parts.offsets.push_back(parts.indices.size());
  }
  parts.values.assign(parts.indices.size(), 1.0F);
  parts.labels.assign(rows.size(), 0.0F);
  return Dataset(file.words, std::move(parts));
}

Dataset read(const std::string& format, const std::string& path) {
  if (format == "rows") return read_libsvm(path).data;
  if (format == "ratings") return read_ratings(path).data;
  if (format == "docword") return documents_of(read_docword(path));
  if (format == "network") return cut_problem(read_max_flow(path)).edges;
  throw InputError(format + ": must be rows, ratings, docword or network");
}

void judge(const std::string& name, const Dataset& data, Arena& arena) {
  const Incidence incidence(data, arena);
  double exact_seconds = 0;
  double seconds = 0;
  const auto degrees = timed(exact_seconds, [&] { return conflict_degrees(incidence, arena); });
  const double exact =
      std::accumulate(degrees.begin(), degrees.end(), 0.0) / static_cast<double>(degrees.size());
  int covered = 0;
  double worst = 0;
  double squares = 0;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const Estimate estimate = timed(seconds, [&] {
      return average_conflict_degree(incidence, draw_conflicts(incidence, kUsualDraws, seed, arena));
    });
    const double error = std::fabs(estimate.value / exact - 1);
    covered += estimate.lower <= exact && exact <= estimate.upper ? 1 : 0;
    worst = std::max(worst, error);
    squares += error * error;
  }
  fmt::print("{:<34}{:>9}{:>13.6g}{:>10.3f}{:>10.3f}{:>9}{:>10.2f}{:>10.3f}\n", name, data.rows(), exact,
             100 * worst, 100 * std::sqrt(squares / kSeeds), covered, exact_seconds, seconds / kSeeds);
}

}  // namespace
}  // namespace sounder

int main(int argc, char** argv) try {
  using namespace sounder;
  fmt::print("{:<34}{:>9}{:>13}{:>10}{:>10}{:>9}{:>10}{:>10}\n", "data", "samples", "exact Dbar", "worst %",
             "rms %", "covered", "exact s", "estimate s");
  Arena arena{Options{}};
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    const auto colon = argument.find(':');
    const std::string path = argument.substr(colon + 1);
    judge(path.substr(path.rfind('/') + 1), read(argument.substr(0, colon), path), arena);
  }
  return 0;
} catch (const std::exception& error) {
  fmt::print(stderr, "conflicts: {}\n", error.what());
  return 2;
}
