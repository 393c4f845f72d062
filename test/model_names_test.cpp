#include "io/model_names.h"

#include <doctest/doctest.h>

#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "io/random.h"
#include "test/support.h"

namespace sounder {
namespace {

using namespace std::string_literals;
using Sizes = std::vector<std::uint64_t>;

constexpr auto kMost = std::numeric_limits<std::uint32_t>::max();

// Why the bytes are refused; "" when they are not.
std::string names_refusal(const std::string& bytes, const Sizes& sizes) {
  return test::input_error_of([&] { decode_names(bytes, sizes, "m"); });
}
std::string pairs_refusal(const std::string& bytes, const Sizes& sizes) {
  return test::input_error_of([&] { decode_pairs(bytes, sizes, "m"); });
}

TEST_CASE("model_names: names become the described bytes, and names again") {
  const struct {
    ModelNames names;
    std::string bytes;
  } cases[] = {
      {{}, ""},
      {{{}}, ""},
      {{{"ann"}, {}, {"b c", "\r\0\xff"s}}, "ann\nb c\n\r\0\xff\n"s},
      {{{"", ""}}, "\n\n"},
  };
  for (const auto& [names, bytes] : cases) {
    Sizes sizes;
    for (const auto& part : names) sizes.push_back(part.size());
    CHECK(encode_names(names, "m") == bytes);
    CHECK(decode_names(bytes, sizes, "m") == names);
  }
  CHECK(test::input_error_of([] {
          encode_names({{"a"}, {"b\nc"}}, "m");
        }) == "m: the name \"b\\x0ac\" cannot be kept in a model file");
}

TEST_CASE("model_names: more or fewer names than their number are refused") {
  const struct {
    std::string bytes;
    Sizes sizes;
    std::string message;
  } cases[] = {
      {"a\nb\n", {1, 2}, "m: found 1 names in part 2, expected 2"},
      {"a\nb", {1, 1}, "m: found 0 names in part 2, expected 1"},
      {"", {kMost}, "m: found 0 names in part 1, expected 4294967295"},
      {"a\nb\n", {1}, "m: 2 bytes too many behind the names"},
      {"\n", {}, "m: 1 bytes too many behind the names"},
  };
  for (const auto& [bytes, sizes, message] : cases) CHECK(names_refusal(bytes, sizes) == message);
}

TEST_CASE("model_names: pairs become the described bytes, and pairs again") {
  const struct {
    ModelPairs pairs;
    std::string bytes;
  } cases[] = {
      {{}, ""},
      {{{}, {}}, "\0\0"s},
      {{{0, 1, 5}}, "\3\0\0\3"s},
      {{{0}, {}, {127}}, "\1\0\0\1\x7f"s},
      {{{128, 16511}}, "\2\x80\1\xfe\x7f"s},
      {{{16384}}, "\1\x80\x80\1"s},
      {{{kMost - 1}}, "\1\xfe\xff\xff\xff\xf"s},
  };
  for (const auto& [pairs, bytes] : cases) {
    CHECK(encode_pairs(pairs) == bytes);
    CHECK(decode_pairs(bytes, Sizes{pairs.size(), kMost}, "m") == pairs);
  }
}

TEST_CASE("model_names: bytes that are no pairs are refused") {
  const std::string invalid = "m: pairs of 1 (counted from 0): found no increasing numbers below 300";
  const struct {
    std::string bytes, message;
  } cases[] = {
      {"\0"s, invalid},                          // no second list
      {"\0\2\0"s, invalid},                      // fewer numbers than it says
      {"\0\xff\xff\xff\xff\xf\0"s, invalid},     // far fewer
      {"\0\1\xac\2"s, invalid},                  // 300
      {"\0\2\xab\2\0"s, invalid},                // 299, 300
      {"\0\2\0\xff\xff\xff\xff\xf"s, invalid},   // 0, 2^32
      {"\0\1\x80\0"s, invalid},                  // 0 in two bytes
      {"\0\1\x80\x80\x80\x80\x10"s, invalid},    // 2^32
      {"\0\1\x80\x80\x80\x80\x80\0"s, invalid},  // six bytes
      {"\0\1\x80"s, invalid},                    // cut short
      {"\0\1\xab\2\0"s, "m: 1 bytes too many behind the pairs"},
  };
  for (const auto& [bytes, message] : cases) CHECK(pairs_refusal(bytes, Sizes{2, 300}) == message);
  CHECK(pairs_refusal("\0\1\xab\2"s, Sizes{2, 300}) == "");
}

TEST_CASE("model_names: any lists survive") {
  Random random(1);
  ModelPairs pairs(200);
  for (auto& numbers : pairs) {
    const std::uint64_t stride = 1 + random.below(std::uint64_t{1} << random.below(20));
    std::uint64_t next = random.below(stride);
    for (std::uint64_t count = random.below(100); count > 0; --count) {
      numbers.push_back(static_cast<std::uint32_t>(next));
      next += 1 + random.below(stride);
    }
  }
  CHECK(decode_pairs(encode_pairs(pairs), Sizes{pairs.size(), kMost}, "m") == pairs);
}

}  // namespace
}  // namespace sounder
