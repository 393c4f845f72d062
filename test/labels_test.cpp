#include "io/labels.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

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

TEST_CASE("labels: a rule makes two classes of any labels, and a class that it chooses is predicted") {
  const struct {
    LabelRule rule;
    Labels expected;
    float positive;
    float negative;
  } cases[] = {
      {{.positive_above = 2, .positive_class = {}}, {-1, -1, 1, 1}, 1, -1},
      {{.positive_above = 0.1, .positive_class = {}},
       {-1, 1, 1, 1},
       1,
       -1},  // 0.1f is above 0.1, and still no label is
      {{.positive_above = {}, .positive_class = 2}, {-1, 1, -1, -1}, 2, -1},
      {{.positive_above = {}, .positive_class = 0.1}, {1, -1, -1, -1}, 0.1F, -1},
  };
  for (const auto& [rule, expected, positive, negative] : cases) {
    const EncodedDataset encoded = encode_two_classes(with({0.1f, 2, 3, 4}), rule, "file");
    CHECK(labels_of(encoded.data) == expected);
    CHECK(encoded.encoding.positive == positive);
    CHECK(encoded.encoding.negative == negative);
  }
}

TEST_CASE("labels: what is predicted where a class was chosen is read back as the same class") {
  for (const float chosen : {7.0F, 1.0F, 0.0F, -1.0F}) {
    CAPTURE(chosen);
    const LabelRule rule{.positive_above = {}, .positive_class = chosen};
    const LabelEncoding encoding = encode_two_classes(with({chosen, 3, 2}), rule, "file").encoding;
    REQUIRE(encoding.binary());
    const Labels predicted{encoding.decode(0.5F), encoding.decode(-0.5F)};
    CHECK(labels_of(encode_like(with(predicted), encoding, rule, "test")) == Labels{1, -1});
  }
}

