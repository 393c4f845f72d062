#include "objectives/label_kind.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "test/support.h"

using namespace sounder;
using namespace sounder::test;

namespace {

Dataset with(std::vector<float> labels) {
  return Dataset(1, {std::vector<std::uint64_t>(labels.size() + 1), {}, {}, std::move(labels), {}});
}

}  // namespace

TEST_CASE("label kind: the first label of another kind is refused, with where it is and what is expected") {
  const struct {
    LabelKind kind;
    std::vector<float> labels;
    const char* message;
  } cases[] = {
      {LabelKind::kTwoClass, {1, -1, 2}, "the label is 2, expected one of -1 and +1"},
      {LabelKind::kManyClass, {0, 3, 0.5F}, "the label is 0.5, expected 0, 1, 2, ..."},
      {LabelKind::kManyClass, {0, 1, -1}, "the label is -1, expected 0, 1, 2, ..."},
      {LabelKind::kCount, {1, 0.5F, 0}, "the label is 0, expected a number > 0"},
      {LabelKind::kNonNegative, {0, 0.5F, -2}, "the label is -2, expected a number >= 0"},
  };
  RowLines lines;
  for (const std::size_t line : {1, 4, 5}) lines.add(line);
  for (const auto& [kind, labels, message] : cases) {
    CAPTURE(message);
    CHECK(input_error_of([&] {
            check_labels(with(labels), kind, "f", lines);
          }).starts_with(std::string("f:5: ") + message));
    CHECK(input_error_of([&] {
            check_labels(with(labels), kind);
          }).starts_with(std::string("row 2 (counted from 0): ") + message));
    CHECK(input_error_of([&] { check_labels(with({1, 1}), kind); }).empty());
    CHECK(input_error_of([&] { check_labels(with(labels), LabelKind::kReal); }).empty());
  }
}
