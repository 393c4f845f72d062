#include "io/max_flow.h"

#include <doctest/doctest.h>
#include <zlib.h>

#include <algorithm>
#include <iterator>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "io/error.h"
#include "test/support.h"

using namespace sounder;
using namespace sounder::test;

namespace {

FlowNetwork parse(std::string_view text) {
  return parse_max_flow(text, "f.max");
}

std::string error_of(std::string_view text) {
  return input_error_of([&] { parse(text); });
}

bool same(const Arc& a, const Arc& b) {
  return a.from == b.from && a.to == b.to && a.capacity == b.capacity;
}

bool same(const Edge& a, const Edge& b) {
  return a.u == b.u && a.v == b.v && a.forward == b.forward && a.backward == b.backward;
}

template <class T>
bool same(const std::vector<T>& a, const std::vector<T>& b) {
  return std::ranges::equal(a, b, [](const T& x, const T& y) { return same(x, y); });
}

FlowNetwork random_network(std::mt19937& random) {
  FlowNetwork network{.nodes = 2 + static_cast<std::uint32_t>(random() % 9), .terminals = {0, 1}, .arcs = {}};
  for (auto arcs = random() % 60; arcs > 0; --arcs) {
    const auto from = static_cast<std::uint32_t>(random() % network.nodes);
    const auto to = static_cast<std::uint32_t>(random() % network.nodes);
    network.arcs.push_back({from, to, static_cast<double>(random() % 100)});
  }
  return network;
}

const std::string_view kDiamond =
    "c a diamond\np max 4 5\nn 1 s\nn 4 t\na 1 2 3\na 1 3 2.5\na 2 3 0\na 2 4 1e3\na 3 4 7\n";

}  // namespace

TEST_CASE("max_flow: keeps nodes, terminals and arcs, counted from 0") {
  const FlowNetwork network = parse(kDiamond);
  CHECK(network.nodes == 4);
  CHECK(network.terminals == std::vector<std::uint32_t>{0, 3});
  CHECK(same(network.arcs, {{0, 1, 3}, {0, 2, 2.5}, {1, 2, 0}, {1, 3, 1000}, {2, 3, 7}}));
}

TEST_CASE("max_flow: takes any blanks, line ends, comments and order behind the problem line") {
  const std::string_view texts[] = {
      "p max 3 2\nn 3 s\nn 1 t\na 3 3 1\na 3 1 2",
      "c\r\ncomment\r\n\r\n  p  max\t3 2 \r\n\tn 3 s\r\nn 1 t\r\na 3 3 1\r\nc----\r\na 3 1 2\r\n",
      "p max 3 2\ra 3 3 1.0\rn 1 t\ra 3 1 2\rn 3 s\r"};
  for (const std::string_view text : texts) {
    CAPTURE(text);
    const FlowNetwork network = parse(text);
    CHECK(network.terminals == std::vector<std::uint32_t>{2, 0});
    CHECK(same(network.arcs, {{2, 2, 1}, {2, 0, 2}}));
  }
}

TEST_CASE("max_flow: reads the terminals of a multiway cut in the order of their classes") {
  CHECK(parse("p max 9 0\nn 5 3\nn 2 1\nn 9 2\n").terminals == std::vector<std::uint32_t>{1, 8, 4});
  CHECK(parse("p max 2 0\nn 2 1\nn 1 2\n").terminals == std::vector<std::uint32_t>{1, 0});
}

TEST_CASE("max_flow: capacities are doubles") {
  const FlowNetwork network =
      parse("p max 2 4\nn 1 s\nn 2 t\na 1 2 16777217\na 1 2 0.1\na 1 2 1e308\na 1 2 9007199254740993\n");
  const double expected[] = {16777217, 0.1, 1e308, 9007199254740992};
  CHECK(std::ranges::equal(network.arcs, expected, {}, &Arc::capacity));
}

