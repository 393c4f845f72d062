#include "io/max_flow.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <limits>
#include <map>
#include <set>
#include <system_error>
#include <tuple>
#include <utility>

#include "io/error.h"
#include "io/input.h"
#include "io/scanner.h"

namespace sounder {
namespace {

constexpr std::uint32_t kMost = std::numeric_limits<std::uint32_t>::max();

class Parser {
 public:
  Parser(std::string_view text, const std::string& name) : text_(text), name_(name), scan_(text) {}

  FlowNetwork run() {
    for (; !scan_.done(); scan_.skip_line()) line();
    require_all_arcs();
    collect_terminals();
    return std::move(network_);
  }

 private:
  void line() {
    const std::string_view kind = word();
    if (kind.empty() || kind.starts_with('c')) return;
    if (kind == "p") {
      problem(kind);
    } else if (kind != "n" && kind != "a") {
      fail(kind, "a line of kind c, p, n or a");
    } else if (network_.nodes == 0) {
      fail(kind, "the problem line, \"p max NODES ARCS\", first");
    } else if (kind == "n") {
      terminal();
    } else {
      arc(kind);
    }
    if (const std::string_view more = word(); !more.empty()) fail(more, "the end of the line");
  }

  void problem(std::string_view kind) {
    if (network_.nodes != 0) fail(kind, "no second problem line");
    if (const std::string_view type = word(); type != "max") fail(type, "\"max\"");
    network_.nodes = number(word(), "the number of nodes", std::uint32_t{2}, kMost);
    announcement_ = word();
    announced_ = number(announcement_, "the number of arcs", std::uint32_t{0}, kMost);
    constexpr std::size_t kShortestLine = sizeof "a 1 2 3";
    network_.arcs.reserve(std::min<std::size_t>(announced_, text_.size() / kShortestLine));
  }

  void terminal() {
    const std::string_view id = word();
    const std::uint32_t at = node(id);
    const std::string_view role = word();
    const bool lettered = role == "s" || role == "t";
    const std::uint32_t number_of_class =
        lettered ? 1 + (role == "t") : number(role, "s, t or a class", std::uint32_t{1}, network_.nodes);
    if (!classes_.empty() && lettered != lettered_)
      fail(role, lettered_ ? "s or t, as in the lines before" : "a class, as in the lines before");
    lettered_ = lettered;
    if (!classes_.emplace(number_of_class, at).second) fail(role, "one terminal of this kind only");
    if (!taken_.insert(at).second) fail(id, "a node that is no terminal yet");
  }

  void arc(std::string_view kind) {
    if (network_.arcs.size() == announced_)
      fail(kind, fmt::format("no more than the {} arcs announced", announced_));
    const std::uint32_t from = node(word());
    const std::uint32_t to = node(word());
    network_.arcs.push_back(
        {from, to, number(word(), "a capacity", 0.0, std::numeric_limits<double>::max())});
  }

  std::uint32_t node(std::string_view word) const {
    return number(word, "a node", std::uint32_t{1}, network_.nodes) - 1;
  }

  template <class Number>
  Number number(std::string_view word, std::string_view what, Number lowest, Number highest) const {
    Number value{};
    const auto [rest, error] = std::from_chars(word.begin(), word.end(), value);
    if (error == std::errc() && rest == word.end() && lowest <= value && value <= highest) return value;
    fail(word, fmt::format("{} from {} to {}", what, lowest, highest));
  }

  // Moves behind the next word of the line; it is empty when there is none.
  std::string_view word() {
    scan_.skip_blanks();
    const std::string_view word = scan_.token();
    scan_ = Scanner({word.end(), text_.end()});
    return word;
  }

  void require_all_arcs() const {
    if (network_.nodes == 0)
      throw InputError({name_}, "found no problem line, expected \"p max NODES ARCS\"");
    if (network_.arcs.size() == announced_) return;
    throw InputError(
        locate(name_, text_, announcement_.data()),
        fmt::format("found {} arcs, expected the {} announced here", network_.arcs.size(), announced_));
  }

  void collect_terminals() {
    const std::uint32_t count = classes_.empty() ? 2 : std::max(2U, classes_.rbegin()->first);
    for (std::uint32_t number_of_class = 1; number_of_class <= count; ++number_of_class) {
      const auto found = classes_.find(number_of_class);
      if (found == classes_.end()) fail_no_terminal(number_of_class);
      network_.terminals.push_back(found->second);
    }
  }

  [[noreturn]] void fail_no_terminal(std::uint32_t number_of_class) const {
    const std::string letter = number_of_class == 1 ? "s" : "t";
    throw InputError({name_}, fmt::format("found no line \"n NODE {}\", expected one",
                                          lettered_ ? letter : std::to_string(number_of_class)));
  }

  [[noreturn]] void fail(std::string_view word, std::string_view expected) const {
    const Scanner there({word.data(), text_.end()});
    throw InputError(locate(name_, text_, word.data()),
                     fmt::format("found {}, expected {}", found_at(there), expected));
  }

  std::string_view text_;
  const std::string& name_;
  Scanner scan_;
  FlowNetwork network_;  // has no nodes before the problem line
  std::uint32_t announced_ = 0;
  std::string_view announcement_;                   // the word that says so
  std::map<std::uint32_t, std::uint32_t> classes_;  // the terminal of each
  std::set<std::uint32_t> taken_;                   // nodes that are terminals
  bool lettered_ = true;                            // s and t, no classes
};

}  // namespace

FlowNetwork parse_max_flow(std::string_view text, const std::string& name) {
  return Parser(text, name).run();
}

FlowNetwork read_max_flow(const std::string& path) {
  const Input input(path);
  return parse_max_flow(input.bytes(), path);
}

bool is_max_flow(std::string_view text) {
  for (Scanner scan(text); !scan.done(); scan.skip_line()) {
    scan.skip_blanks();
    if (scan.token() == "p") {
      scan.skip('p');
      scan.skip_blanks();
      return scan.token() == "max";
    }
    if (!scan.at_line_end() && scan.peek() != 'c') return false;
  }
  return false;
}

std::vector<Edge> undirected(const FlowNetwork& network) {
  std::vector<Edge> edges;
  edges.reserve(network.arcs.size());
  for (const auto& [from, to, capacity] : network.arcs) {
    if (from < to) edges.push_back({from, to, capacity, 0});
    if (from > to) edges.push_back({to, from, 0, capacity});
  }
  const auto ends = [](const Edge& edge) { return std::tie(edge.u, edge.v); };
  std::ranges::stable_sort(edges, {}, ends);
  std::size_t kept = 0;
  for (const Edge& edge : edges) {
    if (kept > 0 && ends(edges[kept - 1]) == ends(edge)) {
      edges[kept - 1].forward += edge.forward;
      edges[kept - 1].backward += edge.backward;
    } else {
      edges[kept++] = edge;
    }
  }
  edges.resize(kept);
  return edges;
}

}  // namespace sounder
