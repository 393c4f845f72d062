#include "io/sample_weights.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "io/counted.h"
#include "io/error.h"
#include "io/lines.h"
#include "io/scanner.h"

namespace sounder {
namespace {

constexpr std::size_t kShown = 10;

// Encoded labels as numbers 0, 1, 2, ... of classes.
class Classes {
 public:
  explicit Classes(const LabelEncoding& encoding)
      : two_(encoding.classes.empty()),
        labels_(two_ ? std::vector{encoding.negative, encoding.positive} : encoding.classes) {}

  std::size_t count() const { return labels_.size(); }
  std::size_t number(float code) const {
    return two_ ? static_cast<std::size_t>(code > 0) : static_cast<std::size_t>(code);
  }
  std::size_t number_of_label(double label, const std::string& name) const {
    const auto at = std::ranges::find(labels_, static_cast<float>(label));
    if (at != labels_.end()) return static_cast<std::size_t>(at - labels_.begin());
    throw InputError(
        {name},
        fmt::format("found no class {} to weigh, expected one of {}{}", label,
                    fmt::join(labels_.begin(), labels_.begin() + std::min(kShown, std::size(labels_)), ", "),
                    count() > kShown ? ", ..." : ""));
  }

 private:
  bool two_;
  std::vector<float> labels_;
};

// So that all classes have the same share of what all samples weigh.
std::vector<double> balanced(const Dataset& data, const Classes& classes) {
  std::vector<double> weighs(classes.count());
  for (std::size_t i = 0; i < data.rows(); ++i)
    weighs[classes.number(data.labels()[i])] += data.weighted() ? double{data.weights()[i]} : 1.0;
  double all = 0;
  for (const double weight : weighs) all += weight;
  std::vector<double> factors;
  for (const double weight : weighs)
    factors.push_back(weight > 0 ? all / (static_cast<double>(classes.count()) * weight) : 1);
  return factors;
}

std::vector<double> as_given(const ClassWeights& how, const Classes& classes, const std::string& name) {
  std::vector<double> factors(classes.count(), 1.0);
  for (const auto& [label, weight] : how.of) {
    if (!(weight > 0 && std::isfinite(weight)))
      throw InputError({name},
                       fmt::format("the class {} has weight {}, expected one above 0", label, weight));
    factors[classes.number_of_label(label, name)] = weight;
  }
  return factors;
}

}  // namespace

std::string describe(const ClassWeights& how) {
  if (how.balanced) return "balanced";
  std::string text;
  for (const auto& [label, weight] : how.of)
    text.append(text.empty() ? "" : ",").append(fmt::format("{}:{}", label, weight));
  return text;
}

Dataset weigh_classes(const Dataset& data, const LabelEncoding& encoding, const ClassWeights& how,
                      const std::string& name) {
  const Classes classes(encoding);
  const std::vector<double> factors = how.balanced ? balanced(data, classes) : as_given(how, classes, name);
  std::vector<float> weights(data.rows());
  for (std::size_t i = 0; i < data.rows(); ++i)
    weights[i] = static_cast<float>(factors[classes.number(data.labels()[i])] *
                                    (data.weighted() ? double{data.weights()[i]} : 1.0));
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
      throw InputError({path, line}, fmt::format("found {}, expected a weight, a number >= 0", quoted(text)));
  }
  if (weights.size() != samples)
    throw InputError({path}, fmt::format("found {}, expected one for each of {}",
                                         counted(weights.size(), "weight"), counted(samples, "sample")));
  if (std::ranges::none_of(weights, [](float weight) { return weight > 0; }))
    throw InputError({path}, "found no weight above 0, expected one at least");
  return weights;
}

}  // namespace sounder
