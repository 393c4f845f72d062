#include "io/row_origins.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <initializer_list>
#include <string>
#include <vector>

#include "test/support.h"

using namespace sounder;
using namespace sounder::test;

namespace {

RowLines lines_at(std::initializer_list<std::size_t> lines) {
  RowLines rows;
  for (const std::size_t line : lines) rows.add(line);
  return rows;
}

std::vector<std::size_t> listed(const RowLines& rows, std::size_t count) {
  std::vector<std::size_t> lines;
  for (std::size_t row = 0; row < count; ++row) lines.push_back(rows.line_of(row));
  return lines;
}

using Lines = std::vector<std::size_t>;

}  // namespace

TEST_CASE("row origins: the line of each row, 0 where nothing is known") {
  CHECK(listed(lines_at({1, 2, 3}), 4) == Lines{1, 2, 3, 0});
  CHECK(listed(lines_at({2, 4, 5, 9}), 5) == Lines{2, 4, 5, 9, 0});
  CHECK(listed({}, 1) == Lines{0});
}

TEST_CASE("row origins: those of a piece are counted on from what is above it") {
  RowLines all;
  all.append(lines_at({2, 3}), 0);
  all.append({}, 3);
  all.append(lines_at({1, 2, 4}), 3);
  all.append(lines_at({3}), 8);
  CHECK(listed(all, 7) == Lines{2, 3, 4, 5, 7, 11, 0});
}

TEST_CASE("row origins: a class is rounded where, written as a float, it is another whole number") {
  const auto rounded = [](const char* text) { return is_rounded_class(text, std::strtof(text, nullptr)); };
  for (const char* text : {"16777217", "-16777217", "+20000001", "100000001.0", "1.00000001e8", "123456791",
                           "9007199254740993", "18446744073709551615"})
    CHECK_MESSAGE(rounded(text), std::string(text));
  for (const char* text : {"0", "7", "16777216", "-16777216", "16777218", "16777216.5", "0.1", "1e8", "1e30"})
    CHECK_MESSAGE(!rounded(text), std::string(text));
}

TEST_CASE("row origins: a row is refused with its line or, where that is not known, its number") {
  const auto refusal = [](const std::string& name, const RowLines& lines, std::size_t row) {
    return input_error_of([&] { refuse_row(name, lines, row, "no"); });
  };
  CHECK(refusal("f", lines_at({1, 5}), 1) == "f:5: no");
  CHECK(refusal("f", {}, 1) == "f: row 1 (counted from 0): no");
  CHECK(refusal("", {}, 1) == "row 1 (counted from 0): no");
}
