#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "io/error.h"
#include "io/ids.h"
#include "io/json_text.h"
#include "io/model_file.h"
#include "io/output.h"
#include "io/scanner.h"
#include "objectives/catalogue.h"
#include "objectives/model_objective.h"
#include "program/commands.h"

namespace sounder {
namespace {

using Json = nlohmann::ordered_json;

struct Neighbour {
  std::uint32_t word;
  float cosine;
};

// The vectors of a model, and them scaled to length 1.
class WordVectors {
 public:
  explicit WordVectors(const Model& model);

  std::span<const float> unit(std::size_t word) const { return row(units_, word); }
  std::span<const float> vector(std::size_t word) const { return row(model_.weights, word); }
  std::vector<Neighbour> nearest(std::uint32_t word, std::size_t top) const;

 private:
  std::span<const float> row(std::span<const float> rows, std::size_t word) const {
    return rows.subspan(word * model_.width, model_.width);
  }

  const Model& model_;
  std::vector<float> units_;
};

float product(std::span<const float> a, std::span<const float> b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0F);
}

WordVectors::WordVectors(const Model& model) : model_(model), units_(model.weights) {
  for (std::size_t word = 0; word < model.dimension; ++word) {
    const std::span unit = std::span(units_).subspan(word * model.width, model.width);
    const float length = std::sqrt(product(unit, unit));
    for (float& x : unit) x /= length > 0 ? length : 1;
  }
}

std::vector<Neighbour> WordVectors::nearest(std::uint32_t word, std::size_t top) const {
  std::vector<Neighbour> all;
  for (std::uint32_t other = 0; other < model_.dimension; ++other)
    if (other != word) all.push_back({other, product(unit(word), unit(other))});
  const std::size_t count = std::min(top, all.size());
  std::ranges::partial_sort(all, all.begin() + static_cast<std::ptrdiff_t>(count), std::ranges::greater(),
                            &Neighbour::cosine);
  all.resize(count);
  return all;
}

Model load_words(const std::string& path) {
  Model model = load_model(path);
  objective_of(model, path);
  if (catalogue_row(model.objective).format == SampleFormat::kText && model.names.size() == 1) return model;
  throw InputError(
      {path}, fmt::format("found a model of {}, expected one of words (word_embedding)", model.objective));
}

std::vector<std::uint32_t> numbers_of(const std::vector<std::string>& words, const Model& model,
                                      const std::string& path) {
  const Ids ids(model.names[0]);
  std::vector<std::uint32_t> numbers;
  for (const std::string& word : words) {
    const std::optional<std::uint32_t> number = ids.find(word);
    if (!number)
      throw InputError({path}, fmt::format("no word {}, expected one of its {}, in lower case",
                                           sounder::quoted(word), model.dimension));
    numbers.push_back(*number);
  }
  return numbers;
}

// As word2vec writes text: how many words and numbers there are, then a word and its numbers a line.
void export_vectors(const Model& model, const WordVectors& vectors, const std::string& path) {
  std::string text = fmt::format("{} {}\n", model.dimension, model.width);
  for (std::size_t word = 0; word < model.dimension; ++word) {
    text += model.names[0][word];
    for (const float x : vectors.vector(word)) text += fmt::format(" {}", x);
    text += '\n';
  }
  write_file(path, text);
}

Json to_json(const std::vector<Neighbour>& neighbours, const std::vector<std::string>& names) {
  Json json = Json::array();
  for (const Neighbour& near : neighbours)
    json.push_back({{"word", names[near.word]}, {"cosine", near.cosine}});
  return json;
}

std::string to_text(const std::string& word, const std::vector<Neighbour>& neighbours,
                    const std::vector<std::string>& names) {
  std::string text = word + '\n';
  for (const Neighbour& near : neighbours)
    text += fmt::format("  {:.3f}  {}\n", near.cosine, names[near.word]);
  return text;
}

}  // namespace

int run(const SimilarFlags& flags, Interrupts& interrupts) {
  const Model model = load_words(flags.model);
  const std::vector<std::string>& names = model.names[0];
  const std::vector<std::uint32_t> words = numbers_of(flags.words, model, flags.model);
  const WordVectors vectors(model);
  const Interrupts::Hold hold(interrupts);
  if (!flags.vectors.empty()) export_vectors(model, vectors, flags.vectors);
  Json json = Json::object();
  std::string text;
  for (const std::uint32_t word : words) {
    const std::vector<Neighbour> neighbours = vectors.nearest(word, flags.top);
    json[names[word]] = to_json(neighbours, names);
    text += to_text(names[word], neighbours, names);
  }
  if (!flags.json.empty()) write_file(flags.json, json_text(json));
  if (flags.json != kStandardOutput && flags.vectors != kStandardOutput) say(text);
  return interrupts.exit_code();
}

}  // namespace sounder