TEST_CASE("max_flow: refuses a wrong line, with the place and the reason") {
  struct Case {
    std::string_view line;  // the fourth, behind the problem line and the terminals
    std::string_view complaint;
  };
  const Case cases[] = {
      {"x 1 2", "4:1: found \"x\", expected a line of kind c, p, n or a"},
      {" arc 1 2 3", "4:2: found \"arc\", expected a line of kind c, p, n or a"},
      {"p max 3 1", "4:1: found \"p\", expected no second problem line"},
      {"a 0 2 1", "4:3: found \"0\", expected a node from 1 to 3"},
      {"a 1 4 1", "4:5: found \"4\", expected a node from 1 to 3"},
      {"a 1 99999999999999999999 1", "4:5: found \"99999999999999999999\", expected a node from 1 to 3"},
      {"a 1 -2 1", "4:5: found \"-2\", expected a node from 1 to 3"},
      {"a 1 2.5 1", "4:5: found \"2.5\", expected a node from 1 to 3"},
      {"a 1", "4:4: found the end of the line, expected a node from 1 to 3"},
      {"a 1 2 ", "4:7: found the end of the line, expected a capacity from 0 to 1.7976931348623157e+308"},
      {"a 1 2 -1", "4:7: found \"-1\", expected a capacity from 0 to 1.7976931348623157e+308"},
      {"a 1 2 inf", "4:7: found \"inf\", expected a capacity from 0 to 1.7976931348623157e+308"},
      {"a 1 2 nan", "4:7: found \"nan\", expected a capacity from 0 to 1.7976931348623157e+308"},
      {"a 1 2 1e999", "4:7: found \"1e999\", expected a capacity from 0 to 1.7976931348623157e+308"},
      {"a 1 2 3x", "4:7: found \"3x\", expected a capacity from 0 to 1.7976931348623157e+308"},
      {"a 1 2 3 4", "4:9: found \"4\", expected the end of the line"},
      {"a 1 2 3\na 2 1 3", "5:1: found \"a\", expected no more than the 1 arcs announced"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.line);
    CHECK(error_of("p max 3 1\nn 1 s\nn 2 t\n" + std::string(c.line) + "\n") ==
          "f.max:" + std::string(c.complaint));
  }
}

TEST_CASE("max_flow: is told by its problem line") {
  for (const char* text : {"p max 3 1\n", "c a comment\n\n  p   max 2 0", "p max"}) {
    CAPTURE(text);
    CHECK(is_max_flow(text));
  }
  for (const char* text : {"", "c\n", "p min 3 1\n", "pmax 3 1\n", "1 p max\n", "1 1:1\n"}) {
    CAPTURE(text);
    CHECK_FALSE(is_max_flow(text));
  }
}

TEST_CASE("max_flow: refuses a wrong problem line, or none") {
  struct Case {
    std::string_view text;
    std::string_view complaint;
  };
  const Case cases[] = {
      {"", ": found no problem line, expected \"p max NODES ARCS\""},
      {"c only\n\n", ": found no problem line, expected \"p max NODES ARCS\""},
      {"n 1 s\np max 3 1", ":1:1: found \"n\", expected the problem line, \"p max NODES ARCS\", first"},
      {"\na 1 2 3\n", ":2:1: found \"a\", expected the problem line, \"p max NODES ARCS\", first"},
      {"p", ":1:2: found the end of the file, expected \"max\""},
      {"p min 3 1", ":1:3: found \"min\", expected \"max\""},
      {"p max 1 1", ":1:7: found \"1\", expected the number of nodes from 2 to 4294967295"},
      {"p max 4294967296 1", ":1:7: found \"4294967296\", expected the number of nodes from 2 to 4294967295"},
      {"p max 3", ":1:8: found the end of the file, expected the number of arcs from 0 to 4294967295"},
      {"p max 3 x", ":1:9: found \"x\", expected the number of arcs from 0 to 4294967295"},
      {"p max 3 1 1", ":1:11: found \"1\", expected the end of the line"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.text);
    CHECK(error_of(c.text) == "f.max" + std::string(c.complaint));
  }
}

TEST_CASE("max_flow: refuses terminals that are missing, double, the same node or of two kinds") {
  struct Case {
    std::string_view lines;
    std::string_view complaint;
  };
  const Case cases[] = {
      {"", ": found no line \"n NODE s\", expected one"},
      {"n 1 s", ": found no line \"n NODE t\", expected one"},
      {"n 1 t", ": found no line \"n NODE s\", expected one"},
      {"n 1 1", ": found no line \"n NODE 2\", expected one"},
      {"n 1 1\nn 2 3", ": found no line \"n NODE 2\", expected one"},
      {"n 1 s\nn 2 s", ":3:5: found \"s\", expected one terminal of this kind only"},
      {"n 1 2\nn 2 1\nn 3 2", ":4:5: found \"2\", expected one terminal of this kind only"},
      {"n 2 s\nn 2 t", ":3:3: found \"2\", expected a node that is no terminal yet"},
      {"n 1 1\nn 2 2\nn 1 3", ":4:3: found \"1\", expected a node that is no terminal yet"},
      {"n 1 s\nn 2 2", ":3:5: found \"2\", expected s or t, as in the lines before"},
      {"n 1 2\nn 2 s", ":3:5: found \"s\", expected a class, as in the lines before"},
      {"n 1 0", ":2:5: found \"0\", expected s, t or a class from 1 to 3"},
      {"n 1 source", ":2:5: found \"source\", expected s, t or a class from 1 to 3"},
      {"n 1", ":2:4: found the end of the file, expected s, t or a class from 1 to 3"},
      {"n 4 s", ":2:3: found \"4\", expected a node from 1 to 3"},
      {"n 1 s t", ":2:7: found \"t\", expected the end of the line"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.lines);
    CHECK(error_of("p max 3 0\n" + std::string(c.lines)) == "f.max" + std::string(c.complaint));
  }
}

