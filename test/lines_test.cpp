#include "io/lines.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "test/support.h"

using namespace sounder;
using namespace sounder::test;

namespace {

std::vector<std::string> pieces_of(std::string_view text, std::size_t bytes,
                                   std::size_t most_line = LinePieces::kMostLine) {
  LinePieces pieces(
      [&](std::span<char> to) {
        const std::size_t count = text.copy(to.data(), to.size());
        text.remove_prefix(count);
        return count;
      },
      bytes, most_line);
  std::vector<std::string> found;
  for (LinePieces::Piece piece; pieces.next(piece);) found.emplace_back(piece.text());
  return found;
}

}  // namespace

TEST_CASE("lines: whatever ends them") {
  const TempDir dir;
  write_file(dir / "f",
             "\xef\xbb\xbf"
             "a\n\r\nb c\rd");
  CHECK(read_lines(dir / "f") == std::vector<std::string>{"a", "", "b c", "d"});
}

TEST_CASE("lines: pieces end with a line, and together are the text") {
  const std::string texts[] = {"",
                               "a",
                               "\n",
                               "\n\n\n",
                               "ab\ncd\n",
                               "ab\r\ncd\r\n\r\nef",
                               "ab\rcd\r\ref\r",
                               "a\rb\r\nc\nd\r",
                               std::string(5000, 'x').append("\ny\n")};
  for (const std::string& text : texts)
    for (const std::size_t bytes : {1UL, 2UL, 3UL, 5UL, 64UL, 10'000UL}) {
      CAPTURE(text);
      CAPTURE(bytes);
      std::string whole;
      for (const std::string& piece : pieces_of(text, bytes)) {
        CHECK(!piece.empty());
        whole += piece;
        const bool cuts_an_end =
            piece.back() == '\r' && text.size() > whole.size() && text[whole.size()] == '\n';
        CHECK_FALSE(cuts_an_end);
        CHECK((whole.size() == text.size() || piece.back() == '\n' || piece.back() == '\r'));
      }
      CHECK(whole == text);
    }
}

TEST_CASE("lines: one that does not end is refused before it is all in memory") {
  const std::string text = std::string("a\n").append(5000, 'x').append("\nb\n");
  for (const std::size_t bytes : {1UL, 64UL, 1000UL}) {
    CAPTURE(bytes);
    CHECK_THROWS_WITH_AS(pieces_of(text, bytes, 2000),
                         "found no end of the line within 2000 bytes, expected a row of text", LineTooLong);
    CHECK(pieces_of(text, bytes, 5000).size() >= 3);
  }
}
