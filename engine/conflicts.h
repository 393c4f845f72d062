#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/incidence.h"

namespace sounder {

// The conflict graph: two samples conflict if they share a vertex (Mania et al., 2015, section 2). It may
// have n^2 / 2 edges, so it is never built: except for conflict_degrees(), memory is that of the incidence, a
// few times 4 bytes a vertex for each thread and 8 bytes a sample, and time is linear in the non-zeros.

// An estimate and its 95 % confidence interval.
struct Estimate {
  double value = 0;
  double lower = 0;
  double upper = 0;

  Estimate operator*(double factor) const { return {value * factor, lower * factor, upper * factor}; }
};

// Two different samples, and how many vertices they share, > 0.
struct Conflict {
  std::uint32_t first = 0;
  std::uint32_t second = 0;
  std::uint32_t shared = 0;
};

// Independent draws of ordered pairs of samples that conflict, each with a probability in proportion to the
// vertices that they share. That is what one gets from a vertex drawn in proportion to degree (degree - 1)
// and two different samples out of those that touch it, so dividing by `shared` makes sums over all conflicts
// unbiased, however rare conflicts are (Karp, Luby, Madras, J. Algorithms 1989, on the size of a union of
// sets).
struct ConflictDraws {
  double pairs = 0;  // the sum of degree (degree - 1): ordered pairs, each as often as they share a vertex
  std::vector<Conflict> draws;

  // The sum over all ordered pairs of samples that conflict of a value >= 0, given for the first of the
  // draws; without values, the number of such pairs.
  Estimate sum(std::span<const double> values = {}) const;
};

// At most `most` draws, fewer where samples are so long that to compare as many would take seconds.
// Deterministic for a seed, whatever the threads.
ConflictDraws draw_conflicts(const Incidence& incidence, std::size_t most, std::uint64_t seed, Arena& arena);

inline constexpr std::size_t kUsualDraws = std::size_t{1} << 16;

// Dbar, the mean over samples of the number of others that they conflict with.
Estimate average_conflict_degree(const Incidence& incidence, const ConflictDraws& conflicts);

// Of every sample. An oracle: time grows with the sum of squared degrees, and memory with the non-zeros.
std::vector<std::uint32_t> conflict_degrees(const Incidence& incidence, Arena& arena);

// Around the largest of them: the exact one of the 64 samples that could have most, and what the others
// cannot exceed.
struct DegreeBounds {
  std::uint64_t lower = 0;
  std::uint64_t upper = 0;
};
DegreeBounds largest_conflict_degree(const Incidence& incidence, Arena& arena);

// The chance that two different samples conflict that lie at most `window` > 0 apart in the order of the
// data, all such distances being equally likely. By draws: smaller chances than some 1e-5 go unnoticed.
Estimate chance_in_order(const Incidence& incidence, std::size_t window, std::uint64_t seed, Arena& arena);

}  // namespace sounder
