#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "io/docword.h"
#include "io/error.h"
#include "io/idx.h"
#include "io/input.h"
#include "io/json_text.h"
#include "io/libsvm.h"
#include "io/max_flow.h"
#include "io/model_file.h"
#include "io/output.h"
#include "io/ratings.h"
#include "io/stream.h"
#include "objectives/kernels.h"
#include "program/commands.h"

namespace sounder {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kLibsvm = "LIBSVM text";
constexpr std::size_t kLabelsListed = 20;
constexpr std::size_t kWeightsListed = 10;
constexpr double kLengthTolerance = 1e-4;  // of a row that counts as of length 1

// Of `values` and, besides them, as many zeros as make them `count`.
template <class Number>
Json spread(std::vector<Number> values, std::size_t count) {
  if (count == 0) return nullptr;
  std::ranges::sort(values);
  const std::size_t zeros = count - values.size();
  const auto at = [&](std::size_t rank) { return rank < zeros ? Number{0} : values[rank - zeros]; };
  const double sum = std::accumulate(values.begin(), values.end(), 0.0);
  return {{"min", at(0)},
          {"median", at(count / 2)},
          {"mean", sum / static_cast<double>(count)},
          {"max", at(count - 1)}};
}

std::vector<std::uint64_t> row_sizes(const Dataset& data) {
  std::vector<std::uint64_t> sizes(data.rows());
  for (std::size_t i = 0; i < data.rows(); ++i) sizes[i] = data.row(i).support.size();
  return sizes;
}

// How often each is there of those that are. Sorting takes memory for what is there alone, however large the numbers.
std::vector<std::uint64_t> run_lengths(std::vector<Coordinate> numbers) {
  std::ranges::sort(numbers);
  std::vector<std::uint64_t> lengths;
  for (std::size_t k = 0; k < numbers.size(); ++k) {
    if (k == 0 || numbers[k] != numbers[k - 1]) lengths.push_back(0);
    ++lengths.back();
  }
  return lengths;
}

std::vector<double> row_lengths(const Dataset& data) {
  std::vector<double> lengths(data.rows());
  for (std::size_t i = 0; i < data.rows(); ++i) {
    double square = 0;
    for (const double x : data.row(i).values) square += x * x;
    lengths[i] = std::sqrt(square);
  }
  return lengths;
}

Json labels_of(const Dataset& data) {
  std::map<float, std::uint64_t> counts;
  for (const float label : data.labels()) ++counts[label];
  Json json;
  if (counts.size() > kLabelsListed) {
    return {{"distinct", counts.size()}, {"min", counts.begin()->first}, {"max", counts.rbegin()->first}};
  }
  for (const auto& [label, rows] : counts) json[fmt::format("{}", label)] = rows;
  return json;
}

Json describe_rows(const LibsvmFile& file) {
  const Dataset& data = file.data;
  const auto sizes = row_sizes(data);
  const auto degrees = run_lengths({data.indices().begin(), data.indices().end()});
  const auto lengths = row_lengths(data);
  return {{"format", kLibsvm},
          {"rows", data.rows()},
          {"columns", data.dimension()},
          {"index_base", file.index_base},
          {"nonzeros", data.nonzeros()},
          {"nonzeros_per_row", spread(sizes, data.rows())},
          {"empty_rows", std::ranges::count(sizes, 0U)},
          {"nonzeros_per_column", spread(degrees, data.dimension())},
          {"empty_columns", data.dimension() - degrees.size()},
          {"row_length", spread(lengths, data.rows())},
          {"normalized",
           std::ranges::all_of(lengths, [](double x) { return std::fabs(x - 1) < kLengthTolerance; })},
          {"labels", labels_of(data)}};
}

Json describe_ratings(const RatingsFile& file) {
  const Dataset& data = file.data;
  const auto users = static_cast<Coordinate>(file.users.size());
  std::vector<Coordinate> raters;
  std::vector<Coordinate> rated;
  for (const Coordinate i : data.indices()) (i < users ? raters : rated).push_back(i);
  Json json{{"format", "ratings"}, {"header", file.header}};
  if (file.header) json["note"] = fmt::format("or a table: {}", kTables);
  json.update({{"ratings", data.rows()},
               {"users", users},
               {"items", file.items.size()},
               {"duplicates", file.duplicates},
               {"ratings_per_user", spread(run_lengths(std::move(raters)), users)},
               {"ratings_per_item", spread(run_lengths(std::move(rated)), file.items.size())},
               {"values", labels_of(data)}});
  return json;
}

Json describe_docword(const DocwordFile& file) {
  std::vector<Coordinate> documents;
  std::vector<Coordinate> words;
  double tokens = 0;
  for (const Count& count : file.counts) {
    documents.push_back(count.document);
    words.push_back(count.word);
    tokens += count.count;
  }
  const auto used = run_lengths(std::move(words));
  return {{"format", "bag of words"},
          {"documents", file.documents},
          {"words", file.words},
          {"entries", file.counts.size()},
          {"tokens", tokens},
          {"words_per_document", spread(run_lengths(std::move(documents)), file.documents)},
          {"empty_documents", file.empty_documents},
          {"documents_per_word", spread(used, file.words)},
          {"unused_words", file.words - used.size()}};
}

Json describe_images(const IdxImages& images) {
  const std::size_t size = std::size_t{images.rows} * images.cols;
  const auto black = std::ranges::count(images.pixels, std::uint8_t{0});
  const double share = 1 - static_cast<double>(black) / static_cast<double>(images.pixels.size());
  return {{"format", "IDX images"},
          {"images", images.pixels.size() / size},
          {"height", images.rows},
          {"width", images.cols},
          {"nonzero_share", share}};
}

Json describe_network(const FlowNetwork& network) {
  std::vector<Coordinate> ends;
  std::vector<double> capacities;
  for (const Edge& edge : undirected(network)) ends.insert(ends.end(), {edge.u, edge.v});
  for (const Arc& arc : network.arcs) capacities.push_back(arc.capacity);
  return {{"format", "DIMACS max-flow"},
          {"nodes", network.nodes},
          {"arcs", network.arcs.size()},
          {"edges", ends.size() / 2},
          {"terminals", network.terminals.size()},
          {"edges_per_node", spread(run_lengths(std::move(ends)), network.nodes)},
          {"capacity", spread(capacities, capacities.size())}};
}

// By column number as the training data had it and, where a column has several weights, "[label]" of the class or,
// where it has none for each class, "[place in it]" from 0.
Json largest_weights(const Model& model) {
  std::vector<std::size_t> order(model.weights.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const std::size_t shown = std::min(kWeightsListed, order.size());
  std::ranges::partial_sort(order, order.begin() + static_cast<std::ptrdiff_t>(shown), std::ranges::greater(),
                            [&](std::size_t i) { return std::fabs(model.weights[i]); });
  Json json = Json::object();
  for (const std::size_t i : std::span(order).first(shown)) {
    const std::string column = std::to_string(i / model.width + model.index_base);
    const std::size_t place = i % model.width;
    const std::string of = model.labels.classes.size() == model.width
                               ? fmt::format("{}", model.labels.classes[place])
                               : std::to_string(place);
    json[model.width == 1 ? column : fmt::format("{}[{}]", column, of)] = model.weights[i];
  }
  return json;
}

void put_labels(Json& json, const LabelEncoding& labels, const LabelRule& rule) {
  if (labels.binary()) json["labels"] = {{"negative", labels.negative}, {"positive", labels.positive}};
  if (!labels.classes.empty()) json["labels"] = labels.classes;
  if (rule.positive_above) json["positive_above"] = *rule.positive_above;
  if (rule.positive_class) json["positive_class"] = *rule.positive_class;
}

Json describe_model(const Model& model) {
  const auto zeros = static_cast<std::size_t>(std::ranges::count(model.weights, 0.0F));
  Json json{{"format", "model"}, {"objective", model.objective}};
  for (const auto& [name, value] : model.parameters) json[name] = value;
  json.update({{"dimension", model.dimension}, {"width", model.width}, {"index_base", model.index_base}});
  json.update({{"nonzero_weights", model.weights.size() - zeros}, {"l2", model.l2}, {"rows", model.rows}});
  json["normalize"] = model.normalize;
  put_labels(json, model.labels, model.label_rule);
  for (const auto& part : model.names) json["names"].push_back(part.size());
  if (!model.bias.empty()) json["bias"] = model.bias;
  if (model.names.empty()) json["largest_weights"] = largest_weights(model);
  return json;
}

Json describe_blocks(const BlockFile& file) {
  const BlockFileShape& shape = file.shape();
  Json json = {{"format", "blocks"}, {"bytes", file.bytes()}, {"blocks", file.blocks()}};
  json.update({{"block_rows", shape.block_rows}, {"rows", shape.rows}, {"columns", shape.dimension}});
  json.update({{"nonzeros", shape.nonzeros}, {"index_base", shape.index_base}});
  json.update({{"normalize", shape.normalize}, {"bias", shape.bias}});
  json.update({{"reweight", shape.planes.reweight}, {"state", shape.planes.state}});
  json["average"] = shape.planes.average;
  put_labels(json, shape.encoding, shape.label_rule);
  return json;
}

Json named(int id) {
  return id < 0 ? Json("any") : Json(id);
}

Json describe_groups(const char* name, const std::vector<Machine::Group>& groups) {
  Json json;
  for (const auto& [id, threads] : groups) json.push_back({{name, named(id)}, {"threads", threads}});
  return json;
}

// What training would do with these flags.
Json describe_use(const Options& options) {
  const Arena arena(options);
  Json json{{"threads", arena.threads()}};
  for (std::size_t node = 0; node < arena.nodes(); ++node)
    json["arenas"].push_back({{"node", named(arena.numa_node(node))}, {"threads", arena.threads(node)}});
  const bool several = arena.nodes() > 1;
  json["blocks"] =
      several ? "each on the node that trains it, by first touch" : "where the worker runs that builds them";
  json["parameters"] =
      several ? "page by page on the nodes in turn, by first touch" : "where the thread runs that calls";
  return json;
}

Json describe_machine(const Options& options) {
  const Machine machine = this_machine();
  Json json{{"usable_threads", machine.usable},
            {"affinity_threads", machine.affinity},
            {"cgroup_quota", machine.quota ? Json(*machine.quota) : Json("none")},
            {"cores", machine.cores},
            {"numa_nodes", describe_groups("node", machine.nodes)},
            {"core_types", describe_groups("type", machine.core_types)}};
  for (const auto& [name, size, cpus] : machine.caches)
    json["caches"].push_back({{"cache", name}, {"size", size}, {"cpus", cpus}});
  json.update({{"onetbb", machine.tbb}, {"kernels", kernel_target()}, {"use", describe_use(options)}});
  return json;
}

void require_as_it_lies(const char* what, std::string_view beginning, const std::string& name) {
  if (!begins_with(name, beginning))
    throw InputError({name}, fmt::format("{} are read by name and not compressed", what));
}

// Told apart by how they begin. Rows are read a piece at a time, as for training, so that text without line ends is refused
// before all of it is in memory.
Json describe_stream(Stream stream, const InfoFlags& flags) {
  constexpr std::size_t kBeginning = std::size_t{1} << 20;
  const std::string& name = flags.file;
  const std::string beginning(stream.ahead(kBeginning));
  const auto input = [&] { return Input(std::move(stream)); };
  if (is_model_file(beginning)) {
    require_as_it_lies("models", kModelFileMagic, name);
    return describe_model(load_model(name));
  }
  if (is_block_file(beginning)) {
    require_as_it_lies("block files", kBlockFileMagic, name);
    return describe_blocks(BlockFile(name, 0));
  }
  if (is_idx_images(beginning)) return describe_images(parse_idx_images(input().bytes(), name));
  if (is_max_flow(beginning)) return describe_network(parse_max_flow(input().bytes(), name));
  if (is_docword(beginning)) return describe_docword(parse_docword(input().bytes(), name));
  if (is_ratings(beginning)) return describe_ratings(parse_ratings(input().bytes(), name));
  Arena arena(flags.options);
  try {
    return describe_rows(read_libsvm(stream, name, {.index_base = flags.index_base}, parallel_on(arena)));
  } catch (const InputError& error) {
    throw InputError(error.what() + other_kind(beginning));
  }
}

Json describe_file(const InfoFlags& flags) {
  Json json = describe_stream(Stream(flags.file), flags);
  if (flags.index_base && json["format"] != kLibsvm)
    throw InputError({flags.file},
                     "--index-base is for LIBSVM text, found " + json["format"].get<std::string>());
  return json;
}

std::string shown(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
  if (value.is_number_float()) {
    const auto number = value.get<double>();
    const bool whole = number == std::floor(number) && std::fabs(number) < 1e15;
    return fmt::format(fmt::runtime(whole ? "{:.0f}" : "{:.6g}"), number);
  }
  std::string text;
  if (value.is_array())
    for (const Json& part : value) text += (text.empty() ? "" : "; ") + shown(part);
  if (!value.is_object()) return value.is_array() ? text : value.dump();
  for (const auto& [key, part] : value.items())
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", key, shown(part));
  return text;
}

}  // namespace

int run(const InfoFlags& flags, Interrupts& interrupts) {
  Json json = Json::object();
  if (flags.machine) json.update(describe_machine(flags.options));
  if (!flags.file.empty()) json.update(describe_file(flags));
  const Interrupts::Hold hold(interrupts);
  if (!flags.weights.empty()) write_weights(load_model(flags.file), flags.weights);
  if (!flags.json.empty()) write_file(flags.json, json_text(json));
  if (flags.json == kStandardOutput || flags.weights == kStandardOutput) return interrupts.exit_code();
  std::string text;
  for (const auto& [key, value] : json.items()) text += fmt::format("{:<20} {}\n", key, shown(value));
  say(text);
  return interrupts.exit_code();
}

}  // namespace sounder
