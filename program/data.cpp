#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>
#include <ostream>
#include <span>
#include <streambuf>
#include <string>
#include <utility>
#include <vector>

#include "io/error.h"
#include "io/input.h"
#include "io/libsvm.h"
#include "io/model_file.h"
#include "io/output.h"
#include "objectives/kernels.h"
#include "program/commands.h"

namespace sounder {
namespace {

using Json = nlohmann::ordered_json;

// --- generate

struct Interrupted {};

// An OutputFile as a stream buffer; its errors come out of a stream that lets exceptions(badbit) through.
class OutputBuffer final : public std::streambuf {
 public:
  OutputBuffer(OutputFile& file, const Interrupts& interrupts) : file_(file), interrupts_(interrupts) {}

 protected:
  std::streamsize xsputn(const char* bytes, std::streamsize count) override {
    pending_.append(bytes, static_cast<std::size_t>(count));
    if (pending_.size() >= kChunk) sync();
    return count;
  }
  int_type overflow(int_type byte) override {
    pending_ += traits_type::to_char_type(byte);
    return byte;
  }
  int sync() override {
    if (interrupts_.requested()) throw Interrupted();
    file_.write(std::exchange(pending_, {}));
    return 0;
  }

 private:
  static constexpr std::size_t kChunk = std::size_t{1} << 16;

  OutputFile& file_;
  const Interrupts& interrupts_;
  std::string pending_;
};

// --- info

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

// In how many rows each column is that is in one. Sorting takes memory for the non-zeros alone, whatever the
// dimension.
std::vector<std::uint64_t> column_degrees(const Dataset& data) {
  std::vector<Coordinate> columns(data.indices().begin(), data.indices().end());
  std::ranges::sort(columns);
  std::vector<std::uint64_t> degrees;
  for (std::size_t k = 0; k < columns.size(); ++k) {
    if (k == 0 || columns[k] != columns[k - 1]) degrees.push_back(0);
    ++degrees.back();
  }
  return degrees;
}

std::vector<double> row_lengths(const Dataset& data) {
  std::vector<double> lengths(data.rows());
  for (std::size_t i = 0; i < data.rows(); ++i) {
    const auto values = data.row(i).values;
    lengths[i] = std::sqrt(std::inner_product(values.begin(), values.end(), values.begin(), 0.0));
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

Json describe_data(const LibsvmFile& file) {
  const Dataset& data = file.data;
  const auto sizes = row_sizes(data);
  const auto degrees = column_degrees(data);
  const auto lengths = row_lengths(data);
  return {{"rows", data.rows()},
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

// By column number as the training data had it.
Json largest_weights(const Model& model) {
  std::vector<std::size_t> order(model.weights.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const std::size_t shown = std::min(kWeightsListed, order.size());
  std::ranges::partial_sort(order, order.begin() + static_cast<std::ptrdiff_t>(shown), std::ranges::greater(),
                            [&](std::size_t i) { return std::fabs(model.weights[i]); });
  Json json = Json::object();
  for (const std::size_t i : std::span(order).first(shown)) {
    json[std::to_string(i / model.width + model.index_base)] = model.weights[i];
  }
  return json;
}

Json describe_model(const Model& model) {
  const auto zeros = static_cast<std::size_t>(std::ranges::count(model.weights, 0.0F));
  Json json{{"objective", model.objective}};
  for (const auto& [name, value] : model.parameters) json[name] = value;
  json.update({{"dimension", model.dimension}, {"width", model.width}, {"index_base", model.index_base}});
  json.update({{"nonzero_weights", model.weights.size() - zeros}, {"l2", model.l2}, {"rows", model.rows}});
  json["normalize"] = model.normalize;
  if (model.labels.binary())
    json["labels"] = {{"negative", model.labels.negative}, {"positive", model.labels.positive}};
  if (model.label_rule.positive_above) json["positive_above"] = *model.label_rule.positive_above;
  if (model.label_rule.positive_class) json["positive_class"] = *model.label_rule.positive_class;
  if (!model.bias.empty()) json["bias"] = model.bias;
  json["largest_weights"] = largest_weights(model);
  return json;
}

Json describe_file(const InfoFlags& flags) {
  const Input input(flags.file);
  if (input.bytes().starts_with("sounder model ")) return describe_model(load_model(flags.file));
  Arena arena(flags.options);
  return describe_data(
      parse_libsvm(input.bytes(), flags.file, {.index_base = flags.index_base}, parallel_on(arena)));
}

std::string shown(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
  if (value.is_number_float()) return fmt::format("{:.6g}", value.get<double>());
  if (!value.is_object()) return value.dump();
  std::string text;
  for (const auto& [key, part] : value.items())
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", key, shown(part));
  return text;
}

}  // namespace

int run(const GenerateFlags& flags, Interrupts& interrupts) try {
  const Dataset data = generate(flags.options);
  const Interrupts::Hold hold(interrupts);
  OutputFile file(flags.output);
  OutputBuffer buffer(file, interrupts);
  std::ostream stream(&buffer);
  stream.exceptions(std::ios::badbit);
  write_libsvm(data, stream, flags.index_base);
  stream.flush();
  file.commit();
  return interrupts.exit_code();
} catch (const Interrupted&) {
  return interrupts.exit_code();
}

int run(const InfoFlags& flags, Interrupts&) {
  Json json = Json::object();
  if (flags.machine) json.update({{"usable_threads", usable_threads()}, {"kernels", kernel_target()}});
  if (!flags.file.empty()) json.update(describe_file(flags));
  if (!flags.json.empty()) write_file(flags.json, json.dump(2) + '\n');
  if (flags.json == kStandardOutput) return 0;
  std::string text;
  for (const auto& [key, value] : json.items()) text += fmt::format("{:<20} {}\n", key, shown(value));
  say(text);
  return 0;
}

}  // namespace sounder
