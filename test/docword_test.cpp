#include "io/docword.h"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <zlib.h>

#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "io/lines.h"
#include "test/support.h"

namespace sounder {
namespace {

using test::input_error_of;

std::string error_of(std::string_view text) {
  return input_error_of([&] { parse_docword(text, "f.txt"); });
}

std::string show(const DocwordFile& file) {
  std::string text = fmt::format("{} x {}, {} empty:", file.documents, file.words, file.empty_documents);
  for (const Count& c : file.counts) text += fmt::format(" ({},{},{})", c.document, c.word, c.count);
  return text;
}

TEST_CASE("docword: is told by its first lines") {
  for (const char* text : {"2\n3\n1\n1 3 2\n", "\n2 \n 3\n\n1\n1 3 2.5"}) {
    CAPTURE(text);
    CHECK(is_docword(text));
  }
  for (const char* text :
       {"", "2\n3\n1\n", "1 3 2\n1 1 1\n", "1\n-1\n1\n1 2:3 4:5\n", "2\n3\n1\n1 2 3 4\n"}) {
    CAPTURE(text);
    CHECK_FALSE(is_docword(text));
  }
}

TEST_CASE("docword: reads entries in the order of the file, numbered from 0") {
  struct Case {
    std::string_view text;
    const char* found;
  };
  const Case cases[] = {
      {"3\n5\n3\n1 2 1\n1 5 2.5\n3 1 7\n", "3 x 5, 1 empty: (0,1,1) (0,4,2.5) (2,0,7)"},
      {"2\r\n2\r\n2\r\n1 1 1\r\n2 1 1", "2 x 2, 0 empty: (0,0,1) (1,0,1)"},
      {"\n1 \n 3\n\n3\n \n1\t3  1 \n1 1 2\n 1 2 3\n\n", "1 x 3, 0 empty: (0,2,1) (0,0,2) (0,1,3)"},
      {"4294967295\n1\n1\n4294967295 1 1\n", "4294967295 x 1, 4294967294 empty: (4294967294,0,1)"},
      {"1\n4294967295\n1\n1 4294967295 1\n", "1 x 4294967295, 0 empty: (0,4294967294,1)"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.text);
    CHECK(show(parse_docword(c.text, "f.txt")) == c.found);
  }
}

TEST_CASE("docword: refuses a bad number with its place, what was found and what was expected") {
  struct Case {
    std::string_view text;
    const char* message;
  };
  const Case cases[] = {
      {"",
       "f.txt:1:1: found the end of the file, expected the number of documents (a whole number from 1 to "
       "4294967295)"},
      {"0\n",
       "f.txt:1:1: found \"0\", expected the number of documents (a whole number from 1 to 4294967295)"},
      {"1\n",
       "f.txt:2:1: found the end of the file, expected the number of words (a whole number from 1 to "
       "4294967295)"},
      {"1\n4294967296\n",
       "f.txt:2:1: found \"4294967296\", expected the number of words (a whole number from 1 to 4294967295)"},
      {"4294967295\n2\n1\n1 1 1\n",
       "f.txt:2:1: found \"2\", expected the number of words (a whole number from 1 to 1)"},
      {"2147483649\n2147483648\n1\n1 1 1\n",
       "f.txt:2:1: found \"2147483648\", expected the number of words (a whole number from 1 to 2147483647)"},
      {"1 1 1\n", "f.txt:1:3: found \"1\", expected the end of the line"},
      {"2\n2\n1\n3 1 1\n", "f.txt:4:1: found \"3\", expected a document (a whole number from 1 to 2)"},
      {"2\n2\n1\n1x 1 1\n", "f.txt:4:1: found \"1x\", expected a document (a whole number from 1 to 2)"},
      {"2\n2\n1\n1 0 1\n", "f.txt:4:3: found \"0\", expected a word (a whole number from 1 to 2)"},
      {"2\n2\n1\n1\n", "f.txt:4:2: found the end of the line, expected a word (a whole number from 1 to 2)"},
      {"2\n2\n1\n1 1", "f.txt:4:4: found the end of the file, expected a count (a finite number above 0)"},
      {"2\n2\n1\n1 1 0\n", "f.txt:4:5: found \"0\", expected a count (a finite number above 0)"},
      {"2\n2\n1\n1 1 -1\n", "f.txt:4:5: found \"-1\", expected a count (a finite number above 0)"},
      {"2\n2\n1\n1 1 nan\n", "f.txt:4:5: found \"nan\", expected a count (a finite number above 0)"},
      {"2\n2\n1\n1 1 1e39\n", "f.txt:4:5: found \"1e39\", expected a count (a finite number above 0)"},
      {"2\n2\n1\n1 1 1 1\n", "f.txt:4:7: found \"1\", expected the end of the line"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.text);
    CHECK(error_of(c.text) == c.message);
  }
}

TEST_CASE("docword: refuses what does not fit together") {
  struct Case {
    std::string_view text;
    const char* message;
  };
  const Case cases[] = {
      {"2\n2\n2\n2 1 1\n1 1 1\n",
       "f.txt:5:1: found document 1 behind document 2, expected the entries by document"},
      {"2\n2\n2\n1 1 1\n1 1 1\n", "f.txt:5:3: found word 1 again, expected each word once a document"},
      {"2\n3\n4\n1 3 1\n1 1 1\n1 3 2\n2 3 1\n",
       "f.txt:6:3: found word 3 again, expected each word once a document"},
      {"2\n2\n1\n1 1 1\n1 2 1\n", "f.txt:5:1: found one entry more, expected 1 as announced"},
      {"2\n2\n3\n1 1 1\n1 2 1\n", "f.txt: found 2 entries, expected 3 as announced: the file is cut short"},
      {"2\n2\n999999999999999999\n",
       "f.txt: found 0 entries, expected 999999999999999999 as announced: the "
       "file is cut short"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.text);
    CHECK(error_of(c.text) == c.message);
  }
}

TEST_CASE("docword: never crashes on random bytes") {
  std::mt19937 random(3);
  const std::string_view pieces[] = {"1 ", "2 ", "4 ", "1\n", "3\n", "\r", "-", "\xff"};
  std::size_t accepted = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string text = i % 2 == 0 ? "4\n4\n1\n" : "";
    for (std::size_t left = random() % 12; left > 0; --left) text += pieces[random() % std::size(pieces)];
    accepted += error_of(text).empty();
  }
  CHECK(accepted > 100);
}

TEST_CASE("docword: reads compressed files, and names the file in messages") {
  const test::TempDir dir;
  const std::string path = dir / "docword.txt.gz";
  const std::string text = "1\n2\n2\n1 1 1\n1 2 3\n";
  const gzFile file = gzopen(path.c_str(), "wb");
  CHECK(gzwrite(file, text.data(), static_cast<unsigned>(text.size())) == static_cast<int>(text.size()));
  CHECK(gzclose(file) == Z_OK);
  CHECK(show(read_docword(path)) == "1 x 2, 0 empty: (0,0,1) (0,1,3)");
  const std::string bad = dir / "bad.txt";
  test::write_file(bad, "x");
  CHECK(input_error_of([&] { read_docword(bad); }).starts_with(bad + ":1:1: found \"x\", expected "));
}

TEST_CASE("lines: line i of the file is element i - 1") {
  struct Case {
    const char* text;
    std::vector<std::string> lines;
  };
  const Case cases[] = {{"", {}},
                        {"\n", {""}},
                        {"a", {"a"}},
                        {"a\n", {"a"}},
                        {"a\n\n", {"a", ""}},
                        {"\xef\xbb\xbf"
                         "a b\r\n\r\n c \rd\n",
                         {"a b", "", " c ", "d"}}};
  const test::TempDir dir;
  const std::string path = dir / "vocabulary";
  for (const Case& c : cases) {
    CAPTURE(c.text);
    test::write_file(path, c.text);
    CHECK(read_lines(path) == c.lines);
  }
  CHECK(input_error_of([&] { read_lines(dir / "none"); }).find("cannot be read") != std::string::npos);
}

}  // namespace
}  // namespace sounder
