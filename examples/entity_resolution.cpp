// Which records of two bibliographies are the same paper? Entity resolution as a multiway cut, after the experiment with
// DBLife of HOGWILD! (Niu, Recht, Re, Wright, 2011, section 4).
//
//     entity_resolution ENTITIES.csv MENTIONS.csv TRUTH.csv
//
// Every record of the first file is an entity, a terminal. Title, authors and year of a record of the second one are three
// mentions: nodes that are tied to each other, and to the entities that they look like, by the similarity of that field. One
// more terminal stands for "none of them". A minimum cut gives every mention one terminal. Components of the graph do not see
// each other, so label k means the k-th entity of each.

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <exception>
#include <fstream>
#include <map>
#include <numeric>
#include <set>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engine/minimum_cut.h"

namespace {

struct Record {
  std::string id, title, authors, year;
};

// --- CSV: fields in quotes may hold commas, and quotes as ""

std::vector<std::string> fields_of(const std::string& line) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (const char c : line) {
    if (c == '"') {
      quoted = !quoted;
    } else if (c == ',' && !quoted) {
      fields.emplace_back();
    } else if (c != '\r') {
      fields.back() += c;
    }
  }
  return fields;
}

std::vector<std::vector<std::string>> read_csv(const std::string& path, std::size_t columns) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot read " + path);
  std::vector<std::vector<std::string>> rows;
  std::string line;
  std::getline(file, line);  // names of the columns
  while (std::getline(file, line)) {
    rows.push_back(fields_of(line));
    if (rows.back().size() != columns) throw std::runtime_error(path + ": unexpected line: " + line);
  }
  return rows;
}

std::vector<Record> read_records(const std::string& path) {
  std::vector<Record> records;
  for (auto& f : read_csv(path, 5)) records.push_back({f[0], f[1], f[2], f[4]});
  return records;
}

// --- Similarity

using Vector = std::map<std::string, double>;

std::set<std::string> words_of(const std::string& text) {
  std::set<std::string> words;
  std::string word;
  for (const char c : text + ' ') {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0 || (c & 0x80) != 0) {
      word += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    } else if (word.size() > 1) {
      words.insert(std::exchange(word, {}));
    } else {
      word.clear();
    }
  }
  return words;
}

// Words weighed by log(records / records with the word), of length 1.
std::vector<Vector> tf_idf(const std::vector<std::string>& texts) {
  std::map<std::string, double> counts;
  std::vector<Vector> vectors;
  for (const std::string& text : texts) {
    for (const std::string& word : words_of(text)) ++counts[word];
  }
  for (const std::string& text : texts) {
    Vector vector;
    double squared = 0;
    for (const std::string& word : words_of(text)) {
      const double weight = std::log(static_cast<double>(texts.size()) / counts[word]);
      vector[word] = weight;
      squared += weight * weight;
    }
    for (auto& [word, weight] : vector) weight /= std::sqrt(std::max(squared, 1e-9));
    vectors.push_back(std::move(vector));
  }
  return vectors;
}

double cosine(const Vector& a, const Vector& b) {
  double sum = 0;
  for (const auto& [word, weight] : a) {
    if (const auto found = b.find(word); found != b.end()) sum += weight * found->second;
  }
  return sum;
}

// --- The graph

constexpr std::size_t kFields = 3;
constexpr double kFieldWeights[kFields] = {4, 2, 1};  // title, authors, year
constexpr double kTie = 10;                           // between the mentions of a record
constexpr double kNone = 0.6;                         // as similar as an entity must be
constexpr double kCandidate = 0.4;                    // cosine of titles

struct Candidate {
  std::size_t entity;
  double similarity[kFields];
};

struct Graph {
  std::vector<std::vector<Candidate>> candidates;  // of each record with mentions
  std::vector<std::size_t> label;                  // of each entity in its component
  std::size_t labels = 0;                          // the most of any component, and none
};

std::vector<std::vector<Candidate>> candidates_of(const std::vector<Record>& entities,
                                                  const std::vector<Record>& mentions) {
  std::vector<std::string> titles, authors;
  for (const auto* records : {&entities, &mentions}) {
    for (const Record& record : *records) {
      titles.push_back(record.title);
      authors.push_back(record.authors);
    }
  }
  const std::vector<Vector> title = tf_idf(titles), author = tf_idf(authors);
  std::unordered_map<std::string, std::vector<std::size_t>> holders;
  for (std::size_t e = 0; e < entities.size(); ++e) {
    for (const auto& [word, weight] : title[e]) holders[word].push_back(e);
  }
  std::vector<std::vector<Candidate>> all;
  for (std::size_t m = 0; m < mentions.size(); ++m) {
    const std::size_t own = entities.size() + m;
    std::map<std::size_t, double> cosines;
    for (const auto& [word, weight] : title[own]) {
      for (const std::size_t e : holders[word]) cosines[e] += weight * title[e].at(word);
    }
    all.emplace_back();
    for (const auto& [e, similarity] : cosines) {
      if (similarity < kCandidate) continue;
      const double year = entities[e].year == mentions[m].year ? 1 : 0;
      all.back().push_back({e, {similarity, cosine(author[e], author[own]), year}});
    }
  }
  return all;
}

