#include "objectives/cut_rounding.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "objectives/graph_cut.h"

namespace sounder {
namespace {

// Nodes by falling x, and what the energy gains when the label 0 spreads to them one after the other.
struct Sweep {
  std::vector<std::uint32_t> order;
  std::vector<double> gains;
};

Sweep sweep(const CutProblem& problem, std::span<const float> x) {
  Sweep sweep{std::vector<std::uint32_t>(x.size()), std::vector<double>(x.size())};
  std::iota(sweep.order.begin(), sweep.order.end(), 0U);
  std::ranges::sort(sweep.order, [&](auto u, auto v) { return x[u] > x[v]; });
  std::vector<std::uint32_t> place(x.size());
  for (std::uint32_t i = 0; i < sweep.order.size(); ++i) {
    place[sweep.order[i]] = i;
    sweep.gains[i] = problem.linear[sweep.order[i]];
  }
  const Dataset& edges = problem.edges;
  for (std::size_t e = 0; e < edges.rows(); ++e) {
    const auto [first, last] = std::minmax(place[edges.indices()[2 * e]], place[edges.indices()[2 * e + 1]]);
    sweep.gains[first] += edges.labels()[e];
    sweep.gains[last] -= edges.labels()[e];
  }
  return sweep;
}

std::vector<std::uint32_t> best_threshold(const CutProblem& problem, std::span<const float> x) {
  const auto [order, gains] = sweep(problem, x);
  double energy = 0;
  double best = 0;
  std::size_t above = 0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    energy += gains[i];
    const bool last_of_equals = i + 1 == order.size() || x[order[i + 1]] < x[order[i]];
    if (!last_of_equals || energy >= best) continue;
    best = energy;
    above = i + 1;
  }
  std::vector<std::uint32_t> labels(x.size(), 1);
  for (const std::uint32_t node : std::span(order).first(above)) labels[node] = 0;
  return labels;
}

std::vector<std::uint32_t> largest(const CutProblem& problem, std::span<const float> weights) {
  std::vector<std::uint32_t> labels;
  for (std::size_t i = 0; i < weights.size(); i += problem.width)
    labels.push_back(label_of(weights.subspan(i, problem.width)));
  return labels;
}

// What all edges of the node can cost.
double most(const CutProblem& problem, std::size_t node) {
  return problem.incidence[node] * (problem.width == 1 ? 1 : 2);
}

void settle(const CutProblem& problem, std::vector<std::uint32_t>& labels) {
  for (std::size_t node = 0; node < labels.size(); ++node) {
    const auto b = std::span(problem.linear).subspan(node * problem.width, problem.width);
    if (problem.width == 1) {
      if (std::fabs(b[0]) >= most(problem, node)) labels[node] = b[0] < 0 ? 0 : 1;
      continue;
    }
    const auto cheapest = std::ranges::min_element(b);
    if (b[labels[node]] - *cheapest >= most(problem, node))
      labels[node] = static_cast<std::uint32_t>(cheapest - b.begin());
  }
}

}  // namespace

std::vector<std::uint32_t> round_cut(const CutProblem& problem, std::span<const float> weights) {
  std::vector<float> x(weights.begin(), weights.end());
  for (float& value : x) value = std::clamp(value, -0.5F, 0.5F);
  std::vector<std::uint32_t> labels =
      problem.width == 1 ? best_threshold(problem, x) : largest(problem, weights);
  settle(problem, labels);
  return labels;
}

}  // namespace sounder
