#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "io/dataset.h"
#include "io/max_flow.h"

namespace sounder {

// Gives every node one of some labels, as cheaply as possible. The label of v is a corner of a set X, its relaxation
// any point of X, with `width` coordinates:
//
//     two labels     width 1, X = [-1/2, 1/2]: label 0, the source's side, is 1/2, and label 1, the sink's, -1/2
//     K >= 3 labels  width K, X = the simplex: label k is x_vk = 1
//
//     energy(x) = constant + sum over v of b_v . x_v + sum over edges (u, v) of h_uv |x_u - x_v|_1
//
// An edge whose ends have different labels costs 2h, or, of two labels, h. There, one with a capacity each way, f and
// g, is one of h = (f + g) / 2 and a linear part, (f - g) / 2 (x_u - x_v), which is in b. What these leave of the
// capacities, h being a float, are the rests, which labels pay as well: no relaxed labels cost more than they do.
struct CutProblem {
  std::size_t width = 1;
  Dataset edges;                  // a row an edge: its two ends, and h > 0 as its label
  std::vector<double> linear;     // b, `width` a node
  std::vector<double> incidence;  // of a node: the sum of the h of its edges
  std::vector<Edge> rests;        // >= 0, but for the rounding of double
  double constant = 0;
  double least = 0;   // no energy of labels is less: constants and the costs below 0
  bool whole = true;  // every energy of labels is a whole number, but for the rounding of double

  std::size_t nodes() const { return incidence.size(); }
  std::size_t labels() const { return width == 1 ? 2 : width; }
};

// Collects costs and edges. Capacities and costs are finite, capacities >= 0. Both capacities of an edge are rounded
// down, and stay >= 0, so that a lower bound of the cut stays one; what that takes off is kept. Not thread-safe.
class CutBuilder {
 public:
  CutBuilder(std::size_t nodes, std::size_t labels);  // >= 1 and >= 2

  // Of giving a node this label. Costs add up; they may be negative.
  void add_cost(std::size_t node, std::size_t label, double cost);
  void add_constant(double cost);

  // u < v: `forward` where u has label 0 and v has label 1, `backward` where it is the other way round; of three or
  // more labels the two are equal, and count wherever the labels differ. Edges without capacity are left out.
  void add_edge(const Edge& edge);

  // The same for capacity that no minimum needs to know of: labels pay it, relaxed ones do not.
  void add_rest(const Edge& edge);

  CutProblem finish() &&;

 private:
  void note(double amount);
  void keep_rest(const Edge& edge);

  CutProblem problem_;
  Dataset::Columns rows_;
};

// The minimum cut that separates the terminals of a network; terminal k has the label k. Of two terminals, the cut is
// the capacity of the arcs from the source's side to the sink's; of more, of all arcs between different labels.
// Terminals are nodes without edges: arcs to them are costs of their other end. Capacity beyond any minimum cut, as
// "infinite" arcs have, is a rest. Throws InputError, which calls the network `name`, when the others add up to more
// than a float holds, or those between other nodes are so small that no step in floats fits them.
CutProblem cut_problem(const FlowNetwork& network, const std::string& name = {});

// The energy of labels, one a node, in the capacities and costs that were given.
double energy_of(const CutProblem& problem, std::span<const std::uint32_t> labels);
// How far off an energy may be that is summed up in doubles.
double rounding_of(const CutProblem& problem);
// The energy of relaxed labels, `width` floats a node.
double energy_of(const CutProblem& problem, std::span<const float> x);

}  // namespace sounder
