#include "engine/conflicts.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>
#include <set>

#include "engine/arena.h"
#include "engine/incidence.h"
#include "io/random.h"
#include "io/synthetic.h"
#include "support.h"

namespace sounder {
namespace {

// Of all pairs of rows, compared one by one.
std::vector<std::uint32_t> naive_degrees(const Dataset& data) {
  std::vector<std::uint32_t> degrees(data.rows(), 0);
  for (std::size_t i = 0; i < data.rows(); ++i) {
    const auto a = data.row(i).support;
    for (std::size_t j = 0; j < data.rows(); ++j) {
      const auto b = data.row(j).support;
      std::vector<Coordinate> both;
      std::ranges::set_intersection(a, b, std::back_inserter(both));
      degrees[i] += i != j && !both.empty() ? 1U : 0U;
    }
  }
  return degrees;
}

double mean(const std::vector<std::uint32_t>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

Dataset text(std::size_t rows, double zipf = 1.1) {
  return generate({.rows = rows, .columns = 2000, .nonzeros_per_row = 12, .zipf_exponent = zipf});
}

TEST_CASE("conflicts: exact degrees are those of a comparison of all pairs") {
  for (const std::size_t threads : test::kThreadSweep) {
    CAPTURE(threads);
    Arena arena(test::with_threads(threads));
    for (const double zipf : {0.0, 1.1, 2.0}) {
      CAPTURE(zipf);
      const Dataset data = text(300, zipf);
      CHECK(conflict_degrees(Incidence(data, arena), arena) == naive_degrees(data));
    }
  }
}

TEST_CASE("conflicts: the interval of the average covers it for 90 of 100 seeds, and is narrow" *
          doctest::skip(test::kUnderTsan)) {
  Arena arena(test::with_threads(2));
  for (const double zipf : {0.0, 1.1, 2.0}) {
    CAPTURE(zipf);
    const Incidence incidence(text(3000, zipf), arena);
    const double exact = mean(conflict_degrees(incidence, arena));
    int covered = 0;
    for (std::uint64_t seed = 1; seed <= 100; ++seed) {
      const Estimate found = average_conflict_degree(incidence, draw_conflicts(incidence, 4096, seed, arena));
      covered += found.lower <= exact && exact <= found.upper ? 1 : 0;
      CHECK(found.value == doctest::Approx(exact).epsilon(0.06));
      CHECK(found.upper - found.lower < 0.12 * exact);
    }
    CHECK(covered >= 90);
  }
}

TEST_CASE("conflicts: a rare pair that shares more is allowed for") {
  Dataset::Columns parts;
  for (std::uint32_t i = 0; i < 4000; ++i) {
    for (const std::uint32_t c : {i < 2 ? 0 : i / 2, 4000 + (i < 2 ? 0 : i % 2)}) parts.indices.push_back(c);
    parts.offsets.push_back(parts.indices.size());
  }
  parts.values.assign(parts.indices.size(), 1.0F);
  parts.labels.assign(4000, 0.0F);
  const Dataset data(4002, std::move(parts));
  Arena arena(test::with_threads(2));
  const Incidence incidence(data, arena);
  const double exact = mean(conflict_degrees(incidence, arena));
  const Estimate found = average_conflict_degree(incidence, draw_conflicts(incidence, 1024, 1, arena));
  CHECK(found.lower <= exact);
  CHECK(exact <= found.upper);
}

TEST_CASE("conflicts: draws are the same on any number of threads") {
  const Dataset data = text(500);
  std::vector<double> values;
  for (const std::size_t threads : test::kThreadSweep) {
    Arena arena(test::with_threads(threads));
    const Incidence incidence(data, arena);
    values.push_back(average_conflict_degree(incidence, draw_conflicts(incidence, 2000, 7, arena)).value);
  }
  CHECK(std::set(values.begin(), values.end()).size() == 1);
}

TEST_CASE("conflicts: draws are pairs of different samples that share vertices") {
  const Dataset data = text(500);
  Arena arena(test::with_threads(3));
  const Incidence incidence(data, arena);
  const ConflictDraws conflicts = draw_conflicts(incidence, 5000, 3, arena);
  CHECK(conflicts.draws.size() == 5000);
  for (const Conflict& draw : conflicts.draws) {
    std::vector<Coordinate> both;
    std::ranges::set_intersection(data.row(draw.first).support, data.row(draw.second).support,
                                  std::back_inserter(both));
    REQUIRE(draw.first != draw.second);
    REQUIRE(draw.shared == both.size());
    REQUIRE(draw.shared > 0);
  }
}

TEST_CASE("conflicts: samples without a common vertex have none") {
  Arena arena(test::with_threads(2));
  const Dataset apart = test::numbered_rows(4, {{0}, {1}, {}, {2, 3}});
  const Incidence incidence(apart, arena);
  const ConflictDraws conflicts = draw_conflicts(incidence, 100, 1, arena);
  CHECK(conflicts.draws.empty());
  CHECK(average_conflict_degree(incidence, conflicts).upper == 0);
  CHECK(largest_conflict_degree(incidence, arena).upper == 0);
  CHECK(chance_in_order(incidence, 2, 1, arena).value == 0);
}

TEST_CASE("conflicts: the largest degree lies within its bounds") {
  Arena arena(test::with_threads(2));
  for (const double zipf : {0.0, 1.1, 2.0}) {
    for (const std::size_t rows : {1U, 40U, 64U, 65U, 700U}) {
      CAPTURE(zipf);
      CAPTURE(rows);
      const Incidence incidence(text(rows, zipf), arena);
      const std::uint64_t exact = std::ranges::max(conflict_degrees(incidence, arena));
      const DegreeBounds bounds = largest_conflict_degree(incidence, arena);
      CHECK(bounds.lower <= exact);
      CHECK(exact <= bounds.upper);
      CHECK(bounds.upper < std::max<std::size_t>(rows, 1));
      if (rows <= 64) CHECK(bounds.lower == bounds.upper);
    }
  }
}

TEST_CASE("conflicts: neighbours in sorted data meet far more often than others") {
  std::vector<std::vector<Coordinate>> users;
  for (Coordinate i = 0; i < 4000; ++i) users.push_back({i / 20});
  Arena arena(test::with_threads(2));
  const Incidence sorted(test::numbered_rows(200, users), arena);
  const double at_random =
      average_conflict_degree(sorted, draw_conflicts(sorted, 1000, 1, arena)).value / 4000;
  CHECK(at_random == doctest::Approx(19.0 / 4000).epsilon(0.01));
  // Of 20 rows of a user, 20 - k have a fellow k rows on.
  const double expected = (19.0 / 20 + 18.0 / 20 + 17.0 / 20 + 16.0 / 20) / 4;
  const Estimate near = chance_in_order(sorted, 4, 1, arena);
  CHECK(near.lower <= expected);
  CHECK(expected <= near.upper);
}

TEST_CASE("incidence: degrees, lengths and shares") {
  Arena arena(test::with_threads(3));
  const Incidence incidence(test::numbered_rows(6, {{0, 1}, {1}, {1, 2, 5}, {}}), arena);
  const IncidenceFigures figures = figures_of(incidence, arena);
  CHECK(std::ranges::equal(incidence.degrees(), std::vector<std::uint32_t>{1, 3, 1, 0, 0, 1}));
  CHECK(figures.vertices == 4);
  CHECK(figures.nonzeros == 6);
  CHECK(figures.longest_row == 3);
  CHECK(figures.largest_share == 0.75);
  CHECK(figures.degrees[0] == 2);
  CHECK(figures.degrees[1] == 3);
  CHECK(figures.degrees[2] == 1);
  CHECK(figures.row_lengths[0] == 1);
  CHECK(figures.row_lengths[1] == 1);
  CHECK(figures.row_lengths[2] == 2);
}

TEST_CASE("incidence: a sample of weight zero touches nothing") {
  Arena arena(test::with_threads(2));
  const Incidence incidence(test::numbered_rows(2, {{0}, {0, 1}, {0}}, {1, 0, 1}), arena);
  CHECK(std::ranges::equal(incidence.degrees(), std::vector<std::uint32_t>{2, 0}));
  CHECK(conflict_degrees(incidence, arena) == std::vector<std::uint32_t>{1, 0, 1});
}

TEST_CASE("incidence: cache lines hold sixteen coordinates in order of degree") {
  std::vector<std::vector<Coordinate>> supports;  // coordinate c is touched by c + 1 rows
  for (Coordinate i = 0; i < 32; ++i) {
    supports.emplace_back();
    for (Coordinate c = i; c < 32; ++c) supports.back().push_back(c);
  }
  Arena arena(test::with_threads(2));
  const Dataset data = test::numbered_rows(32, supports);
  const Incidence lines = by_cache_line(data, Layout(data, {}, false), arena);
  Incidence::Reader reader(lines);
  CHECK(reader.edge(0).size() == 2);
  CHECK(std::ranges::equal(reader.edge(20), std::vector<std::uint32_t>{0}));
  CHECK(reader.shared(0, 20) == 1);
  CHECK(reader.shared(0, 1) == 2);
  CHECK(lines.degrees()[0] == 32);
  CHECK(lines.degrees()[1] == 16);
}

TEST_CASE("incidence: hot coordinates are left out") {
  Arena arena(test::with_threads(2));
  const Dataset data = test::numbered_rows(3, {{0, 1}, {0, 2}, {0}, {1}});
  const Incidence all(data, arena);
  const Incidence rest = without_hot(data, all.degrees(), 0.5, arena);
  CHECK(std::ranges::equal(rest.degrees(), std::vector<std::uint32_t>{0, 2, 1}));
  CHECK(conflict_degrees(rest, arena) == std::vector<std::uint32_t>{1, 0, 0, 1});
}

}  // namespace
}  // namespace sounder
