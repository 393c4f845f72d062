#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "io/scanner.h"

namespace sounder {

// Lines of ratings (io/ratings.h), and what they are made of.

// What stands between two fields.
struct Separator {
  char character;
  std::size_t count;  // of the character
  const char* name;
};

// Cuts text into those of its lines that are not blank.
class Lines {
 public:
  explicit Lines(std::string_view text) : scan_(text) {}

  // The next line without its end; empty when there is none.
  std::string_view next() {
    while (!scan_.done()) {
      const char* begin = scan_.at();
      ++count_;
      scan_.skip_blanks();
      const bool blank = scan_.at_line_end();
      scan_.skip_line();
      if (!blank) return without_end({begin, scan_.at()});
    }
    return {};
  }

  // How many there were so far, blank ones included.
  std::size_t count() const { return count_; }

 private:
  static std::string_view without_end(std::string_view line) {
    while (line.ends_with('\n') || line.ends_with('\r')) line.remove_suffix(1);
    return line;
  }

  Scanner scan_;
  std::size_t count_ = 0;
};

// Cuts a line into fields.
class Fields {
 public:
  Fields(std::string_view line, Separator separator) : rest_(line), separator_(separator) { skip_blanks(); }

  bool done() const { return rest_.empty(); }

  // The next field, with its quotes but without the blanks around it; empty, and at the end of the line, when
  // there is none.
  std::string_view next() {
    std::string_view field = rest_.substr(0, field_end());
    rest_.remove_prefix(std::min(rest_.size(), field.size() + separator_.count));
    skip_blanks();
    while (field.ends_with(' ') || field.ends_with('\t')) field.remove_suffix(1);
    return field;
  }

 private:
  void skip_blanks() {
    const char tab = separator_.character == '\t' ? ' ' : '\t';
    while (rest_.starts_with(' ') || rest_.starts_with(tab)) rest_.remove_prefix(1);
  }

  std::size_t field_end() const {
    if (separator_.character == ',' && rest_.starts_with('"')) return quoted_end();
    std::size_t i = 0;
    while (i < rest_.size() && !is_separator(i)) ++i;
    return i;
  }

  // What stands between two quotes is no separator.
  std::size_t quoted_end() const {
    bool inside = false;
    for (std::size_t i = 0; i < rest_.size(); ++i) {
      inside ^= rest_[i] == '"';
      if (!inside && is_separator(i)) return i;
    }
    return rest_.size();
  }

  bool is_separator(std::size_t i) const {
    if (rest_[i] != separator_.character) return separator_.character == ' ' && rest_[i] == '\t';
    return separator_.count == 1 || rest_.substr(i + 1).starts_with(separator_.character);
  }

  std::string_view rest_;
  Separator separator_;
};

// What is in a field: itself or, between commas, what its quotes enclose, copied to `buffer`. Nothing when the
// quotes do not match.
std::optional<std::string_view> unquoted(std::string_view field, Separator separator, std::string& buffer);

// NaN when `field` is no number.
float number_of(std::string_view field);

// How many of the first three fields a line has with this separator, and one more when the third is a number.
struct Fit {
  static constexpr int kPair = 2;
  static constexpr int kTriple = 3;
  static constexpr int kRating = 4;
};
int fit(std::string_view line, Separator separator);

// Whether a first line names its columns: none of its fields is a number, "nan" or "inf", and the third begins with a letter or,
// where there are two, both of the next line are numbers.
bool is_header(std::string_view line, std::string_view next);

// What fits a line best.
Separator best_separator(std::string_view line);

}  // namespace sounder
