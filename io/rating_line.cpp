#include "io/rating_line.h"

#include <cmath>
#include <limits>

namespace sounder {
namespace {

// In the order in which they are tried: what has tabs or colons between its fields may have commas and blanks
// in them. The space stands for any blanks.
constexpr Separator kSeparators[] = {
    {'\t', 1, "a tab"}, {':', 2, "\"::\""}, {',', 1, "a comma"}, {' ', 1, "a blank"}};

// Of any alphabet.
bool begins_with_letter(std::string_view text) {
  if (text.empty()) return false;
  const char lower = static_cast<char>(text[0] | 0x20);
  return (lower >= 'a' && lower <= 'z') || (text[0] & 0x80) != 0;
}

// A number, or what takes the place of one.
bool is_numeric(std::string_view field) {
  if (!std::isnan(number_of(field))) return true;
  if (field.starts_with('-') || field.starts_with('+')) field.remove_prefix(1);
  std::string lower(field);
  for (char& c : lower) c = static_cast<char>(c | 0x20);
  return lower == "nan" || lower == "inf" || lower == "infinity";
}

// How many fields a line has; 0 if one of them is not as holds(place, field) wants it.
template <class Holds>
int count_fields(std::string_view line, Holds&& holds) {
  const Separator separator = best_separator(line);
  Fields fields(line, separator);
  std::string buffer;
  int count = 0;
  for (std::string_view field; !(field = fields.next()).empty(); ++count)
    if (!holds(count, unquoted(field, separator, buffer).value_or(""))) return 0;
  return count;
}

}  // namespace

std::optional<std::string_view> unquoted(std::string_view field, Separator separator, std::string& buffer) {
  if (separator.character != ',' || !field.starts_with('"')) return field;
  buffer.clear();
  for (std::size_t i = 1; i < field.size(); ++i) {
    const bool quote = field[i] == '"';
    if (quote && ++i == field.size()) return buffer;
    if (quote && field[i] != '"') return std::nullopt;
    buffer += field[i];
  }
  return std::nullopt;
}

float number_of(std::string_view field) {
  Scanner scan(field);
  const float value = scan.real();
  return scan.done() ? value : std::numeric_limits<float>::quiet_NaN();
}

int fit(std::string_view line, Separator separator) {
  Fields fields(line, separator);
  std::string_view field;
  int count = 0;
  while (count < Fit::kTriple && !(field = fields.next()).empty()) ++count;
  std::string buffer;
  const std::string_view last = unquoted(field, separator, buffer).value_or("");
  return count == Fit::kTriple && !std::isnan(number_of(last)) ? Fit::kRating : count;
}

bool is_header(std::string_view line, std::string_view next) {
  if (line.starts_with('%')) return false;
  const int names = count_fields(line, [](int place, std::string_view field) {
    return !is_numeric(field) && (place != Fit::kTriple - 1 || begins_with_letter(field));
  });
  if (names != Fit::kPair) return names >= Fit::kTriple;
  return count_fields(next, [](int, std::string_view field) { return is_numeric(field); }) == Fit::kPair;
}

Separator best_separator(std::string_view line) {
  return *std::ranges::max_element(kSeparators, {}, [&](Separator s) { return fit(line, s); });
}

}  // namespace sounder
