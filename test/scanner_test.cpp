#include "io/scanner.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <optional>
#include <random>
#include <string>

#include "io/error.h"
#include "test/support.h"

using namespace sounder;
using namespace sounder::test;

namespace {

std::string digits(std::mt19937& random, std::size_t most) {
  std::string text(random() % (most + 1), '0');
  for (char& c : text) c = static_cast<char>('0' + random() % 10);
  return text;
}

// Numbers of many forms: short, long, halfway between two floats and next to it, near both ends of the range.
std::string random_number(std::mt19937& random) {
  const std::string sign = std::vector<std::string>{"", "-", "+"}[random() % 3];
  const auto bits = static_cast<std::uint32_t>((random() & 0x007fffff) | (random() % 254 + 1) << 23);
  const auto below = std::bit_cast<float>(bits);
  const double halfway =
      (static_cast<double>(below) + std::nextafter(below, std::numeric_limits<float>::infinity())) / 2;
  switch (random() % 6) {
    case 0:
      return sign + digits(random, 1) + "." + digits(random, 18) + "1" + (random() % 8 == 0 ? "e-3" : "");
    case 1:
      return sign + "3" + digits(random, 25) + "." + digits(random, 25);
    case 2:
      return sign + digits(random, 20) + "5e" + std::to_string(static_cast<int>(random() % 120) - 75);
    case 3:
      return sign + fmt::format("{:.{}e}", halfway, random() % 2 != 0 ? 13 + random() % 6 : 50);
    case 4:
      return sign + fmt::format("{}", below);
    default:
      return sign + fmt::format("{}.{}", (1U << 24) + random() % (1U << 26), random() % 2 != 0 ? 5 : 50001);
  }
}

}  // namespace

TEST_CASE("scanner: reads the float that strtof reads, at the end of the text and before it") {
  std::mt19937 random(5);
  for (int i = 0; i < 400'000; ++i) {
    const std::string number = random_number(random);
    const std::string text = number + (i % 2 != 0 ? " 7:0.25 8:0.25 9:0.25\n" : "");
    Scanner scan(text);
    const float found = scan.real();
    const float expected = std::strtof(number.c_str(), nullptr);
    const bool whole = scan.at() == text.data() + number.size();
    if (!whole || std::bit_cast<std::uint32_t>(found) != std::bit_cast<std::uint32_t>(expected)) {
      CAPTURE(text);
      CHECK(whole);
      CHECK(found == expected);
    }
  }
}

TEST_CASE("scanner: a short whole number needs a digit, at most seven, and what is behind it") {
  struct Case {
    std::string_view text;
    std::optional<std::uint64_t> value;
  };
  const Case cases[] = {{"0:0.123456", 0},
                        {"7:0.123456", 7},
                        {"0012345:0", 12345},
                        {"1234567:1", 1234567},
                        {"12345678:1", std::nullopt},
                        {":1234567", std::nullopt},
                        {"12;45678", std::nullopt},
                        {"12:4567", std::nullopt},
                        {"", std::nullopt}};
  for (const Case& c : cases) {
    CAPTURE(c.text);
    Scanner scan(c.text);
    CHECK(scan.short_integer(':') == c.value);
    CHECK(static_cast<std::size_t>(scan.at() - c.text.data()) == (c.value ? c.text.find(':') + 1 : 0));
  }
}

TEST_CASE("scanner: stops at the first character that is no part of a number") {
  struct Case {
    std::string_view text;
    std::size_t length;
  };
  const Case cases[] = {{"1e", 1},
                        {"1e+", 1},
                        {"1e5x", 3},
                        {"1.5.2", 3},
                        {"12345678x", 8},
                        {"12345678", 8},
                        {"-.5-", 3},
                        {"nan", 0},
                        {"+", 0},
                        {".e1", 0},
                        {"1234567/", 7},
                        {"1234567:", 7},
                        {"123456\xff"
                         "1",
                         6},
                        {"123456789012345678901,", 21}};
  for (const Case& c : cases) {
    CAPTURE(c.text);
    for (const std::string& text : {std::string(c.text), std::string(c.text) + ",                    "}) {
      Scanner scan(text);
      CHECK(std::isnan(scan.real()) == (c.length == 0));
      CHECK(scan.at() == text.data() + c.length);
    }
  }
}

TEST_CASE("scanner: locates a byte by line and column, whatever ends the lines") {
  const std::string_view text = "a\nbc\r\n\r\rd";
  struct Case {
    std::size_t offset, line, column;
  };
  const Case cases[] = {{0, 1, 1}, {2, 2, 1}, {3, 2, 2}, {6, 3, 1}, {8, 5, 1}, {9, 5, 2}};
  for (const Case& c : cases) {
    CAPTURE(c.offset);
    const Position where = locate("f", text, text.data() + c.offset);
    CHECK(where.line == c.line);
    CHECK(where.column == c.column);
  }
  for (const std::string_view ended : {"a\n", "a\r\n", "a\r"}) {
    const Position end = locate("f", ended, ended.data() + ended.size());
    CHECK(end.line == 2);
    CHECK(end.column == 1);
  }
}