// Numbers the entities of each component.
Graph graph_of(std::vector<std::vector<Candidate>> candidates, std::size_t entities) {
  std::vector<std::size_t> parent(entities);
  std::iota(parent.begin(), parent.end(), std::size_t{0});
  const auto root = [&](std::size_t e) {
    while (parent[e] != e) e = parent[e] = parent[parent[e]];
    return e;
  };
  for (const auto& some : candidates) {
    for (const Candidate& candidate : some) parent[root(candidate.entity)] = root(some.front().entity);
  }
  std::vector<std::size_t> sizes(entities, 0);
  Graph graph{std::move(candidates), {}, 0};
  for (std::size_t e = 0; e < entities; ++e) graph.label.push_back(sizes[root(e)]++);
  graph.labels = 1 + *std::max_element(sizes.begin(), sizes.end());
  return graph;
}

// Node kFields m + f is field f of record m. Calls terminal(node, label, weight) and tie(node, other) for each edge.
template <class Terminal, class Tie>
void for_each_edge(const Graph& graph, Terminal&& terminal, Tie&& tie) {
  for (std::size_t m = 0; m < graph.candidates.size(); ++m) {
    for (std::size_t f = 0; f < kFields; ++f) {
      const std::size_t node = m * kFields + f;
      terminal(node, graph.labels - 1, kFieldWeights[f] * kNone);
      for (const Candidate& candidate : graph.candidates[m])
        terminal(node, graph.label[candidate.entity], kFieldWeights[f] * candidate.similarity[f]);
      for (std::size_t g = f + 1; g < kFields; ++g) tie(node, m * kFields + g);
    }
  }
}

// An edge to a terminal that is not the label is cut.
sounder::CutProblem problem_of(const Graph& graph) {
  sounder::CutBuilder builder(graph.candidates.size() * kFields, graph.labels);
  for_each_edge(
      graph,
      [&](std::size_t node, std::size_t label, double weight) { builder.add_cost(node, label, -weight); },
      [&](std::size_t node, std::size_t other) {
        builder.add_edge({static_cast<std::uint32_t>(node), static_cast<std::uint32_t>(other), kTie, kTie});
      });
  return std::move(builder).finish();
}

// The same for `sounder cut`: DIMACS, terminals behind the nodes, all of them counted from 1.
void write_network(const Graph& graph, const char* path) {
  const std::size_t nodes = graph.candidates.size() * kFields;
  std::string arcs;
  std::size_t count = 0;
  const auto add = [&](std::size_t from, std::size_t to, double capacity) {
    arcs += "a " + std::to_string(from + 1) + ' ' + std::to_string(to + 1) + ' ' + std::to_string(capacity) +
            '\n';
    ++count;
  };
  for_each_edge(
      graph, [&](std::size_t node, std::size_t label, double weight) { add(nodes + label, node, weight); },
      [&](std::size_t node, std::size_t other) { add(node, other, kTie); });
  std::ofstream out(path);
  out << "p max " << nodes + graph.labels << ' ' << count << '\n';
  for (std::size_t k = 0; k < graph.labels; ++k) out << "n " << nodes + k + 1 << ' ' << k + 1 << '\n';
  out << arcs;
  if (!out.flush()) throw std::runtime_error(std::string("cannot write ") + path);
}

using Pairs = std::set<std::pair<std::string, std::string>>;

Pairs pairs_of(const Graph& graph, const sounder::Cut& cut, const std::vector<Record>& entities,
               const std::vector<Record>& mentions) {
  Pairs pairs;
  for (std::size_t m = 0; m < mentions.size(); ++m) {
    for (const Candidate& candidate : graph.candidates[m]) {
      if (graph.label[candidate.entity] == cut.labels[m * kFields])
        pairs.emplace(entities[candidate.entity].id, mentions[m].id);
    }
  }
  return pairs;
}

void run(char** arguments, const char* network) {
  const std::vector<Record> entities = read_records(arguments[1]);
  const std::vector<Record> mentions = read_records(arguments[2]);
  Pairs truth;
  for (auto& f : read_csv(arguments[3], 2)) truth.emplace(f[0], f[1]);
  const Graph graph = graph_of(candidates_of(entities, mentions), entities.size());
  if (network != nullptr) write_network(graph, network);
  const sounder::CutProblem problem = problem_of(graph);
  const sounder::Cut cut = sounder::minimum_cut(problem);
  const Pairs found = pairs_of(graph, cut, entities, mentions);
  const auto right = static_cast<double>(
      std::count_if(found.begin(), found.end(), [&](const auto& pair) { return truth.contains(pair); }));
  const double precision = right / static_cast<double>(found.size());
  const double recall = right / static_cast<double>(truth.size());
  std::printf("%zu mentions, %zu labels, %zu edges: cut within %.3g %% of the minimum, %d epochs, %.2f s\n",
              problem.nodes(), problem.labels(), problem.edges.rows(), 100 * cut.gap, cut.report.epochs,
              cut.seconds);
  std::printf("%zu pairs: precision %.4f, recall %.4f, F1 %.4f\n", found.size(), precision, recall,
              2 * precision * recall / (precision + recall));
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc < 4 || argc > 5)
    throw std::runtime_error("usage: entity_resolution ENTITIES.csv MENTIONS.csv TRUTH.csv [NETWORK.max]");
  run(argv, argc == 5 ? argv[4] : nullptr);
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "entity_resolution: %s\n", error.what());
  return 2;
}
