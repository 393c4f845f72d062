#include "io/labels.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "io/error.h"

namespace sounder {
namespace {

constexpr std::size_t kCounted = 100;  // distinct labels worth counting where two are wanted
constexpr std::size_t kMostClasses = 10'000;
constexpr std::size_t kShown = 3;

// Without a branch: which of the two a label is, is a coin toss.
bool is_either(float label, float one, float other) {
  return static_cast<int>(label == one) | static_cast<int>(label == other);
}

// The different labels, increasing; most + 1 of them mean "more than `most`".
std::vector<float> distinct(std::span<const float> labels, std::size_t most) {
  constexpr float kNone = std::numeric_limits<float>::quiet_NaN();
  std::array last{kNone, kNone};
  std::vector<float> found;
  for (const float label : labels) {
    if (is_either(label, last[0], last[1])) continue;
    last = {last[1], label};
    const auto at = std::ranges::lower_bound(found, label);
    if (at != found.end() && *at == label) continue;
    found.insert(at, label);
    if (found.size() > most) break;
  }
  return found;
}

std::string describe(std::span<const float> labels) {
  const std::string shown = fmt::format("{}", fmt::join(labels.first(std::min(labels.size(), kShown)), ", "));
  return labels.size() > kShown ? shown + ", ..." : shown;
}

bool is_set(const LabelRule& rule) {
  return rule.positive_above || rule.positive_class;
}

// Labels are read as floats, so what they are compared with is rounded the same way.
bool is_positive(float label, const LabelRule& rule) {
  return rule.positive_class ? label == static_cast<float>(*rule.positive_class)
                             : label > static_cast<float>(*rule.positive_above);
}

// Whether rounded labels change nothing: where a threshold is compared with, or a class that none is rounded to.
bool bears_rounding(const LabelRule& rule) {
  constexpr double kLeastRounded = 1 << 24;
  return rule.positive_above || (rule.positive_class && std::fabs(*rule.positive_class) < kLeastRounded);
}

void refuse_rounded(const LabelRule& rule, const RowOrigins& origins) {
  if (origins.rounded_class && !bears_rounding(rule)) throw InputError(*origins.rounded_class);
}

void check(const LabelRule& rule, const std::string& name) {
  if (rule.positive_above && rule.positive_class)
    throw InputError({name}, "--positive-class and --positive-above are both given, expected one");
  const double chosen = rule.positive_class.value_or(0);
  const std::string text = fmt::format("{}", chosen);
  const auto label = static_cast<float>(chosen);
  if (is_rounded_class(text, label))
    throw InputError({name}, "--positive-class: " + describe_rounded_class(text, label));
}

std::vector<float> apply(const LabelRule& rule, std::span<const float> labels, const std::string& name) {
  check(rule, name);
  std::vector<float> signs(labels.size());
  std::ranges::transform(labels, signs.begin(),
                         [&](float label) { return is_positive(label, rule) ? 1.0f : -1.0f; });
  return signs;
}

[[noreturn]] void fail_one_class(const LabelRule& rule, std::span<const float> found,
                                 const std::string& name) {
  const std::string chosen = rule.positive_class ? fmt::format("--positive-class {}", *rule.positive_class)
                                                 : fmt::format("--positive-above {}", *rule.positive_above);
  throw InputError({name},
                   fmt::format("{} leaves one class only of the labels {}: two-class objectives need two; "
                               "choose another value",
                               chosen, describe(found)));
}

// What is predicted is read back as the same class: the one chosen, and any other for the rest.
LabelEncoding encoding_by(const LabelRule& rule) {
  const auto positive = static_cast<float>(rule.positive_class.value_or(1));
  return {positive == -1 ? 1.0F : -1.0F, positive};
}

EncodedDataset encode_by_rule(const Dataset& data, const LabelRule& rule, const std::string& name) {
  std::vector<float> signs = apply(rule, data.labels(), name);
  if (std::ranges::count(signs, signs.front()) == std::ssize(signs)) {
    fail_one_class(rule, distinct(data.labels(), kCounted), name);
  }
  return {data.with_labels(std::move(signs)), encoding_by(rule)};
}

// Throws InputError: `found` are not as many as `expected` says.
[[noreturn]] void fail_count(std::span<const float> found, std::size_t most, std::string_view expected,
                             const std::string& name) {
  const std::string count = found.size() == 1     ? "one label only"
                            : found.size() > most ? fmt::format("more than {} different labels", most)
                                                  : fmt::format("{} different labels", found.size());
  throw InputError({name}, fmt::format("{} ({}){}", count, describe(found), expected));
}

// What helps where two-class objectives find so many labels.
std::string mend_for(std::size_t labels) {
  if (labels == 1) return ": two-class training needs samples of both classes";
  return fmt::format(
      ": two-class objectives need two; choose with --positive-class C or --positive-above X, or take "
      "--objective softmax for many classes{}",
      labels > kCounted ? ", or --objective least_squares, if they are quantities" : "");
}

LabelEncoding two_labels(std::span<const float> found, const std::string& name) {
  if (found.size() == 2) return {found[0], found[1]};
  fail_count(found, kCounted, mend_for(found.size()), name);
}

// What code_of(label) says of each label; InputError when that is nothing.
template <class CodeOf>
std::vector<float> translate(std::span<const float> labels, CodeOf&& code_of, std::string_view known,
                             const std::string& name, const RowLines& lines) {
  std::vector<float> codes(labels.size());
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const std::optional<float> code = code_of(labels[i]);
    if (!code)
      refuse_row(name, lines, i,
                 fmt::format("the label is {}, expected one of the model's {}", labels[i], known));
    codes[i] = *code;
  }
  return codes;
}

std::vector<float> ranks(std::span<const float> labels, std::span<const float> classes,
                         const std::string& name, const RowLines& lines) {
  const auto rank = [classes](float label) -> std::optional<float> {
    const auto at = std::ranges::lower_bound(classes, label);
    if (at == classes.end() || *at != label) return std::nullopt;
    return static_cast<float>(at - classes.begin());
  };
  return translate(labels, rank, fmt::format("{} classes ({})", classes.size(), describe(classes)), name,
                   lines);
}

std::vector<float> signs(std::span<const float> labels, float negative, float positive,
                         const std::string& name, const RowLines& lines) {
  const auto sign = [negative, positive](float label) -> std::optional<float> {
    if (!is_either(label, negative, positive)) return std::nullopt;
    return label == positive ? 1.0F : -1.0F;
  };
  return translate(labels, sign, fmt::format("two, {} and {}", negative, positive), name, lines);
}

void require_rows(const Dataset& data, std::string_view expected, const std::string& name) {
  if (data.rows() == 0) throw InputError({name}, fmt::format("no rows, expected {}", expected));
}

}  // namespace

