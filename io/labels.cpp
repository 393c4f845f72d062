#include "io/labels.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "io/error.h"

namespace sounder {
namespace {

constexpr std::size_t kCounted = 100;  // distinct labels worth counting
constexpr std::size_t kShown = 3;

// The different labels, in order; kCounted + 1 of them mean "more than kCounted".
std::set<float> distinct(std::span<const float> labels) {
  std::set<float> found;
  for (const float label : labels) {
    if (found.size() <= kCounted) found.insert(label);
  }
  return found;
}

std::string describe(const std::set<float>& found) {
  std::string text;
  std::size_t shown = 0;
  for (const float label : found) {
    if (shown == kShown) return text + ", ...";
    text += fmt::format("{}{}", shown++ == 0 ? "" : ", ", label);
  }
  return text;
}

bool is_set(const LabelRule& rule) {
  return rule.positive_above || rule.positive_class;
}

// Labels are read as floats, so what they are compared with is rounded the same way.
bool is_positive(float label, const LabelRule& rule) {
  return rule.positive_class ? label == static_cast<float>(*rule.positive_class)
                             : label > static_cast<float>(*rule.positive_above);
}

std::vector<float> apply(const LabelRule& rule, std::span<const float> labels, const std::string& name) {
  if (rule.positive_above && rule.positive_class) {
    throw InputError({name}, "--positive-class and --positive-above are both given, expected one");
  }
  std::vector<float> signs(labels.size());
  std::ranges::transform(labels, signs.begin(),
                         [&](float label) { return is_positive(label, rule) ? 1.0f : -1.0f; });
  return signs;
}

[[noreturn]] void fail_one_class(const LabelRule& rule, const std::set<float>& found,
                                 const std::string& name) {
  const std::string chosen = rule.positive_class ? fmt::format("--positive-class {}", *rule.positive_class)
                                                 : fmt::format("--positive-above {}", *rule.positive_above);
  throw InputError({name},
                   fmt::format("{} leaves one class only of the labels {}: two-class objectives need two; "
                               "choose another value",
                               chosen, describe(found)));
}

EncodedDataset encode_by_rule(const Dataset& data, const LabelRule& rule, const std::string& name) {
  std::vector<float> signs = apply(rule, data.labels(), name);
  if (std::ranges::count(signs, signs.front()) == std::ssize(signs)) {
    fail_one_class(rule, distinct(data.labels()), name);
  }
  return {data.with_labels(std::move(signs)), {-1, 1}};
}

std::string count(const std::set<float>& found) {
  if (found.size() == 1) return "one label only";
  if (found.size() > kCounted) return fmt::format("more than {} different labels", kCounted);
  return fmt::format("{} different labels", found.size());
}

LabelEncoding two_labels(const std::set<float>& found, const std::string& name) {
  if (found.size() == 2) return {*found.begin(), *found.rbegin()};
  throw InputError({name},
                   fmt::format("{} ({}): two-class objectives need two; choose with --positive-class C or "
                               "--positive-above X",
                               count(found), describe(found)));
}

}  // namespace

EncodedDataset encode_two_classes(const Dataset& data, const LabelRule& rule, const std::string& name) {
  if (data.rows() == 0) throw InputError({name}, "no rows, expected labels of two classes");
  if (is_set(rule)) return encode_by_rule(data, rule, name);
  const LabelEncoding encoding = two_labels(distinct(data.labels()), name);
  return {encode_like(data, encoding, rule, name), encoding};
}

Dataset encode_like(const Dataset& data, const LabelEncoding& encoding, const LabelRule& rule,
                    const std::string& name) {
  if (is_set(rule)) return data.with_labels(apply(rule, data.labels(), name));
  if (!encoding.binary()) return data;
  std::vector<float> signs(data.labels().begin(), data.labels().end());
  for (std::size_t i = 0; i < signs.size(); ++i) {
    const float label = signs[i];
    if (label != encoding.negative && label != encoding.positive) {
      throw InputError(
          {name},
          fmt::format("row {} (counted from 0): the label is {}, expected one of the model's two, {} and {}",
                      i, label, encoding.negative, encoding.positive));
    }
    signs[i] = label == encoding.positive ? 1.0f : -1.0f;
  }
  return data.with_labels(std::move(signs));
}

}  // namespace sounder
