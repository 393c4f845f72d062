#include "engine/conflicts.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <numeric>
#include <utility>

#include "io/random.h"

namespace sounder {
namespace {

constexpr double kNormal = 1.96;  // 95 % of a normal distribution lie within so many deviations,
constexpr double kRare = 3;       // and 95 of 100 samples meet what has a chance above kRare / draws
constexpr double kWork = 2e8;     // vertices compared, in all draws
constexpr std::size_t kLeastDraws = 1024;

double pairs_at(std::uint32_t degree) {
  return static_cast<double>(degree) * (degree > 0 ? degree - 1.0 : 0.0);
}

// --- Draws

// A member of the list of samples that touch a vertex, by its place in it.
struct Wanted {
  std::uint32_t vertex = 0;
  std::uint32_t rank = 0;
  std::uint32_t* row = nullptr;  // where the number of the sample goes

  auto key() const { return std::pair(vertex, rank); }
};

// Two different members of a list for each draw; in order of vertex and rank.
std::vector<Wanted> draw_ranks(std::span<const std::uint32_t> degrees, std::span<Conflict> draws,
                               std::uint64_t seed) {
  std::vector<double> sums(degrees.size());
  std::transform_inclusive_scan(degrees.begin(), degrees.end(), sums.begin(), std::plus(), pairs_at);
  Random random(seed);
  std::vector<Wanted> wanted;
  for (Conflict& draw : draws) {
    const auto v = std::ranges::upper_bound(sums, random.uniform() * sums.back()) - sums.begin();
    const std::uint32_t degree = degrees[static_cast<std::size_t>(v)];
    const auto first = static_cast<std::uint32_t>(random.below(degree));
    auto second = static_cast<std::uint32_t>(random.below(degree - 1));
    second += second >= first ? 1 : 0;
    wanted.push_back({static_cast<std::uint32_t>(v), first, &draw.first});
    wanted.push_back({static_cast<std::uint32_t>(v), second, &draw.second});
  }
  std::ranges::sort(wanted, {}, &Wanted::key);
  return wanted;
}

// Looks through one part of the samples for those wanted. `ranks` says how often each vertex comes before the
// part.
class Search {
 public:
  Search(std::span<const Wanted> wanted, std::vector<std::uint32_t> ranks)
      : wanted_(wanted), ranks_(std::move(ranks)), next_(ranks_.size(), kNever) {
    for (const Wanted& one : wanted) {
      if (next_[one.vertex] != kNever) continue;
      const auto from =
          std::ranges::lower_bound(wanted, std::pair(one.vertex, ranks_[one.vertex]), {}, &Wanted::key);
      next_[one.vertex] = static_cast<std::uint32_t>(from - wanted.begin());
    }
  }

  void visit(std::uint32_t row, std::span<const std::uint32_t> edge) {
    for (const std::uint32_t v : edge) {
      if (next_[v] == kNever) continue;
      for (; next_[v] < wanted_.size() && wanted_[next_[v]].key() == std::pair(v, ranks_[v]); ++next_[v])
        *wanted_[next_[v]].row = row;
      ++ranks_[v];
    }
  }

 private:
  static constexpr std::uint32_t kNever = ~std::uint32_t{0};

