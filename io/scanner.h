#pragma once

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include "io/error.h"

namespace sounder {

// A cursor over text that reads separators and numbers, the same in every locale. Blanks are space and tab. A
// line ends with "\n", "\r\n", a lone "\r" or the text.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : at_(text.data()), end_(text.data() + text.size()) {}

  const char* at() const { return at_; }
  bool done() const { return at_ == end_; }
  char peek() const { return done() ? '\n' : *at_; }
  bool at_blank() const { return peek() == ' ' || peek() == '\t'; }
  bool at_line_end() const { return peek() == '\n' || peek() == '\r'; }
  bool at_separator() const { return at_blank() || at_line_end(); }

  bool skip(char c) {
    if (done() || *at_ != c) [[unlikely]]  // a branch, so that what follows need not wait for it
      return false;
    ++at_;
    return true;
  }
  void skip_blanks() {
    while (at_blank()) ++at_;
  }
  // To the first character of the next line.
  void skip_line() {
    while (!at_line_end()) ++at_;
    skip('\r');
    skip('\n');
  }
  // What stands here, up to the next separator. Does not move.
  std::string_view token() const {
    Scanner ahead = *this;
    while (!ahead.at_separator()) ++ahead.at_;
    return {at_, ahead.at_};
  }

  // Moves behind the decimal digits here and returns their value, or UINT64_MAX when there are more than 18
  // of them; nothing when there are none.
  std::optional<std::uint64_t> integer() {
    std::uint64_t value = 0;
    const std::ptrdiff_t count = digits(value);
    if (count == 0) return std::nullopt;
    return count <= kExactDigits ? value : std::numeric_limits<std::uint64_t>::max();
  }

  // What most whole numbers look like: up to seven digits, and `behind`. Moves behind that; nothing, without a move,
  // when something else stands here.
  [[gnu::always_inline]] std::optional<std::uint64_t> short_integer(char behind);

  // Moves behind the number here, [+-] digits [. digits] [e [+-] digits] with digits on at least one side of
  // the point, and returns the float nearest to it: infinite beyond the range of floats, zero below it. NaN,
  // without a move, when there is no such number; "inf" and "nan" are none.
  float real();

  // What most numbers look like: [-] digit [. digits], not more than 15 of them, and no exponent. Nothing, without a move,
  // when something else stands here. Its branches are nearly always taken the same way, so that the processor begins with
  // the next number while this one is worked out.
  [[gnu::always_inline]] std::optional<float> short_real();

 private:
  static constexpr std::ptrdiff_t kExactDigits = 18;  // that surely fit 64 bits

  // Moves behind the digits here, appends them to `value` (modulo 2^64) and returns how many there are.
  std::ptrdiff_t digits(std::uint64_t& value) {
    const char* begin = at_;
    while (end_ - at_ >= 8)
      if (!eight_digits(value)) return at_ - begin;
    for (; at_ != end_ && *at_ >= '0' && *at_ <= '9'; ++at_)
      value = 10 * value + static_cast<std::uint64_t>(*at_ - '0');
    return at_ - begin;
  }
  bool at_digit() const { return *at_ >= '0' && *at_ <= '9'; }  // not at the end
  // Inlined, so that a local cursor stays in a register.
  [[gnu::always_inline]] bool eight_digits(std::uint64_t& value);
  float any_real();
  std::int64_t exponent();  // of the e here; 0, without a move, when it begins no exponent

  const char* at_;
  const char* end_;
};

namespace scanner_detail {

inline std::uint64_t load_little_endian(const char* bytes) {
  std::uint64_t word = 0;
  std::memcpy(&word, bytes, sizeof word);
  return std::endian::native == std::endian::little ? word : __builtin_bswap64(word);
}

// Up to eight digits at once, one in each byte of a word: a loop over them would mispredict its end once a
// number.
struct Digits {
  // Eight bytes.
  explicit Digits(const char* at) : word(load_little_endian(at) ^ 0x3030303030303030) {
    // The top bit marks the bytes above 9. A carry into the next byte spoils only what stands behind the first
    // of them.
    const std::uint64_t others = (word | (word + 0x7676767676767676)) & 0x8080808080808080;
    count = std::countr_zero(others) / 8;
  }

