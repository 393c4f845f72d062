#include "objectives/cut_problem.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>
#include <utility>

namespace sounder {
namespace {

float rounded_down(double h) {
  const auto nearest = static_cast<float>(h);
  return nearest > h ? std::nextafter(nearest, 0.0F) : nearest;
}

// Of the label's corner, in one coordinate.
float corner(std::size_t width, std::size_t k, std::uint32_t label) {
  if (width == 1) return label == 0 ? 0.5F : -0.5F;
  return k == label ? 1.0F : 0.0F;
}

constexpr std::uint32_t kNoTerminal = std::numeric_limits<std::uint32_t>::max();

std::vector<std::uint32_t> terminal_numbers(const FlowNetwork& network) {
  std::vector<std::uint32_t> numbers(network.nodes, kNoTerminal);
  for (std::uint32_t k = 0; k < network.terminals.size(); ++k) numbers[network.terminals[k]] = k;
  return numbers;
}

// An edge between terminal k and a node: with label k, the node loses nothing.
void add_terminal_edge(CutBuilder& builder, std::size_t labels, std::uint32_t k, std::uint32_t node,
                       double from_terminal, double to_terminal) {
  const double lost = labels > 2 ? from_terminal + to_terminal : k == 0 ? from_terminal : to_terminal;
  for (std::uint32_t label = 0; label < labels; ++label) {
    if (label != k) builder.add_cost(node, label, lost);
  }
}

}  // namespace

CutBuilder::CutBuilder(std::size_t nodes, std::size_t labels) {
  assert(nodes >= 1 && labels >= 2);
  problem_.width = labels == 2 ? 1 : labels;
  problem_.linear.assign(nodes * problem_.width, 0.0);
  problem_.incidence.assign(nodes, 0.0);
}

void CutBuilder::note(double amount) {
  problem_.whole = problem_.whole && amount == std::floor(amount);
}

void CutBuilder::add_cost(std::size_t node, std::size_t label, double cost) {
  note(cost);
  if (problem_.width == 1) {
    problem_.linear[node] += label == 0 ? cost : -cost;
    problem_.constant += cost / 2;
  } else {
    problem_.linear[node * problem_.width + label] += cost;
  }
}

void CutBuilder::add_constant(double cost) {
  note(cost);
  problem_.constant += cost;
}

void CutBuilder::add_edge(const Edge& edge) {
  const bool two = problem_.width == 1;
  assert(edge.u < edge.v && (two || edge.forward == edge.backward));
  const double exact = two ? (edge.forward + edge.backward) / 2 : edge.forward / 2;
  const float h = rounded_down(exact);
  if (h == 0) return;
  note(edge.forward);
  note(edge.backward);
  problem_.whole = problem_.whole && h == exact;
  rows_.indices.insert(rows_.indices.end(), {edge.u, edge.v});
  rows_.offsets.push_back(rows_.indices.size());
  rows_.labels.push_back(h);
  problem_.incidence[edge.u] += h;
  problem_.incidence[edge.v] += h;
  if (!two) return;
  problem_.linear[edge.u] += (edge.forward - edge.backward) / 2;
  problem_.linear[edge.v] -= (edge.forward - edge.backward) / 2;
}

CutProblem CutBuilder::finish() && {
  rows_.values.assign(rows_.indices.size(), 1.0F);
  problem_.edges = Dataset(problem_.nodes(), std::move(rows_));
  return std::move(problem_);
}

CutProblem cut_problem(const FlowNetwork& network) {
  const std::size_t labels = network.terminals.size();
  const std::vector<std::uint32_t> numbers = terminal_numbers(network);
  CutBuilder builder(network.nodes, labels);
  for (std::uint32_t k = 0; k < labels; ++k)
    add_terminal_edge(builder, labels, k, network.terminals[k], 1, 1);
  for (const Edge& edge : undirected(network)) {
    const auto [u, v] = std::pair(numbers[edge.u], numbers[edge.v]);
    if (u != kNoTerminal && v != kNoTerminal) {
      builder.add_constant(labels > 2 ? edge.forward + edge.backward : u == 0 ? edge.forward : edge.backward);
    } else if (u != kNoTerminal) {
      add_terminal_edge(builder, labels, u, edge.v, edge.forward, edge.backward);
    } else if (v != kNoTerminal) {
      add_terminal_edge(builder, labels, v, edge.u, edge.backward, edge.forward);
    } else if (labels > 2) {
      const double capacity = edge.forward + edge.backward;
      builder.add_edge({edge.u, edge.v, capacity, capacity});
    } else {
      builder.add_edge(edge);
    }
  }
  return std::move(builder).finish();
}

double energy_of(const CutProblem& problem, std::span<const std::uint32_t> labels) {
  std::vector<float> x;
  x.reserve(problem.linear.size());
  for (const std::uint32_t label : labels) {
    for (std::size_t k = 0; k < problem.width; ++k) x.push_back(corner(problem.width, k, label));
  }
  return energy_of(problem, x);
}

double energy_of(const CutProblem& problem, std::span<const float> x) {
  double sum = problem.constant;
  for (std::size_t i = 0; i < x.size(); ++i) sum += problem.linear[i] * x[i];
  const Dataset& edges = problem.edges;
  for (std::size_t e = 0; e < edges.rows(); ++e) {
    const std::size_t u = edges.indices()[2 * e] * problem.width;
    const std::size_t v = edges.indices()[2 * e + 1] * problem.width;
    double apart = 0;
    for (std::size_t k = 0; k < problem.width; ++k) apart += std::fabs(double{x[u + k]} - x[v + k]);
    sum += apart * edges.labels()[e];
  }
  return sum;
}

}  // namespace sounder
