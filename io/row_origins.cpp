#include "io/row_origins.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "io/scanner.h"

namespace sounder {
namespace {

long double number_of(std::string_view text) {
  long double number = 0;
  if (text.starts_with('+')) text.remove_prefix(1);
  std::from_chars(text.begin(), text.end(), number);
  return number;
}

}  // namespace

void RowLines::append(const RowLines& below, std::size_t above) {
  for (const Run& run : below.runs_) extend({rows_ + run.row, above + run.line});
  rows_ += below.rows_;
}

std::size_t RowLines::line_of(std::size_t row) const {
  if (row >= rows_) return 0;
  const auto behind = std::ranges::upper_bound(runs_, row, {}, &Run::row);
  return (behind - 1)->line + (row - (behind - 1)->row);
}

bool is_rounded_whole(std::string_view text, float label) {
  const long double number = number_of(text);
  return number == std::floor(number) && number != number_of(fmt::format("{}", label));
}

std::string describe_rounded_class(std::string_view text, float label) {
  return fmt::format(
      "found the class {}, which as a float is written {}; expected one that stays as it is, as all whole "
      "numbers up to 16777216 do",
      quoted(text), label);
}

void refuse_row(const std::string& name, const RowLines& lines, std::size_t row, std::string_view message) {
  if (const std::size_t line = lines.line_of(row); line > 0) throw InputError({name, line}, message);
  throw InputError({name}, fmt::format("row {} (counted from 0): {}", row, message));
}

}  // namespace sounder