  std::span<const Wanted> wanted_;
  std::vector<std::uint32_t> ranks_;
  std::vector<std::uint32_t> next_;  // of each vertex: the first of `wanted_` that is still to come
};

void find_rows(const Incidence& incidence, std::span<const Wanted> wanted, Arena& arena) {
  std::vector<std::vector<std::uint32_t>> before = incidence.degrees_by_part(arena);
  std::vector<std::uint32_t> sum(incidence.vertices());
  std::vector<Search> searches;
  for (auto& ranks : before) {
    for (std::size_t v = 0; v < sum.size(); ++v) {
      const std::uint32_t here = std::exchange(ranks[v], sum[v]);
      sum[v] += here;
    }
    searches.emplace_back(wanted, std::move(ranks));
  }
  incidence.for_each_edge(arena, [&](std::size_t part, std::size_t i, auto edge) {
    searches[part].visit(static_cast<std::uint32_t>(i), edge);
  });
}

// The sum of (degree - 1) of a sample's vertices, which its number of conflicts cannot exceed.
std::uint64_t reach_of(const Incidence& incidence, std::span<const std::uint32_t> edge) {
  std::uint64_t reach = 0;
  for (const std::uint32_t v : edge) reach += incidence.degrees()[v] - 1;
  return reach;
}

// Draws that can be compared within kWork: a sample is drawn in proportion to its reach.
std::size_t affordable(const Incidence& incidence, std::size_t most, double pairs, Arena& arena) {
  std::vector<double> work(static_cast<std::size_t>(arena.threads()));
  incidence.for_each_edge(arena, [&](std::size_t part, std::size_t, auto edge) {
    work[part] += static_cast<double>(reach_of(incidence, edge)) * static_cast<double>(edge.size());
  });
  const double each = 2 * std::accumulate(work.begin(), work.end(), 0.0) / pairs;
  return std::min(most, std::max(kLeastDraws, static_cast<std::size_t>(kWork / each)));
}

void compare(const Incidence& incidence, std::span<Conflict> draws, Arena& arena) {
  const auto parts = static_cast<std::size_t>(arena.threads());
  arena.parallel_for(parts, [&](std::size_t part) {
    Incidence::Reader reader(incidence);
    for (std::size_t i = draws.size() * part / parts; i < draws.size() * (part + 1) / parts; ++i)
      draws[i].shared = reader.shared(draws[i].first, draws[i].second);
  });
}

// --- Degrees

// The samples that touch each vertex.
class Postings {
 public:
  explicit Postings(const Incidence& incidence) : begins_(incidence.vertices() + 1) {
    const auto degrees = incidence.degrees();
    std::inclusive_scan(degrees.begin(), degrees.end(), begins_.begin() + 1, std::plus(), std::uint64_t{0});
    samples_.resize(begins_.back());
    std::vector<std::uint64_t> next(begins_.begin(), begins_.end() - 1);
    Incidence::Reader reader(incidence);
    for (std::size_t i = 0; i < incidence.rows(); ++i) {
      for (const std::uint32_t v : reader.edge(i)) samples_[next[v]++] = static_cast<std::uint32_t>(i);
    }
  }

  std::span<const std::uint32_t> of(std::uint32_t vertex) const {
    return std::span(samples_).subspan(begins_[vertex], begins_[vertex + 1] - begins_[vertex]);
  }

