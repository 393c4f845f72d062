#include "objectives/cut_problem.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>
#include <numeric>
#include <span>
#include <utility>

#include "io/error.h"

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

// Of three or more terminals, what flows either way counts both ways.
std::vector<Edge> edges_of(const FlowNetwork& network) {
  std::vector<Edge> edges = undirected(network);
  if (network.terminals.size() > 2) {
    for (Edge& edge : edges) edge.forward = edge.backward = edge.forward + edge.backward;
  }
  return edges;
}

double larger(const Edge& edge) {
  return std::max(edge.forward, edge.backward);
}

// As those between terminals are.
bool in_every_cut(const Edge& edge, const std::vector<std::uint32_t>& numbers) {
  return numbers[edge.u] != kNoTerminal && numbers[edge.v] != kNoTerminal;
}

// Where arcs lead, and how large they are: the exponent of the power of two that is not above it.
class Paths {
 public:
  Paths(const std::vector<Edge>& edges, const std::vector<std::uint32_t>& numbers)
      : begins_(numbers.size() + 1) {
    const auto for_each = [&](auto&& body) {
      for (const Edge& edge : edges) {
        if (in_every_cut(edge, numbers)) continue;
        if (edge.forward > 0) body(edge.u, edge.v, edge.forward);
        if (edge.backward > 0) body(edge.v, edge.u, edge.backward);
      }
    };
    for_each([&](std::uint32_t from, std::uint32_t, double) { ++begins_[from + 1]; });
    std::partial_sum(begins_.begin(), begins_.end(), begins_.begin());
    steps_.resize(begins_.back());
    std::vector<std::size_t> next = begins_;
    for_each([&](std::uint32_t from, std::uint32_t to, double capacity) {
      steps_[next[from]++] = {to, std::ilogb(capacity), capacity};
    });
  }

  // Those that one gets to from a node by arcs larger than a size.
  std::vector<bool> reached(std::uint32_t from, int size) const {
    std::vector<bool> seen(begins_.size() - 1);
    std::vector<std::uint32_t> open{from};
    seen[from] = true;
    while (!open.empty()) {
      const std::uint32_t node = open.back();
      open.pop_back();
      for (const Step& step : out_of(node)) {
        if (step.size <= size || seen[step.to]) continue;
        seen[step.to] = true;
        open.push_back(step.to);
      }
    }
    return seen;
  }

  // Of the arcs that leave the set.
  double leaving(const std::vector<bool>& set) const {
    double sum = 0;
    for (std::uint32_t node = 0; node < set.size(); ++node) {
      if (!set[node]) continue;
      for (const Step& step : out_of(node)) sum += set[step.to] ? 0 : step.capacity;
    }
    return sum;
  }

 private:
  struct Step {
    std::uint32_t to;
    int size;
    double capacity;
  };

  std::span<const Step> out_of(std::uint32_t node) const {
    return std::span(steps_).subspan(begins_[node], begins_[node + 1] - begins_[node]);
  }

  std::vector<std::size_t> begins_;
  std::vector<Step> steps_;
};

// The capacity of a cut around each terminal but the last, through none of the arcs that are larger than it takes to get from
// there to another.
double around_the_largest(const std::vector<Edge>& edges, const std::vector<std::uint32_t>& numbers,
                          const FlowNetwork& network) {
  const Paths paths(edges, numbers);
  double sum = 0;
  for (auto terminal = network.terminals.begin(); terminal + 1 < network.terminals.end(); ++terminal) {
    const auto apart = [&](int size) {
      const std::vector<bool> set = paths.reached(*terminal, size);
      return std::ranges::count_if(network.terminals, [&](std::uint32_t other) { return set[other]; }) == 1;
    };
    int least = std::numeric_limits<double>::min_exponent - std::numeric_limits<double>::digits - 1;
    int most = std::numeric_limits<double>::max_exponent;
    if (apart(least)) continue;
    while (most - least > 1) {
      const int middle = (least + most) / 2;
      (apart(middle) ? most : least) = middle;
    }
    sum += paths.leaving(paths.reached(*terminal, most));
  }
  return sum;
}

// A capacity that no arc of a minimum cut has: twice that of a cut that is known, the one around all terminals but that with most
// or, where arcs are so large that they may stand for infinite ones, one around these. Once would let a cut through such an
// arc cost as little as the minimum.
double beyond_minimum(const std::vector<Edge>& edges, const std::vector<std::uint32_t>& numbers,
                      const FlowNetwork& network) {
  constexpr double kLarge = 1 << 24;
  const std::size_t terminals = network.terminals.size();
  std::vector<double> around(terminals);
  double most = 0;
  for (const Edge& edge : edges) {
    if (in_every_cut(edge, numbers)) continue;
    most = std::max(most, larger(edge));
    const auto [u, v] = std::pair(numbers[edge.u], numbers[edge.v]);
    if (u == kNoTerminal && v == kNoTerminal) continue;
    around[std::min(u, v)] += u == 0 || (u == kNoTerminal && v != 0) ? edge.forward : edge.backward;
  }
  std::ranges::sort(around);
  around.pop_back();
  const double known = std::accumulate(around.begin(), around.end(), 0.0);
  const double least = most > kLarge ? std::min(known, around_the_largest(edges, numbers, network)) : known;
  return least > 0 ? 2 * least : std::min(most, 1.0);
}