TEST_CASE("labels: one class or more than two are refused with what helps") {
  const std::string advice =
      ": two-class objectives need two; choose with --positive-class C or --positive-above X, or take "
      "--objective softmax for many classes";
  Labels twenty(20);
  std::iota(twenty.begin(), twenty.end(), 1.0f);
  Labels thousand(1000);
  std::iota(thousand.begin(), thousand.end(), 1.0f);
  CHECK(refusal(twenty) == "news20: 20 different labels (1, 2, 3, ...)" + advice);
  CHECK(refusal(thousand) == "news20: more than 100 different labels (1, 2, 3, ...)" + advice +
                                 ", or --objective least_squares, if they are quantities");
  CHECK(refusal({3, 2, 1, 2}) == "news20: 3 different labels (1, 2, 3)" + advice);
  CHECK(refusal({1, 1}) == "news20: one label only (1): two-class training needs samples of both classes");
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

TEST_CASE("labels: a label that became another class as a float is refused, where that matters") {
  const RowOrigins origins{.lines = {}, .rounded_class = InputError({"f", 3, 1}, "rounded")};
  const auto two = [&](const LabelRule& rule) {
    return test::input_error_of([&] { encode_two_classes(with({1e8F, 7}), rule, "f", origins); });
  };
  CHECK(two({}) == "f:3:1: rounded");
  CHECK(two({.positive_above = {}, .positive_class = 1e8}) == "f:3:1: rounded");
  CHECK(two({.positive_above = {}, .positive_class = 7}).empty());
  CHECK(two({.positive_above = 7, .positive_class = {}}).empty());
  CHECK(test::input_error_of([&] { encode_classes(with({1, 2}), "f", origins); }) == "f:3:1: rounded");
  const auto like = [&](const LabelEncoding& encoding, const LabelRule& rule) {
    return test::input_error_of([&] { encode_like(with({1e8F, 7}), encoding, rule, "f", origins); });
  };
  CHECK(like({7, 1e8F}, {}) == "f:3:1: rounded");
  CHECK(like({0, 0, {7, 1e8F}}, {}) == "f:3:1: rounded");
  CHECK(like({-1, 1e8F}, {.positive_above = {}, .positive_class = 1e8}) == "f:3:1: rounded");
  CHECK(like({-1, 7}, {.positive_above = {}, .positive_class = 7}).empty());
  CHECK(like({}, {}).empty());
}

TEST_CASE("labels: a class to choose must be a float") {
  const std::string message = refusal({1e8F, 7}, {.positive_above = {}, .positive_class = 100000002});
  CHECK(message.starts_with("news20: --positive-class: found the class \"100000002\", which"));
  CHECK(refusal({1e8F, 7}, {.positive_above = {}, .positive_class = 100000000}).empty());
}

TEST_CASE("labels: what is refused of a row is told with its line") {
  RowOrigins origins;
  for (const std::size_t line : {1, 4, 5}) origins.lines.add(line);
  CHECK(test::input_error_of([&] {
          encode_like(with({2, 1, 3}), {1, 2}, {}, "f", origins);
        }) == "f:5: the label is 3, expected one of the model's two, 1 and 2");
}

TEST_CASE("labels: each of many classes becomes its rank") {
  const struct {
    Labels labels, ranks, classes;
  } cases[] = {
      {{3, 1, 2, 1}, {2, 0, 1, 0}, {1, 2, 3}},
      {{-1, 1}, {0, 1}, {-1, 1}},
      {{0.5, -7, 1e30f, -0.0f, 0}, {2, 0, 3, 1, 1}, {-7, 0, 0.5, 1e30f}},
  };
  for (const auto& [labels, ranks, classes] : cases) {
    const EncodedDataset encoded = encode_classes(with(labels), "file");
    CHECK(labels_of(encoded.data) == ranks);
    CHECK(encoded.encoding.classes == classes);
    CHECK_FALSE(encoded.encoding.binary());
    for (std::size_t i = 0; i < labels.size(); ++i) CHECK(encoded.encoding.decode(ranks[i]) == labels[i]);
  }
}

// From n - 1 to 0.
Labels countdown(std::size_t n) {
  Labels labels(n);
  std::iota(labels.rbegin(), labels.rend(), 0.0f);
  return labels;
}

TEST_CASE("labels: as many as 10,000 classes are told apart") {
  const EncodedDataset encoded = encode_classes(with(countdown(10'000)), "file");
  CHECK(labels_of(encoded.data) == countdown(10'000));
  CHECK(encoded.encoding.classes.size() == 10'000);
  CHECK(labels_of(encode_like(with({9999, 100, 0}), encoded.encoding, {}, "test")) == Labels{9999, 100, 0});
}

TEST_CASE("labels: one class or more than 10,000 are refused where many are wanted") {
  const auto refused = [](const Labels& labels) {
    return test::input_error_of([&] { encode_classes(with(labels), "news20"); });
  };
  const std::string expected = ", expected labels of 2 to 10000 classes";
  CHECK(refused({}) == "news20: no rows" + expected);
  CHECK(refused({4, 4}) == "news20: one label only (4)" + expected);
  CHECK(refused(countdown(10'001)) == "news20: more than 10000 different labels (0, 1, 2, ...)" + expected +
                                          "; --objective least_squares is for labels that are quantities");
}

TEST_CASE("labels: other data is encoded by the model's many classes") {
  const LabelEncoding encoding{.classes = {-2, 0.1f, 5, 7}};
  const LabelRule rule{.positive_above = {}, .positive_class = 5};
  CHECK(labels_of(encode_like(with({5, -2, 0.1f, 5}), encoding, {}, "test")) == Labels{2, 0, 1, 2});
  CHECK(labels_of(encode_like(with({7, 7}), encoding, rule, "test")) == Labels{3, 3});
  CHECK(labels_of(encode_like(with({}), encoding, {}, "test")).empty());
  for (const float unknown : {-3.0f, 6.0f, 8.0f}) {
    CHECK(test::input_error_of([&] {
            encode_like(with({5, unknown}), encoding, {}, "test");
          }) ==
          fmt::format("test: row 1 (counted from 0): the label is {}, expected one of the model's 4 classes "
                      "(-2, 0.1, 5, ...)",
                      unknown));
  }
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