 private:
  std::vector<std::uint64_t> begins_;
  std::vector<std::uint32_t> samples_;
};

constexpr std::size_t kTried = 64;  // bits of a word

// The exact number of conflicts of that of up to kTried samples that has most.
std::uint64_t most_conflicts(const Incidence& incidence, std::span<const std::uint32_t> samples,
                             Arena& arena) {
  std::vector<std::uint64_t> touched_by(incidence.vertices());  // a bit for each of the samples
  Incidence::Reader reader(incidence);
  for (std::size_t k = 0; k < samples.size(); ++k) {
    for (const std::uint32_t v : reader.edge(samples[k])) touched_by[v] |= std::uint64_t{1} << k;
  }
  std::vector<std::array<std::uint64_t, kTried>> met(static_cast<std::size_t>(arena.threads()));
  incidence.for_each_edge(arena, [&](std::size_t part, std::size_t, auto edge) {
    std::uint64_t meets = 0;
    for (const std::uint32_t v : edge) meets |= touched_by[v];
    for (; meets != 0; meets &= meets - 1) ++met[part][static_cast<std::size_t>(std::countr_zero(meets))];
  });
  std::uint64_t most = 1;  // each meets itself
  for (std::size_t k = 0; k < kTried; ++k) {
    const auto add = [k](std::uint64_t sum, const auto& part) { return sum + part[k]; };
    most = std::max(most, std::accumulate(met.begin(), met.end(), std::uint64_t{0}, add));
  }
  return most - 1;
}

// Means of values in [0, most], with an interval that allows for values that no draw has met.
Estimate interval_of(double sum, double squares, double most, double count) {
  const double mean = sum / count;
  const double variance = std::max(0.0, squares / count - mean * mean);
  const double half = kNormal * std::sqrt(variance / count) + kRare * most / count;
  return {mean, std::max(0.0, mean - half), mean + half};
}

}  // namespace

Estimate ConflictDraws::sum(std::span<const double> values) const {
  const std::size_t used = values.empty() ? draws.size() : values.size();
  if (used == 0) return {};
  double sum = 0;
  double squares = 0;
  double most = 0;
  for (std::size_t i = 0; i < used; ++i) {
    const double x = (values.empty() ? 1.0 : values[i]) / draws[i].shared;
    sum += x;
    squares += x * x;
    most = std::max(most, x);
  }
  return interval_of(sum, squares, most, static_cast<double>(used)) * pairs;
}

ConflictDraws draw_conflicts(const Incidence& incidence, std::size_t most, std::uint64_t seed, Arena& arena) {
  ConflictDraws conflicts;
  const auto degrees = incidence.degrees();
  conflicts.pairs = std::transform_reduce(degrees.begin(), degrees.end(), 0.0, std::plus(), pairs_at);
  if (conflicts.pairs == 0) return conflicts;
  conflicts.draws.resize(affordable(incidence, most, conflicts.pairs, arena));
  find_rows(incidence, draw_ranks(degrees, conflicts.draws, seed), arena);
  compare(incidence, conflicts.draws, arena);
  return conflicts;
}

Estimate average_conflict_degree(const Incidence& incidence, const ConflictDraws& conflicts) {
  const auto n = static_cast<double>(incidence.rows());
  const double most = std::min(conflicts.pairs / n, n - 1);
  const Estimate average = conflicts.sum() * (1 / n);
  return {std::min(average.value, most), std::min(average.lower, most), std::min(average.upper, most)};
}

std::vector<std::uint32_t> conflict_degrees(const Incidence& incidence, Arena& arena) {
  const Postings postings(incidence);
  std::vector<std::uint32_t> conflicts(incidence.rows());
  const std::vector<std::size_t> nobody(incidence.rows(), incidence.rows());
  std::vector<std::vector<std::size_t>> met_by(static_cast<std::size_t>(arena.threads()), nobody);
  incidence.for_each_edge(arena, [&](std::size_t part, std::size_t i, auto edge) {
    std::vector<std::size_t>& met = met_by[part];
    met[i] = i;
    for (const std::uint32_t v : edge) {
      for (const std::uint32_t j : postings.of(v)) conflicts[i] += std::exchange(met[j], i) != i ? 1U : 0U;
    }
  });
  return conflicts;
}

DegreeBounds largest_conflict_degree(const Incidence& incidence, Arena& arena) {
  if (incidence.rows() == 0 || incidence.vertices() == 0) return {};
  std::vector<std::uint64_t> reaches(incidence.rows());
  incidence.for_each_edge(
      arena, [&](std::size_t, std::size_t i, auto edge) { reaches[i] = reach_of(incidence, edge); });
  std::vector<std::uint32_t> order(incidence.rows());
  std::iota(order.begin(), order.end(), 0U);
  const std::size_t tried = std::min(kTried, order.size());
  std::ranges::nth_element(order, order.begin() + static_cast<std::ptrdiff_t>(tried) - 1,
                           std::ranges::greater(), [&](std::uint32_t i) { return reaches[i]; });
  const std::uint64_t found = most_conflicts(incidence, std::span(order).first(tried), arena);
  std::uint64_t possible = 0;
  for (const std::uint32_t i : std::span(order).subspan(tried)) possible = std::max(possible, reaches[i]);
  const std::uint64_t hottest = std::max(1U, std::ranges::max(incidence.degrees())) - 1;
  const std::uint64_t lower = std::max(found, hottest);
  return {lower, std::max(lower, std::min<std::uint64_t>(possible, order.size() - 1))};
}

Estimate chance_in_order(const Incidence& incidence, std::size_t window, std::uint64_t seed, Arena& arena) {
  if (incidence.rows() < 2) return {};
  const std::size_t reach = std::min(window, incidence.rows() - 1);
  std::vector<Conflict> draws(kUsualDraws);
  Random random(seed);
  for (Conflict& draw : draws) {
    const std::size_t apart = 1 + random.below(reach);
    draw.first = static_cast<std::uint32_t>(random.below(incidence.rows() - apart));
    draw.second = static_cast<std::uint32_t>(draw.first + apart);
  }
  compare(incidence, draws, arena);
  const auto met = static_cast<double>(std::ranges::count_if(draws, [](auto& d) { return d.shared > 0; }));
  return interval_of(met, met, 1, static_cast<double>(draws.size()));
}

}  // namespace sounder
