#include "io/model_header.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <bit>
#include <cmath>
#include <limits>
#include <string>

#include "test/support.h"

namespace sounder {
namespace {

// Of a small model, with one piece replaced.
std::string text_with(std::string_view from, std::string_view to) {
  Model model;
  model.objective = "hinge";
  model.width = 2;
  model.parameters = {{"a", 1}};
  model.labels.classes = {1, 2};
  std::string text = make_model_header(model, {.biases = 0, .names = {1, 2}}, "m");
  const std::size_t at = text.find(from);
  REQUIRE(at != text.npos);
  return text.replace(at, from.size(), to);
}

// Why `text` is refused; "" when it is not.
std::string refusal(const std::string& text) {
  return test::input_error_of([&] { parse_model_header(text, "m"); });
}

// The same for writing `model`.
std::string refusal(const Model& model) {
  return test::input_error_of([&] { make_model_header(model, {}, "m"); });
}

TEST_CASE("model_header: awkward values survive") {
  Model model;
  model.objective = "my own: \xce\xb1, 2 words ";
  model.parameters = {{"_", std::numeric_limits<double>::denorm_min()}, {"none", -1e308}, {"2x", 1 / 3.0}};
  model.l2 = std::nextafter(0.1, 1);
  model.labels.negative = std::nextafter(0.1f, 1.0f);
  model.labels.classes = {std::numeric_limits<float>::lowest(), 1e-45f, std::nextafter(1.0f, 2.0f)};
  model.label_rule.positive_above = std::numeric_limits<double>::lowest();
  const ModelSizes sizes{.biases = std::numeric_limits<std::uint64_t>::max(), .names = {0, 7, 0}};
  const ModelHeader parsed = parse_model_header(make_model_header(model, sizes, "m"), "m");
  CHECK(parsed.model.objective == model.objective);
  CHECK(parsed.model.parameters == model.parameters);
  CHECK(parsed.model.l2 == model.l2);
  CHECK(parsed.model.labels.negative == model.labels.negative);
  CHECK(parsed.model.labels.classes == model.labels.classes);
  CHECK(parsed.model.label_rule.positive_above == model.label_rule.positive_above);
  CHECK(parsed.sizes.biases == sizes.biases);
  CHECK(parsed.sizes.names == sizes.names);
}

TEST_CASE("model_header: what stands behind the text is left alone") {
  const std::string text = text_with("", "");
  CHECK(parse_model_header(text + "\nweights\n\xff", "m").bytes == text.size());
}

TEST_CASE("model_header: the keys may come in any order") {
  CHECK(refusal(text_with("dimension 0\nwidth 2\n", "width 2\ndimension 0\n")) == "");
}

TEST_CASE("model_header: faults in the first line and in keys are named") {
  const struct {
    std::string from, to, message;
  } cases[] = {
      {"sounder", "1 3:1", ": not a sounder model, expected the first line 'sounder model 2'"},
      {"model 2", "model 0", ": not a sounder model, expected the first line 'sounder model 2'"},
      {"model 2", "model 1", ": format 1 of an older program, expected format 2: train again"},
      {"model 2", "model 3", ": format 3 of a newer program, expected format 2 at most"},
      {"weights\n", "", ": truncated: no line 'weights'"},
      {"width 2\n", "", ": no line 'width'"},
      {"width 2\n", "width 2\nwidth 2\n", ":6: a second \"width\""},
      {"rows", "colour red\nrows", ":18: unknown key \"colour\""},
      {"l2 0", "l2", ":17: found \"l2\", expected a key and a value"},
  };
  for (const auto& [from, to, message] : cases) CHECK(refusal(text_with(from, to)) == "m" + message);
  CHECK(refusal("") == "m: empty file, expected a sounder model");
}

TEST_CASE("model_header: values that are not valid are named with their line") {
  const struct {
    std::string key, valid, value;
    int line;
  } cases[] = {
      {"l2", "0", "inf", 17},
      {"l2", "0", "1e-05x", 17},
      {"width", "2", "4294967296", 5},
      {"normalize", "no", "maybe", 15},
      {"parameters", "a=1", "", 3},
      {"parameters", "a=1", "a", 3},
      {"parameters", "a=1", "=1", 3},
      {"parameters", "a=1", "a=1,", 3},
      {"parameters", "a=1", "a=1,A=2", 3},
      {"parameters", "a=1", "a=1,a=2", 3},
      {"parameters", "a=1", "a=1e999", 3},
      {"classes", "1,2", "1,,2", 12},
      {"classes", "1,2", "1,nan", 12},
      {"names", "1,2", "1,-2", 7},
      {"names", "1,2", "18446744073709551616", 7},
  };
  for (const auto& [key, valid, value, line] : cases) {
    const std::string text =
        text_with(fmt::format("\n{} {}\n", key, valid), fmt::format("\n{} {}\n", key, value));
    CHECK(refusal(text) == fmt::format("m:{}: \"{}\" is no valid {}", line, value, key));
  }
}

TEST_CASE("model_header: what the text cannot hold is not written") {
  Model model;
  model.objective = "hinge\nl2 0";
  CHECK(refusal(model) == "m: objective \"hinge\\x0al2 0\" cannot be kept in a model file");
  model = {};
  model.l2 = std::numeric_limits<double>::infinity();
  CHECK(refusal(model) == "m: l2 \"inf\" cannot be kept in a model file");
  for (const std::string name : {"", "Delta", "a b", "a\nb"}) {
    CAPTURE(name);
    model = {};
    model.parameters = {{name, 1}};
    CHECK(refusal(model).ends_with("cannot be kept in a model file"));
  }
  model.parameters = {{"a=1,b", 2}};
  CHECK(refusal(model) == "m: parameters \"a=1,b=2\" cannot be kept in a model file");
}

TEST_CASE("model_header: the longest labels of ten thousand classes fit, too long a name does not") {
  Model model;
  for (std::uint32_t i = 0; i < 10'000; ++i) {
    model.labels.classes.push_back(std::bit_cast<float>(0x80000001 + (10'000 - i) * 2000));
  }
  const std::string text = make_model_header(model, {}, "m");
  CHECK(parse_model_header(text, "m").model.labels.classes == model.labels.classes);
  CHECK(text.size() > 100'000);
  model.objective = std::string(kMaxModelHeader, 'x');
  CHECK(refusal(model) == fmt::format("m: the text would be {} bytes, expected {} at most",
                                      text.size() + kMaxModelHeader, kMaxModelHeader));
}

}  // namespace
}  // namespace sounder