  std::uint64_t value() const {
    std::uint64_t sum = word << (32 - 4 * count) << (32 - 4 * count);  // by 64 in all when there is none
    sum = (10 * sum + (sum >> 8)) & 0x00ff00ff00ff00ff;
    sum = (100 * sum + (sum >> 16)) & 0x0000ffff0000ffff;
    return (10'000 * sum + (sum >> 32)) & 0xffffffff;
  }

  std::uint64_t word;
  int count;
};

// The float nearest to mantissa * 10^power, where two roundings suffice. 2^53 and 10^22 are the last whole
// number and the last power of ten that doubles hold exactly, so `nearest` is the double nearest to the
// number (Clinger, "How to read floating point numbers accurately", PLDI 1990) and a normal float in size.
// Rounding is monotone and the point halfway between two floats is a double: the float nearest to `nearest`
// is the one nearest to the number as well, unless `nearest` is halfway itself.
inline std::optional<float> nearest_float(std::uint64_t mantissa, std::int64_t power) {
  static constexpr double kTens[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                     1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
  if (mantissa > std::uint64_t{1} << 53 || power < -22 || power > 22) return std::nullopt;
  const auto exact = static_cast<double>(static_cast<std::int64_t>(mantissa));
  const double nearest = power < 0 ? exact / kTens[-power] : exact * kTens[power];
  constexpr std::uint64_t kBeyondFloat = (1 << 29) - 1;
  if ((std::bit_cast<std::uint64_t>(nearest) & kBeyondFloat) == 1 << 28) return std::nullopt;
  return static_cast<float>(nearest);
}

// The same for any number; `power` is that of its last digit before the exponent.
inline float nearest_float(std::string_view number, std::int64_t power) {
  float value = 0;
  if (std::from_chars(number.begin(), number.end(), value).ec == std::errc()) return value;
  const std::string_view digits = number.substr(0, number.find_first_of("eE"));
  const std::string_view significant = digits.substr(digits.find_first_of("123456789"));
  const bool pointed = significant.find('.') != std::string_view::npos;
  const bool large = power + static_cast<std::int64_t>(significant.size()) - pointed > 0;
  const float magnitude = large ? std::numeric_limits<float>::infinity() : 0.0F;
  return number.starts_with('-') ? -magnitude : magnitude;
}

}  // namespace scanner_detail

// Returns whether there were eight.
inline bool Scanner::eight_digits(std::uint64_t& value) {
  static constexpr std::uint64_t kTens[] = {1,       10,        100,        1000,       10'000,
                                            100'000, 1'000'000, 10'000'000, 100'000'000};
  const scanner_detail::Digits digits(at_);
  value = kTens[digits.count] * value + digits.value();
  at_ += digits.count;
  return digits.count == 8;
}

inline std::optional<std::uint64_t> Scanner::short_integer(char behind) {
  if (end_ - at_ < 8) return std::nullopt;
  const scanner_detail::Digits digits(at_);
  if (digits.count == 0 || digits.count == 8 || at_[digits.count] != behind) return std::nullopt;
  at_ += digits.count + 1;
  return digits.value();
}

inline std::optional<float> Scanner::short_real() {
  constexpr std::ptrdiff_t kRoom = 19;
  if (end_ - at_ < kRoom) return std::nullopt;
  Scanner behind = *this;
  const bool negative = *at_ == '-';
  if (negative) [[unlikely]]
    ++behind.at_;
  if (*behind.at_ < '0' || *behind.at_ > '9') return std::nullopt;
  auto mantissa = static_cast<std::uint64_t>(*behind.at_ - '0');
  const char* const point = ++behind.at_;
  std::ptrdiff_t fraction = 0;
  if (*point == '.') {
    ++behind.at_;
    // One branch: whether there are eight digits varies more than whether there are nine.
    const auto eight = static_cast<unsigned>(behind.eight_digits(mantissa));
    if ((eight & static_cast<unsigned>(behind.at_digit())) != 0 && behind.eight_digits(mantissa))
      return std::nullopt;
    fraction = behind.at_ - point - 1;
  }
  if (behind.at_digit() || *behind.at_ == 'e' || *behind.at_ == 'E') return std::nullopt;
  const auto near = scanner_detail::nearest_float(mantissa, -fraction);
  if (!near) return std::nullopt;
  *this = behind;
  return negative ? -*near : *near;
}

inline std::int64_t Scanner::exponent() {
  Scanner ahead = *this;
  ++ahead.at_;
  const bool negative = ahead.skip('-');
  if (!negative) ahead.skip('+');
  const std::optional<std::uint64_t> value = ahead.integer();
  if (!value) return 0;
  *this = ahead;
  const auto size = static_cast<std::int64_t>(std::min<std::uint64_t>(*value, 1'000'000'000));
  return negative ? -size : size;
}

inline float Scanner::any_real() {
  const Scanner start = *this;
  const bool negative = skip('-');
  const bool plus = !negative && skip('+');
  std::uint64_t mantissa = 0;
  const std::ptrdiff_t whole = digits(mantissa);
  const std::ptrdiff_t fraction = skip('.') ? digits(mantissa) : 0;
  if (whole + fraction == 0) {
    *this = start;
    return std::numeric_limits<float>::quiet_NaN();
  }
  const std::int64_t power = (peek() == 'e' || peek() == 'E' ? exponent() : 0) - fraction;
  if (whole + fraction <= kExactDigits)
    if (const auto near = scanner_detail::nearest_float(mantissa, power)) return negative ? -*near : *near;
  return scanner_detail::nearest_float({start.at_ + plus, at_}, power);
}

// Only the copy's address is taken.
inline float Scanner::real() {
  if (const std::optional<float> value = short_real()) return *value;
  Scanner copy = *this;
  const float value = copy.any_real();
  *this = copy;
  return value;
}

// `bytes` in quotes for a message, shortened; what is not printable ASCII becomes \xNN.
inline std::string quoted(std::string_view bytes) {
  constexpr std::size_t kLongest = 20;
  constexpr const char* kHex = "0123456789abcdef";
  std::string text = "\"";
  for (const char c : bytes.substr(0, kLongest)) {
    const auto byte = static_cast<unsigned char>(c);
    if (c >= ' ' && c <= '~') {
      text += c;
    } else {
      text.append("\\x").append({kHex[byte / 16], kHex[byte % 16]});
    }
  }
  return text + (bytes.size() > kLongest ? "...\"" : "\"");
}

// What stands at `here`, for the message that refuses it.
inline std::string found_at(const Scanner& here) {
  if (const std::string_view token = here.token(); !token.empty()) return quoted(token);
  if (here.done()) return "the end of the file";
  return here.at_blank() ? "a blank" : "the end of the line";
}

// Where in `text`, the content of `file`, `at` points to.
inline Position locate(const std::string& file, std::string_view text, const char* at) {
  Position where{file};
  const char* line = nullptr;
  Scanner scan(text);
  const auto ended = [&] { return scan.at() != line && Scanner({scan.at() - 1, 1}).at_line_end(); };
  do {
    line = scan.at();
    ++where.line;
    scan.skip_line();
  } while (scan.at() <= at && ended());
  where.column = static_cast<std::size_t>(at - line) + 1;
  return where;
}

}  // namespace sounder
