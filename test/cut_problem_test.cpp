#include "objectives/cut_problem.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "io/random.h"
#include "objectives/cut_rounding.h"
#include "objectives/graph_cut.h"
#include "test/support.h"

namespace sounder {
namespace {

FlowNetwork random_network(std::uint32_t nodes, std::uint32_t terminals, std::size_t arcs,
                           std::uint64_t seed) {
  Random random(seed);
  FlowNetwork network{nodes, {}, {}};
  for (std::uint32_t k = 0; k < terminals; ++k) network.terminals.push_back(nodes - 1 - k);
  for (std::size_t i = 0; i < arcs; ++i) {
    const auto node = [&] { return static_cast<std::uint32_t>(random.below(nodes)); };
    const std::uint32_t from = node();
    network.arcs.push_back({from, node(), static_cast<double>(random.below(20))});
  }
  return network;
}

// As the definition has it, arc by arc.
double capacity_cut(const FlowNetwork& network, const std::vector<std::uint32_t>& labels) {
  const bool two = network.terminals.size() == 2;
  double sum = 0;
  for (const auto& [from, to, capacity] : network.arcs) {
    if (two ? labels[from] < labels[to] : labels[from] != labels[to]) sum += capacity;
  }
  return sum;
}

// The next assignment of labels to nodes 0, 1, ...; false after the last.
bool advance(std::vector<std::uint32_t>& labels, std::size_t nodes, std::uint32_t count) {
  for (std::size_t node = 0; node < nodes; ++node) {
    if (++labels[node] < count) return true;
    labels[node] = 0;
  }
  return false;
}

}  // namespace

TEST_CASE("cut problem: the energy of labels is the capacity they cut") {
  for (const std::uint32_t terminals : {2U, 3U, 4U}) {
    for (const std::uint64_t seed : {1U, 2U, 3U}) {
      CAPTURE(terminals);
      CAPTURE(seed);
      constexpr std::uint32_t kInner = 5;
      const FlowNetwork network = random_network(kInner + terminals, terminals, 40, seed);
      const CutProblem problem = cut_problem(network);
      CHECK(problem.whole);
      CHECK(problem.labels() == terminals);
      std::vector<std::uint32_t> labels(network.nodes, 0);
      for (std::uint32_t k = 0; k < terminals; ++k) labels[network.terminals[k]] = k;
      do {
        REQUIRE(energy_of(problem, labels) == doctest::Approx(capacity_cut(network, labels)));
      } while (advance(labels, kInner, terminals));
    }
  }
}

TEST_CASE("cut problem: a terminal of another label costs more") {
  const CutProblem problem = cut_problem({3, {0, 1}, {{0, 2, 3}, {2, 1, 4}}});
  CHECK(energy_of(problem, std::vector<std::uint32_t>{0, 1, 0}) == 4);
  CHECK(energy_of(problem, std::vector<std::uint32_t>{0, 1, 1}) == 3);
  CHECK(energy_of(problem, std::vector<std::uint32_t>{1, 1, 1}) == 4);
}

TEST_CASE("cut problem: edges are rounded down, and what labels pay is not") {
  for (const auto& [capacity, whole] :
       {std::pair(7.0, true), {7.5, false}, {0.1, false}, {16777217.0, true}, {1e-60, false}}) {
    CAPTURE(capacity);
    CutBuilder builder(2, 2);
    builder.add_edge({0, 1, capacity, capacity});
    const CutProblem problem = std::move(builder).finish();
    if (problem.edges.rows() > 0) CHECK(problem.edges.labels()[0] <= capacity);
    CHECK(problem.whole == whole);
    CHECK(energy_of(problem, std::vector<std::uint32_t>{0, 1}) == capacity);
    CHECK(energy_of(problem, std::vector<std::uint32_t>{1, 0}) == capacity);
  }
}

TEST_CASE("cut problem: no direction of an edge pays for being cut") {
  for (const double capacity : {0.1, 2147483647.0, 99999999.0, 16777219.0, 1e30}) {
    for (const double other : {0.0, 3.0, 0.7}) {
      CAPTURE(capacity);
      CAPTURE(other);
      CutBuilder builder(2, 2);
      builder.add_edge({0, 1, capacity, other});
      const CutProblem problem = std::move(builder).finish();
      const double forward = energy_of(problem, std::vector<float>{0.5F, -0.5F});
      const double backward = energy_of(problem, std::vector<float>{-0.5F, 0.5F});
      CHECK(forward >= 0);
      CHECK(forward <= capacity);
      CHECK(backward >= 0);
      CHECK(backward <= other);
      CHECK(energy_of(problem, std::vector<std::uint32_t>{0, 1}) == doctest::Approx(capacity).epsilon(1e-12));
    }
  }
}

TEST_CASE("cut problem: capacities beyond any minimum are cut down, but labels pay them") {
  const FlowNetwork network{5, {0, 1}, {{0, 2, 3}, {2, 3, 1e9}, {3, 4, 4}, {4, 1, 1e12}, {0, 1, 2}}};
  const CutProblem problem = cut_problem(network);
  CHECK(problem.whole);
  CHECK(*std::ranges::max_element(problem.edges.labels()) <= 3);
  CHECK(*std::ranges::max_element(problem.linear) <= 6);
  for (const std::vector<std::uint32_t>& labels :
       {std::vector<std::uint32_t>{0, 1, 1, 1, 1}, {0, 1, 0, 1, 1}, {0, 1, 0, 0, 1}, {0, 1, 0, 0, 0}})
    CHECK(energy_of(problem, labels) == capacity_cut(network, labels));
}

TEST_CASE("graph cut: the nearest point of the interval and of the simplex") {
  struct Case {
    std::vector<float> z, nearest;
  };
  for (const Case& c :
       {Case{{0.25F}, {0.25F}}, Case{{-3}, {-0.5F}}, Case{{0.2F, 0.3F, 0.5F}, {0.2F, 0.3F, 0.5F}},
        Case{{1, 1, 1}, {1 / 3.0F, 1 / 3.0F, 1 / 3.0F}}, Case{{5, 0, 0}, {1, 0, 0}},
        Case{{0.75F, 0.5F, -9}, {0.625F, 0.375F, 0}}, Case{{-100, -100.5F, -200, -300}, {0.75F, 0.25F, 0, 0}},
        Case{{1.6e7F, 1.6e7F, 0}, {0.5F, 0.5F, 0}}, Case{{3e38F, 0, 3e38F}, {0.5F, 0, 0.5F}},
        Case{{-1e9F, -1e9F, -1e9F}, {1 / 3.0F, 1 / 3.0F, 1 / 3.0F}}}) {
    CAPTURE(c.z);
    std::vector<float> x = c.z;
    nearest_label(x, x);
    for (std::size_t k = 0; k < x.size(); ++k) CHECK(x[k] == doctest::Approx(c.nearest[k]));
  }
}

TEST_CASE("cut rounding: the best threshold costs no more than the relaxed labels, nor than any threshold") {
  Random random(5);
  for (int repeat = 0; repeat < 20; ++repeat) {
    CAPTURE(repeat);
    const CutProblem problem = cut_problem(random_network(12, 2, 60, random.next()));
    std::vector<float> x(12);
    for (float& value : x) value = static_cast<float>(random.below(5)) / 4 - 0.5F;
    x[11] = 0.5F;
    x[10] = -0.5F;
    const double best = energy_of(problem, round_cut(problem, x));
    CHECK(best <= energy_of(problem, x) + 1e-9);
    for (const float threshold : {-0.4F, -0.1F, 0.1F, 0.4F}) {
      std::vector<std::uint32_t> labels;
      for (const float value : x) labels.push_back(value > threshold ? 0 : 1);
      CHECK(best <= energy_of(problem, labels) + 1e-9);
    }
  }
}

TEST_CASE("cut rounding: a node whose costs outweigh its edges has the cheapest label") {
  CutBuilder builder(2, 3);
  builder.add_edge({0, 1, 4, 4});
  builder.add_cost(0, 0, 100);
  builder.add_cost(0, 2, 5);
  const CutProblem problem = std::move(builder).finish();
  const std::vector<float> weights{9, 0, 0, 0, 0, 9};
  CHECK(round_cut(problem, weights) == std::vector<std::uint32_t>{1, 2});
}

TEST_CASE("cut problem: capacities that a minimum cut may have are 3.4e38 in all, at most") {
  FlowNetwork network{4, {0, 1}, {{0, 2, 1e38}, {2, 3, 1e38}, {3, 1, 1e38}}};
  CHECK(std::isfinite(energy_of(cut_problem(network), std::vector<std::uint32_t>{0, 1, 0, 1})));
  network.arcs.push_back({0, 2, 1e38});
  network.arcs.push_back({3, 1, 1e38});
  CHECK(test::input_error_of([&] { cut_problem(network, "f.max"); }) ==
        "f.max: found capacities of 5e+38 in all, expected 3.4e+38 at most: scale them down");
  for (Arc& arc : network.arcs) arc.capacity = 1e308;
  CHECK(test::input_error_of([&] { cut_problem(network); }).starts_with("found capacities of inf in all"));
}

TEST_CASE(
    "cut problem: capacities between nodes that are no terminals are 1e-30 at least, but for smaller ones "
    "beside them") {
  FlowNetwork network{4, {0, 1}, {{0, 2, 1}, {2, 3, 4e-40}, {3, 2, 3e-50}, {3, 1, 1}}};
  CHECK(test::input_error_of([&] { cut_problem(network, "f.max"); }) ==
        "f.max: found no capacity beyond 4e-40 that a minimum cut may have between nodes other than "
        "terminals, expected 1e-30 or more: scale all of them up");
  const FlowNetwork large_ones{4, {0, 1}, {{0, 2, 1e-50}, {2, 3, 1}, {3, 2, 1}, {3, 1, 1e-50}}};
  CHECK(test::input_error_of([&] { cut_problem(large_ones); }).starts_with("found no capacity beyond 2e-50"));
  network.arcs[2].capacity = 1e-30;
  CHECK(energy_of(cut_problem(network), std::vector<std::uint32_t>{0, 1, 1, 0}) == 2 + 1e-30);
  network.arcs[1].capacity = network.arcs[2].capacity = 0;
  CHECK(energy_of(cut_problem(network), std::vector<std::uint32_t>{0, 1, 0, 1}) == 0);
}

TEST_CASE("cut problem: small capacities add up to what they are") {
  for (const double capacity : {1e-10, 1e-17, 1e-30}) {
    CAPTURE(capacity);
    const FlowNetwork network{3, {0, 2}, {{0, 1, 3 * capacity}, {1, 2, 2 * capacity}}};
    const double energy = energy_of(cut_problem(network), std::vector<std::uint32_t>{0, 0, 1});
    CHECK(energy / capacity == doctest::Approx(2).epsilon(1e-12));
  }
}

TEST_CASE("cut rounding: a node of three labels keeps one whose cost its edges outweigh") {
  CutBuilder builder(2, 3);
  builder.add_edge({0, 1, 4, 4});
  builder.add_cost(0, 0, 3);
  for (const std::size_t label : {1, 2}) builder.add_cost(1, label, 100);
  const CutProblem problem = std::move(builder).finish();
  const std::vector<std::uint32_t> labels = round_cut(problem, std::vector<float>{9, 0, 0, 9, 0, 0});
  CHECK(labels == std::vector<std::uint32_t>{0, 0});
  CHECK(energy_of(problem, labels) == 3);
}

}  // namespace sounder
