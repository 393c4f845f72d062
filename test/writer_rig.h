#pragma once

#include <barrier>
#include <cstddef>
#include <span>
#include <thread>
#include <vector>

#include "engine/discipline.h"

// Visits to a writer as tasks make them, alone and under contention.
namespace sounder::test {

using Supports = std::vector<std::vector<Cell>>;

inline constexpr int kRounds = 1000;

// Overlapping, and in several stripes.
inline const Supports kSupports{{0, 1, 2}, {0, 2, 70}, {0}, {1, 70, 71, 129}};
inline constexpr std::size_t kCells = 130;

// One visit, as GradientTask makes it; `written` is called between push and leave.
template <class Step, class Written = void (*)(const Visit&)>
void visit(
    Writer& writer, std::span<const Cell> support, LocalCopy& copy, Step&& step,
    Written&& written = [](const Visit&) {}) {
  Visit visit{.support = support};
  writer.pull(visit, copy);
  try {
    step();
    writer.push(visit, copy);
    written(visit);
  } catch (...) {
    writer.leave(visit);
    throw;
  }
  writer.leave(visit);
}

// Runs body(round, support, copy) kRounds times on each of so many threads that set out together.
template <class Body>
void on_threads(std::size_t count, const Supports& supports, Body&& body) {
  std::barrier start(static_cast<std::ptrdiff_t>(count));
  std::vector<std::jthread> threads;
  for (std::size_t t = 0; t < count; ++t) {
    threads.emplace_back([&, t] {
      LocalCopy copy;
      start.arrive_and_wait();
      for (std::size_t round = 0; round < kRounds; ++round)
        body(round, std::span(supports[(t + round) % supports.size()]), copy);
    });
  }
}

inline void add_one(const LocalCopy& copy) {
  for (std::size_t i = 0; i < copy.size(); ++i) copy.after()[i] += 1;
}

// What each cell holds when so many visits to each of kSupports have added one.
inline std::vector<float> totals(std::size_t visits) {
  std::vector<float> totals(4 * kCells);
  for (const auto& support : kSupports) {
    for (const Cell cell : support) {
      for (std::size_t i = 0; i < 4; ++i) totals[4 * cell + i] += static_cast<float>(visits);
    }
  }
  return totals;
}

inline std::vector<float> read(const Parameters& parameters) {
  return {parameters.all().begin(), parameters.all().end()};
}

// Disciplines whose visits may meet on any cell at any time and still lose nothing.
inline std::vector<Discipline> lossless_disciplines() {
  std::vector<Discipline> chosen;
  Parameters none(1, 4);
  for (const Discipline discipline : all_disciplines()) {
    const DisciplineTraits& traits = traits_of(discipline);
    if (!traits.disjoint && !traits.rounds && !make_writer(discipline, none, 1)->share_lost())
      chosen.push_back(discipline);
  }
  return chosen;
}

}  // namespace sounder::test
