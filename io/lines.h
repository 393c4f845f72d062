#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "io/pages.h"

namespace sounder {

// The lines of a file, plain or compressed (see io/input.h), without what ends them: "\n", "\r\n" or a lone
// "\r". Line i of the file is element i - 1, so that a vocabulary names word i; empty lines are kept, blanks
// as well, a byte order mark is not. Throws InputError when the file cannot be read.
std::vector<std::string> read_lines(const std::string& path);

// Fills the span from where it stopped last, and less of it only at the end. Returns how much.
using ReadBytes = std::function<std::size_t(std::span<char>)>;

// A line that no row is: what has no line ends, as zeros of a disk or another format, would be read into memory as a whole.
class LineTooLong : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Text that arrives bit by bit, in pieces that end with a line, or with the text. Not thread-safe.
class LinePieces {
 public:
  static constexpr std::size_t kMostLine = std::size_t{1} << 30;

  // Pieces have about `bytes` > 0, or as many as a longer line, which has `most_line` at most.
  LinePieces(ReadBytes read, std::size_t bytes, std::size_t most_line = kMostLine)
      : read_(std::move(read)), bytes_(bytes), most_line_(most_line) {}

  // A piece and the room that it is in, to be used again.
  struct Piece {
    GrowingPages room;  // of its own, which the system has back at once
    std::size_t size = 0;

    std::string_view text() const { return {reinterpret_cast<const char*>(room.memory().get()), size}; }
  };

  // Replaces `piece` by the next one. Returns whether there is one. Throws what reading throws, and LineTooLong where the
  // next piece would begin with a line of more than `most_line` bytes.
  bool next(Piece& piece);

 private:
  ReadBytes read_;
  std::size_t bytes_;
  std::size_t most_line_;
  std::vector<char> rest_;  // what was read behind the last line end
  bool ended_ = false;
};

}  // namespace sounder
