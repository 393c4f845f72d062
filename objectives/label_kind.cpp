#include "objectives/label_kind.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace sounder {
namespace {

bool fits(float label, LabelKind kind) {
  switch (kind) {
    case LabelKind::kTwoClass:
      return label == 1 || label == -1;
    case LabelKind::kManyClass:
      return label >= 0 && label == std::floor(label);
    case LabelKind::kCount:
      return label > 0;
    case LabelKind::kNonNegative:
      return label >= 0;
    case LabelKind::kReal:
      break;
  }
  return true;
}

const char* expected(LabelKind kind) {
  switch (kind) {
    case LabelKind::kTwoClass:
      return "one of -1 and +1 (encode_two_classes() makes them)";
    case LabelKind::kManyClass:
      return "0, 1, 2, ... (encode_classes() makes them)";
    case LabelKind::kCount:
      return "a number > 0";
    case LabelKind::kNonNegative:
      return "a number >= 0";
    case LabelKind::kReal:
      break;
  }
  return "a number";
}

}  // namespace

void check_labels(const Dataset& data, LabelKind kind, const std::string& name, const RowLines& lines) {
  const auto labels = data.labels();
  const auto wrong = std::ranges::find_if_not(labels, [kind](float label) { return fits(label, kind); });
  if (wrong == labels.end()) return;
  refuse_row(name, lines, static_cast<std::size_t>(wrong - labels.begin()),
             fmt::format("the label is {}, expected {}", *wrong, expected(kind)));
}

}  // namespace sounder