// Weights of edges are floats, and so are sums of them and steps, which are the longer the smaller the weights.
void check_capacities(const std::vector<Edge>& edges, const std::vector<std::uint32_t>& numbers, double most,
                      const std::string& name) {
  constexpr double kMost = std::numeric_limits<float>::max();
  constexpr double kLeast = 1e-30;
  double sum = 0;
  double largest = 0;  // of those that are weights
  for (const Edge& edge : edges) {
    sum += std::min(edge.forward, most) + std::min(edge.backward, most);
    const bool inner = numbers[edge.u] == kNoTerminal && numbers[edge.v] == kNoTerminal;
    if (inner) largest = std::max(largest, std::min(larger(edge), most));
  }
  if (!(sum <= kMost))
    throw InputError(
        {name}, fmt::format("found capacities of {:.3g} in all, expected {:.3g} at most: scale them down",
                            sum, kMost));
  if (largest > 0 && largest < kLeast)
    throw InputError({name},
                     fmt::format("found no capacity beyond {:.3g} that a minimum cut may have between "
                                 "nodes other than terminals, expected {:g} or more: scale all of them up",
                                 largest, kLeast));
}

// An edge between terminal k and a node: with label k, the node loses nothing.
void add_terminal_edge(CutBuilder& builder, std::size_t labels, std::uint32_t k, std::uint32_t node,
                       double from_terminal, double to_terminal) {
  for (std::uint32_t label = 0; label < labels; ++label) {
    if (label != k) builder.add_cost(node, label, k == 0 ? from_terminal : to_terminal);
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
  problem_.least += std::min(cost, 0.0);
  if (problem_.width == 1) {
    problem_.linear[node] += label == 0 ? cost : -cost;
    problem_.constant += cost / 2;
  } else {
    problem_.linear[node * problem_.width + label] += cost;
  }
}

void CutBuilder::add_constant(double cost) {
  note(cost);
  problem_.least += cost;
  problem_.constant += cost;
}

// A tilt beyond h would pay for cutting the edge the cheaper way.
void CutBuilder::add_edge(const Edge& edge) {
  const bool two = problem_.width == 1;
  assert(edge.u < edge.v && (two || edge.forward == edge.backward));
  note(edge.forward);
  note(edge.backward);
  const float h = rounded_down(two ? (edge.forward + edge.backward) / 2 : edge.forward / 2);
  const double tilt = std::clamp((edge.forward - edge.backward) / 2, -double{h}, double{h});
  const double mean = two ? h : 2.0 * h;
  keep_rest({edge.u, edge.v, edge.forward - (mean + tilt), edge.backward - (mean - tilt)});
  if (h == 0) return;
  rows_.indices.insert(rows_.indices.end(), {edge.u, edge.v});
  rows_.offsets.push_back(rows_.indices.size());
  rows_.labels.push_back(h);
  problem_.incidence[edge.u] += h;
  problem_.incidence[edge.v] += h;
  if (!two) return;
  problem_.linear[edge.u] += tilt;
  problem_.linear[edge.v] -= tilt;
}

void CutBuilder::add_rest(const Edge& edge) {
  note(edge.forward);
  note(edge.backward);
  keep_rest(edge);
}

void CutBuilder::keep_rest(const Edge& edge) {
  if (edge.forward > 0 || edge.backward > 0) problem_.rests.push_back(edge);
}

CutProblem CutBuilder::finish() && {
  rows_.values.assign(rows_.indices.size(), 1.0F);
  problem_.edges = Dataset(problem_.nodes(), std::move(rows_));
  return std::move(problem_);
}

CutProblem cut_problem(const FlowNetwork& network, const std::string& name) {
  const std::size_t labels = network.terminals.size();
  const std::vector<std::uint32_t> numbers = terminal_numbers(network);
  const std::vector<Edge> edges = edges_of(network);
  const double most = beyond_minimum(edges, numbers, network);
  check_capacities(edges, numbers, most, name);
  CutBuilder builder(network.nodes, labels);
  // Beside small capacities a large cost of what no label pays would leave none of their digits.
  const double unit = most > 0 ? std::min(most, 1.0) : 1;
  for (std::uint32_t k = 0; k < labels; ++k)
    add_terminal_edge(builder, labels, k, network.terminals[k], unit, unit);
  for (const auto& [u, v, forward, backward] : edges) {
    const auto [of_u, of_v] = std::pair(numbers[u], numbers[v]);
    if (of_u != kNoTerminal && of_v != kNoTerminal) {
      builder.add_constant(of_u == 0 ? forward : backward);
      continue;
    }
    const Edge edge{u, v, std::min(forward, most), std::min(backward, most)};
    builder.add_rest({u, v, forward - edge.forward, backward - edge.backward});
    if (of_u != kNoTerminal) {
      add_terminal_edge(builder, labels, of_u, v, edge.forward, edge.backward);
    } else if (of_v != kNoTerminal) {
      add_terminal_edge(builder, labels, of_v, u, edge.backward, edge.forward);
    } else {
      builder.add_edge(edge);
    }
  }
  CutProblem made = std::move(builder).finish();
  if (!std::isfinite(made.constant))
    throw InputError({name},
                     "found arcs between terminals, which every cut has, of more in all than a number can "
                     "be: scale them down");
  return made;
}

double energy_of(const CutProblem& problem, std::span<const std::uint32_t> labels) {
  std::vector<float> x;
  x.reserve(problem.linear.size());
  for (const std::uint32_t label : labels) {
    for (std::size_t k = 0; k < problem.width; ++k) x.push_back(corner(problem.width, k, label));
  }
  double sum = energy_of(problem, x);
  for (const auto& [u, v, forward, backward] : problem.rests) {
    if (labels[u] != labels[v]) sum += labels[u] < labels[v] ? forward : backward;
  }
  return sum;
}

double rounding_of(const CutProblem& problem) {
  double sum = std::fabs(problem.constant);
  for (const double cost : problem.linear) sum += std::fabs(cost);
  for (const float weight : problem.edges.labels()) sum += 2.0 * weight;
  return sum * std::numeric_limits<double>::epsilon();
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
