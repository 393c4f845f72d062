#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sounder {

// A directed arc; nodes count from 0. The capacity is finite and not negative.
struct Arc {
  std::uint32_t from = 0;
  std::uint32_t to = 0;
  double capacity = 0;
};

// Nodes 0 to `nodes` - 1, arcs in the order of the file, and two or more different terminals: the source and
// the sink, or terminal k of class k + 1.
struct FlowNetwork {
  std::uint32_t nodes = 0;
  std::vector<std::uint32_t> terminals;
  std::vector<Arc> arcs;
};

// Reads a DIMACS maximum-flow file, plain or compressed (see io/stream.h). Its lines are, with nodes counted
// from 1 and both counts below 2^32,
//
//     c a comment            (blank lines are skipped as well)
//     p max NODES ARCS       once, in front of all that follows
//     n NODE s               the source: terminal 0;  "n NODE t", the sink: terminal 1
//     n NODE CLASS           instead of s and t: a terminal of a multiway cut, classes 1, 2, ... once each
//     a FROM TO CAPACITY     as often as announced; loops and parallel arcs are kept
//
// Throws InputError with line and column at the first thing that is none of these, and for the whole file when
// the problem line or a terminal is missing. Source of the format: "The First DIMACS International Algorithm
// Implementation Challenge: Problem Definitions and Specifications" (1990); numbered terminals are ours.
FlowNetwork read_max_flow(const std::string& path);

// The same for text in memory; messages call it `name`.
FlowNetwork parse_max_flow(std::string_view text, const std::string& name);

// Whether text begins as such a file does: with a problem line, behind blank lines and comments.
bool is_max_flow(std::string_view text);

// What may flow between two nodes u < v: `forward` from u to v, `backward` from v to u.
struct Edge {
  std::uint32_t u = 0;
  std::uint32_t v = 0;
  double forward = 0;
  double backward = 0;
};

// One edge for all arcs between the same two nodes, in increasing order of (u, v). Capacities of parallel arcs
// add up; loops are left out.
std::vector<Edge> undirected(const FlowNetwork& network);

}  // namespace sounder
