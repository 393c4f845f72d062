#pragma once

#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>

namespace sounder {

// Where in a file something was found. Lines and columns count from 1; 0 means "the file as a whole".
struct Position {
  std::string file;
  std::size_t line = 0;
  std::size_t column = 0;
};

// Thrown for everything a user can mend: bad data, a bad model file, an unwritable output, options out of range.
// what() is one line, "file:line:column: what was found, what was expected", ready to be shown.
class InputError : public std::runtime_error {
 public:
  explicit InputError(const std::string& message) : std::runtime_error(message) {}
  InputError(Position where, std::string_view message)
      : std::runtime_error(describe(where, message)), where_(std::move(where)) {}

  const Position& where() const { return where_; }

 private:
  static std::string describe(const Position& where, std::string_view message) {
    std::string text = where.file;
    if (where.line > 0) text += ':' + std::to_string(where.line);
    if (where.column > 0) text += ':' + std::to_string(where.column);
    if (!text.empty()) text += ": ";
    return text.append(message);
  }

  Position where_;
};

}  // namespace sounder
