#include "io/cooccurrence.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "io/random.h"
#include "test/support.h"

using namespace sounder;
using namespace sounder::test;

namespace {

constexpr TextOptions kAll{.min_count = 1};

std::string shown(const Cooccurrences& found) {
  std::string text;
  for (const Meeting& meeting : found.meetings)
    text += fmt::format("{}{}+{}={:.4g}", text.empty() ? "" : " ", found.words[meeting.word],
                        found.words[meeting.other], meeting.count);
  return text;
}

std::string counted(std::string_view text, const TextOptions& options = kAll) {
  return shown(count_cooccurrences(text, "f.txt", options));
}

std::string error_of(std::string_view text, const TextOptions& options = kAll) {
  return input_error_of([&] { counted(text, options); });
}

}  // namespace

TEST_CASE("cooccurrence: words, lines and distances") {
  const struct {
    std::string_view text;
    const char* expected;
  } cases[] = {
      {"a b", "a+b=1"},
      {"a b c", "a+b=1 a+c=0.5 b+c=1"},
      {"b a b", "b+b=0.5 b+a=2"},
      {"A b, a-B.", "a+a=0.5 a+b=3.333 b+b=0.5"},
      {"a b\nb a", "a+b=2"},
      {"a b\rc d\r\ne f", "a+b=1 c+d=1 e+f=1"},
      {"a b\n\n\n", "a+b=1"},
      {"x1y2", "x+y=1"},
      {"\xc3\xa4rger \xd0\x96", "\xc3\xa4rger+\xd0\x96=1"},
      {"don't", "don+t=1"},
      {{"a\0b", 3}, "a+b=1"},
  };
  for (const auto& [text, expected] : cases) {
    CAPTURE(text);
    CHECK(counted(text) == expected);
  }
}

TEST_CASE("cooccurrence: the window, in words that stay") {
  CHECK(counted("a b c d", {.min_count = 1, .window = 1}) == "a+b=1 b+c=1 c+d=1");
  CHECK(counted("a b c d", {.min_count = 1, .window = 2}) == "a+b=1 a+c=0.5 b+c=1 b+d=0.5 c+d=1");
  CHECK(counted("a rare b\nb a", {.min_count = 2, .window = 1}) == "a+b=2");
}

TEST_CASE("cooccurrence: the most frequent words come first, and only so many") {
  const Cooccurrences found =
      count_cooccurrences("c b a b a b d", "f.txt", {.min_count = 1, .most_words = 3});
  CHECK(found.words == std::vector<std::string>{"b", "a", "c"});
  CHECK(found.tokens == 7);
}

TEST_CASE("cooccurrence: agrees with counting by the book, and grows") {
  Random random(1);
  std::string text;
  std::map<std::pair<std::string, std::string>, double> expected;
  for (int line = 0; line < 400; ++line) {
    std::vector<std::string> words(random.below(60));
    for (std::string& word : words)
      for (std::uint64_t id = random.below(1000) + 1; id > 0; id /= 26)
        word += static_cast<char>('a' + static_cast<int>(id % 26));
    for (std::size_t i = 0; i < words.size(); ++i) {
      for (std::size_t j = i + 1; j < std::min(words.size(), i + 11); ++j)
        expected[std::minmax(words[i], words[j])] += 1.0 / static_cast<double>(j - i);
      text += words[i] + (i + 1 == words.size() ? "\n" : " ");
    }
  }
  const Cooccurrences found = count_cooccurrences(text, "f.txt", kAll);
  REQUIRE(found.meetings.size() == expected.size());
  REQUIRE(found.meetings.size() > (3U << 14));  // so that the table has grown
  std::size_t wrong = 0;
  for (const Meeting& meeting : found.meetings)
    wrong += expected[std::minmax(found.words[meeting.word], found.words[meeting.other])] !=
             doctest::Approx(meeting.count);
  CHECK(wrong == 0);
}

TEST_CASE("cooccurrence: refuses text without two words, and options out of range") {
  CHECK(error_of(std::string_view("\xff\xfe"
                                  "a\0 \0b\0",
                                  8))
            .starts_with("f.txt: found UTF-16, expected UTF-8"));
  CHECK(error_of("") == "f.txt: found 0 different words, 0 of them 1 times or more, expected two");
  CHECK(error_of("a a a\nb", {}) ==
        "f.txt: found 2 different words, 0 of them 5 times or more, expected two");
  CHECK(error_of("a a\nb b") == "f.txt: found no two different words on one line, expected lines of text");
  CHECK(error_of("a b", {.min_count = 0}) == "--min-count = 0: must be 1 to 4294967295");
  CHECK(error_of("a b", {.most_words = 1}) == "--most-words = 1: must be 2 to 2147483647");
  CHECK(error_of("a b", {.window = 0}) == "--window = 0: must be 1 to 1000");
  CHECK(error_of("a b", {.window = 1001}) == "--window = 1001: must be 1 to 1000");
}
