#include "io/labels.h"

#include <doctest/doctest.h>

#include <numeric>
#include <string>
#include <vector>

#include "io/error.h"
#include "test/support.h"

namespace sounder {
namespace {

using Labels = std::vector<float>;

// One empty row a label.
Dataset with(const Labels& labels) {
  return Dataset(1, {std::vector<std::uint64_t>(labels.size() + 1), {}, {}, labels, {}});
}

Labels labels_of(const Dataset& data) {
  return {data.labels().begin(), data.labels().end()};
}

std::string refusal(const Labels& labels, const LabelRule& rule = {}) {
  return test::input_error_of([&] { encode_two_classes(with(labels), rule, "news20"); });
}

TEST_CASE("labels: the larger of two labels is positive") {
  const Labels cases[] = {{-1, 1, 1}, {0, 1, 1}, {1, 2, 2}, {-3.5, 0.25, 0.25}};
  for (const Labels& labels : cases) {
    CAPTURE(labels.front());
    const EncodedDataset encoded = encode_two_classes(with(labels), {}, "file");
    CHECK(labels_of(encoded.data) == Labels{-1, 1, 1});
    CHECK(encoded.encoding.negative == labels.front());
    CHECK(encoded.encoding.positive == labels.back());
  }
}

TEST_CASE("labels: a rule makes two classes of any labels and predictions are -1 and +1") {
  const struct {
    LabelRule rule;
    Labels expected;
  } cases[] = {
      {{.positive_above = 2, .positive_class = {}}, {-1, -1, 1, 1}},
      {{.positive_above = {}, .positive_class = 2}, {-1, 1, -1, -1}},
      {{.positive_above = 0.1, .positive_class = {}},
       {-1, 1, 1, 1}},  // 0.1f is above 0.1, and still no label is
      {{.positive_above = {}, .positive_class = 0.1}, {1, -1, -1, -1}},
  };
  for (const auto& [rule, expected] : cases) {
    const EncodedDataset encoded = encode_two_classes(with({0.1f, 2, 3, 4}), rule, "file");
    CHECK(labels_of(encoded.data) == expected);
    CHECK(encoded.encoding.negative == -1);
    CHECK(encoded.encoding.positive == 1);
  }
}

TEST_CASE("labels: one class or more than two are refused with what helps") {
  const std::string advice =
      ": two-class objectives need two; choose with --positive-class C or --positive-above X";
  Labels twenty(20);
  std::iota(twenty.begin(), twenty.end(), 1.0f);
  Labels thousand(1000);
  std::iota(thousand.begin(), thousand.end(), 1.0f);
  CHECK(refusal(twenty) == "news20: 20 different labels (1, 2, 3, ...)" + advice);
  CHECK(refusal(thousand) == "news20: more than 100 different labels (1, 2, 3, ...)" + advice);
  CHECK(refusal({3, 2, 1, 2}) == "news20: 3 different labels (1, 2, 3)" + advice);
  CHECK(refusal({1, 1}) == "news20: one label only (1)" + advice);
  CHECK(refusal({}) == "news20: no rows, expected labels of two classes");
}

TEST_CASE("labels: a rule that leaves one class, or two rules, are refused") {
  const std::string advice = "two-class objectives need two; choose another value";
  CHECK(refusal({1, 2}, {.positive_above = {}, .positive_class = 7}) ==
        "news20: --positive-class 7 leaves one class only of the labels 1, 2: " + advice);
  CHECK(refusal({1, 2}, {.positive_above = 0.5, .positive_class = {}}) ==
        "news20: --positive-above 0.5 leaves one class only of the labels 1, 2: " + advice);
  CHECK(refusal({1, 2}, {.positive_above = 1, .positive_class = 1}) ==
        "news20: --positive-class and --positive-above are both given, expected one");
}

TEST_CASE("labels: other data is encoded as the model's was") {
  const LabelEncoding encoding{1, 2};
  CHECK(labels_of(encode_like(with({2, 1, 2}), encoding, {}, "test")) == Labels{1, -1, 1});
  CHECK(labels_of(encode_like(with({2, 2}), encoding, {}, "test")) == Labels{1, 1});
  CHECK(labels_of(encode_like(with({}), encoding, {}, "test")).empty());
  CHECK(test::input_error_of([&] {
          encode_like(with({2, 1, 3}), encoding, {}, "test");
        }) == "test: row 2 (counted from 0): the label is 3, expected one of the model's two, 1 and 2");
}

TEST_CASE("labels: other data follows the model's rule where there is one, real labels stay") {
  const LabelRule rule{.positive_above = {}, .positive_class = 5};
  CHECK(labels_of(encode_like(with({5, 9, 5}), {-1, 1}, rule, "test")) == Labels{1, -1, 1});
  CHECK(labels_of(encode_like(with({7}), {-1, 1}, rule, "test")) == Labels{-1});
  CHECK(labels_of(encode_like(with({0.5, 7}), {}, {}, "test")) == Labels{0.5, 7});
}

}  // namespace
}  // namespace sounder