TEST_CASE("max_flow: misses the arcs of a file that is cut short, and takes no memory for them") {
  CHECK(error_of("c\np max 3 4294967295\nn 1 s\nn 2 t\na 1 2 3\n") ==
        "f.max:2:9: found 1 arcs, expected the 4294967295 announced here");
  for (std::size_t length = 0; length + 1 < kDiamond.size(); ++length) {
    CAPTURE(length);
    CHECK(error_of(kDiamond.substr(0, length)) != "");
  }
}

TEST_CASE("max_flow: never crashes on random text") {
  std::mt19937 random(1);
  const std::string_view lines[] = {"p max 3 2\n", "c x\n",   "n 1 s\n",  "n 2 t\n",
                                    "n 3 1\n",     "n 1 2\n", "a 1 2 3\n"};
  std::size_t accepted = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string text(lines[0]);
    for (auto count = random() % 8; count > 0; --count) text += lines[random() % std::size(lines)];
    if (random() % 2 != 0) text[random() % text.size()] = static_cast<char>(random());
    const std::string error = error_of(text);
    accepted += error.empty();
    if (!error.empty()) REQUIRE(error.starts_with("f.max:"));
  }
  CHECK(accepted > 10);
}

TEST_CASE("max_flow: reads a compressed file, and names the file in messages") {
  const TempDir directory;
  const std::string path = directory / "f.max.gz";
  const gzFile file = gzopen(path.c_str(), "wb");
  gzwrite(file, kDiamond.data(), static_cast<unsigned>(kDiamond.size()));
  gzclose(file);
  CHECK(read_max_flow(path).arcs.size() == 5);
  write_file(path, "p max 2 0\n");
  CHECK(input_error_of([&] { read_max_flow(path); }) == path + ": found no line \"n NODE s\", expected one");
}

TEST_CASE("max_flow: undirected joins the arcs between two nodes, drops loops and sorts") {
  const FlowNetwork network{.nodes = 4,
                            .terminals = {0, 3},
                            .arcs = {{3, 1, 5}, {1, 1, 9}, {0, 2, 1}, {1, 3, 2}, {3, 1, 4}, {0, 1, 0}}};
  CHECK(same(undirected(network), {{0, 1, 0, 0}, {0, 2, 1, 0}, {1, 3, 2, 9}}));
  CHECK(undirected({.nodes = 2, .terminals = {0, 1}, .arcs = {{1, 1, 3}}}).empty());
}

TEST_CASE("max_flow: every cut of the edges is worth what it cuts of the arcs") {
  std::mt19937 random(2);
  for (int i = 0; i < 500; ++i) {
    const FlowNetwork network = random_network(random);
    const std::vector<Edge> edges = undirected(network);
    const auto side = random();
    const auto cuts = [&](std::uint32_t from, std::uint32_t to) {
      return (side >> from & ~side >> to & 1) != 0;
    };
    double by_arcs = 0;
    for (const Arc& arc : network.arcs) by_arcs += cuts(arc.from, arc.to) ? arc.capacity : 0;
    double by_edges = 0;
    for (const Edge& edge : edges)
      by_edges += (cuts(edge.u, edge.v) ? edge.forward : 0) + (cuts(edge.v, edge.u) ? edge.backward : 0);
    REQUIRE(by_arcs == by_edges);
    const auto not_before = [](const Edge& a, const Edge& b) {
      return a.u > b.u || (a.u == b.u && a.v >= b.v);
    };
    REQUIRE(std::ranges::adjacent_find(edges, not_before) == edges.end());
    REQUIRE(std::ranges::all_of(edges, [](const Edge& edge) { return edge.u < edge.v; }));
  }
}