EncodedDataset encode_two_classes(const Dataset& data, const LabelRule& rule, const std::string& name,
                                  const RowOrigins& origins) {
  require_rows(data, "labels of two classes", name);
  refuse_rounded(rule, origins);
  if (is_set(rule)) return encode_by_rule(data, rule, name);
  const LabelEncoding encoding = two_labels(distinct(data.labels(), kCounted), name);
  return {encode_like(data, encoding, rule, name, origins), encoding};
}

EncodedDataset encode_classes(const Dataset& data, const std::string& name, const RowOrigins& origins) {
  const std::string expected = fmt::format("labels of 2 to {} classes", kMostClasses);
  require_rows(data, expected, name);
  refuse_rounded({}, origins);
  std::vector<float> classes = distinct(data.labels(), kMostClasses);
  if (classes.size() < 2 || classes.size() > kMostClasses) {
    const char* const mend =
        classes.size() < 2 ? "" : "; --objective least_squares is for labels that are quantities";
    fail_count(classes, kMostClasses, fmt::format(", expected {}{}", expected, mend), name);
  }
  std::vector<float> codes = ranks(data.labels(), classes, name, origins.lines);
  return {data.with_labels(std::move(codes)), {.classes = std::move(classes)}};
}

Dataset encode_like(const Dataset& data, const LabelEncoding& encoding, const LabelRule& rule,
                    const std::string& name, const RowOrigins& origins) {
  const auto labels = data.labels();
  const bool many = !encoding.classes.empty();
  if (!many && !is_set(rule) && !encoding.binary()) return data;
  refuse_rounded(many ? LabelRule() : rule, origins);
  if (many) return data.with_labels(ranks(labels, encoding.classes, name, origins.lines));
  if (is_set(rule)) return data.with_labels(apply(rule, labels, name));
  return data.with_labels(signs(labels, encoding.negative, encoding.positive, name, origins.lines));
}

}  // namespace sounder
