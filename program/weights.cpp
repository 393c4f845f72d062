#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <span>
#include <string>
#include <string_view>

#include "io/output.h"
#include "objectives/catalogue.h"
#include "program/commands.h"

namespace sounder {
namespace {

constexpr std::size_t kBuffer = std::size_t{1} << 16;

// What the parts of a model's names are, of two.
std::array<const char*, 2> kinds_of(const Model& model) {
  const auto row = std::ranges::find(catalogue(), model.objective, &CatalogueRow::name);
  const bool words = row != catalogue().end() && row->format == SampleFormat::kDocword;
  return words ? std::array{"document", "word"} : std::array{"user", "item"};
}

// What a coordinate is called: its name, of two kinds with the kind before it, or its number in the training file.
std::string name_of(const Model& model, std::size_t coordinate) {
  if (model.names.empty()) return std::to_string(coordinate + model.index_base);
  const auto& first = model.names[0];
  if (model.names.size() == 1) return in_one_column(first[coordinate]);
  const bool second = coordinate >= first.size();
  const std::string& name = second ? model.names[1][coordinate - first.size()] : first[coordinate];
  return fmt::format("{}\t{}", kinds_of(model)[second ? 1 : 0], in_one_column(name));
}

// Without what pads factors: of these there are `rank`, and a bias behind them, if there is one.
std::vector<float> shown_weights(const Model& model, std::size_t coordinate) {
  const auto all = std::span(model.weights).subspan(coordinate * model.width, model.width);
  std::vector<float> weights(all.begin(), all.end());
  const auto rank = model.parameters.find("rank");
  if (rank == model.parameters.end()) return weights;
  const int bias = parameter_or(model.parameters, "biases", 0) == 1 ? 1 : 0;
  if (!(rank->second >= 1 && rank->second + bias <= static_cast<double>(model.width))) return weights;
  weights.erase(weights.begin() + static_cast<std::ptrdiff_t>(rank->second), weights.end() - bias);
  return weights;
}

}  // namespace

std::string in_one_column(std::string text) {
  for (std::size_t tab = 0; (tab = text.find('\t', tab)) != text.npos;) text.replace(tab, 1, "\\t");
  return text;
}

void write_weights(const Model& model, const std::string& path) {
  OutputFile file(path);
  std::string text;
  const auto line = [&](std::string_view what, std::span<const float> weights) {
    fmt::format_to(std::back_inserter(text), "{}\t{}\n", what, fmt::join(weights, "\t"));
    if (text.size() < kBuffer) return;
    file.write(text);
    text.clear();
  };
  for (std::size_t i = 0; i < model.dimension; ++i) {
    const std::vector<float> weights = shown_weights(model, i);
    if (std::ranges::any_of(weights, [](float weight) { return weight != 0; }))
      line(name_of(model, i), weights);
  }
  for (std::size_t begin = 0; begin < model.bias.size(); begin += model.width)
    line("bias", std::span(model.bias).subspan(begin, model.width));
  file.write(text);
  file.commit();
}

}  // namespace sounder
