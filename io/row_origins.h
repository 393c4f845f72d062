#pragma once

#include <cmath>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "io/error.h"

namespace sounder {

// In which line of its file each row of a Dataset stood. Takes memory only for rows that are not in the line behind the
// one of the row before. A value: copies are independent.
class RowLines {
 public:
  // Of the next row. Lines count from 1 and increase.
  void add(std::size_t line) { extend({rows_++, line}); }

  // The rows of a text that begins behind line `above`.
  void append(const RowLines& below, std::size_t above);

  // 0: nothing is known of that row.
  std::size_t line_of(std::size_t row) const;

  void clear() { *this = {}; }

 private:
  // From this row on, up to the next run, a row a line.
  struct Run {
    std::size_t row;
    std::size_t line;
  };

  void extend(Run run) {
    if (runs_.empty() || run.line - run.row != runs_.back().line - runs_.back().row) runs_.push_back(run);
  }

  std::vector<Run> runs_;
  std::size_t rows_ = 0;
};

// What a reader knows of rows that a Dataset does not hold, for messages.
struct RowOrigins {
  RowLines lines = {};
  // The first label that is_rounded_class().
  std::optional<InputError> rounded_class = {};
};

// Whether a label is a whole number that, read as a float and written again, is another one, so that as a class it
// would come back as that. (Known up to 2^64.)
bool is_rounded_whole(std::string_view text, float label);
inline bool is_rounded_class(std::string_view text, float label) {
  constexpr float kAllExact = 1 << 24;  // up to here every whole number is a float
  return std::fabs(label) >= kAllExact && is_rounded_whole(text, label);
}
// For the message that refuses it.
std::string describe_rounded_class(std::string_view text, float label);

// Throws InputError: "name:line: message" or, where the line is not known, "name: row 3 (counted from 0): message".
[[noreturn]] void refuse_row(const std::string& name, const RowLines& lines, std::size_t row,
                             std::string_view message);

}  // namespace sounder
