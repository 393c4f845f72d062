#include "io/sample_weights.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>
#include <vector>

#include "io/counted.h"
#include "io/error.h"
#include "io/lines.h"
#include "io/scanner.h"

namespace sounder {
namespace {

constexpr std::size_t kShown = 10;

double weight_of(const Dataset& data, std::size_t row) {
  return data.weighted() ? double{data.weights()[row]} : 1.0;
}

// What the samples of each label weigh in all.
std::map<float, double> weigh(const Dataset& data) {
  std::map<float, double> weighs;
  for (std::size_t i = 0; i < data.rows(); ++i) weighs[data.labels()[i]] += weight_of(data, i);
  return weighs;
}

using Factors = std::map<float, double>;

// So that all classes have the same share of what all samples weigh.
Factors balanced(const std::map<float, double>& weighs) {
  double all = 0;
  for (const auto& [label, weight] : weighs) all += weight;
  Factors factors;
  for (const auto& [label, weight] : weighs)
    factors[label] = weight > 0 ? all / (static_cast<double>(weighs.size()) * weight) : 1;
  return factors;
}

[[noreturn]] void refuse_label(double label, const std::map<float, double>& known, const std::string& name) {
  std::vector<float> shown;
  for (auto at = known.begin(); at != known.end() && shown.size() < kShown; ++at) shown.push_back(at->first);
  throw InputError({name}, fmt::format("found no class {} to weigh, expected one of {}{}", label,
                                       fmt::join(shown, ", "), known.size() > kShown ? ", ..." : ""));
}

Factors as_given(const ClassWeights& how, const std::map<float, double>& weighs, const std::string& name) {
  Factors factors;
  for (const auto& [label, weight] : weighs) factors[label] = 1;
  for (const auto& [label, weight] : how.of) {
    if (!(weight > 0 && std::isfinite(weight)))
      throw InputError({name},
                       fmt::format("the class {} has weight {}, expected one above 0", label, weight));
    const auto at = factors.find(static_cast<float>(label));
    if (at == factors.end()) refuse_label(label, weighs, name);
    at->second = weight;
  }
  return factors;
}

// Of a sample that weighs so much before.
float weighed(double weight, double factor, float label, const std::string& name) {
  const auto product = static_cast<float>(weight * factor);
  if (std::isfinite(product) && (product > 0) == (weight > 0)) return product;
  throw InputError({name},
                   fmt::format("found a weight of {:g} for a sample of the class {}, expected one within the "
                               "range of float",
                               weight * factor, label));
}

}  // namespace

std::string describe(const ClassWeights& how) {
  if (how.balanced) return "balanced";
  std::string text;
  for (const auto& [label, weight] : how.of)
    text.append(text.empty() ? "" : ",").append(fmt::format("{}:{}", label, weight));
  return text;
}

Dataset weigh_classes(const Dataset& data, const ClassWeights& how, const std::string& name) {
  if (how.balanced && !how.of.empty())
    throw InputError({name},
                     "classes are to be balanced and have weights of their own, expected one of the two");
  const std::map<float, double> weighs = weigh(data);
  const Factors factors = how.balanced ? balanced(weighs) : as_given(how, weighs, name);
  std::vector<float> weights(data.rows());
  for (std::size_t i = 0; i < data.rows(); ++i) {
    const float label = data.labels()[i];
    weights[i] = weighed(weight_of(data, i), factors.at(label), label, name);
  }
  return data.with_weights(std::move(weights));
}

std::vector<float> read_weights(const std::string& path, std::size_t samples) {
  std::vector<float> weights;
  std::size_t line = 0;
  for (const std::string& text : read_lines(path)) {
    ++line;
    Scanner scan(text);
    scan.skip_blanks();
    if (scan.done()) continue;
    weights.push_back(scan.real());
    scan.skip_blanks();
    if (!(weights.back() >= 0 && std::isfinite(weights.back()) && scan.done()))
      throw InputError(
          {path, line},
          fmt::format("found {}, expected a weight, a number >= 0 within the range of float", quoted(text)));
  }
  if (weights.size() != samples)
    throw InputError({path}, fmt::format("found {}, expected one for each of {}",
                                         counted(weights.size(), "weight"), counted(samples, "sample")));
  if (std::ranges::none_of(weights, [](float weight) { return weight > 0; }))
    throw InputError({path}, "found no weight above 0, expected one at least");
  return weights;
}

}  // namespace sounder
