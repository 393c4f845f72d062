#include "io/lines.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "io/input.h"
#include "io/scanner.h"

namespace sounder {
namespace {

// Behind the last line end that is surely whole, or 0. A "\r" at the end may be the first half of one.
std::size_t last_line_end(std::string_view text) {
  const std::size_t feed = text.rfind('\n');
  if (feed != text.npos) return feed + 1;
  return text.size() < 2 ? 0 : text.rfind('\r', text.size() - 2) + 1;
}

}  // namespace

std::vector<std::string> read_lines(const std::string& path) {
  const Input input(path);
  const std::string_view text = input.bytes();
  std::vector<std::string> lines;
  for (Scanner scan(text); !scan.done(); scan.skip_line()) {
    const std::string_view rest = text.substr(static_cast<std::size_t>(scan.at() - text.data()));
    lines.emplace_back(rest.substr(0, rest.find_first_of("\r\n")));
  }
  return lines;
}

bool LinePieces::next(Piece& piece) {
  const auto room_for = [&](std::size_t bytes) { return reinterpret_cast<char*>(piece.room.room(bytes)); };
  std::ranges::copy(rest_, room_for(rest_.size()));
  piece.size = rest_.size();
  std::size_t cut = 0;
  while (cut == 0 && !ended_) {
    if (piece.size > most_line_)
      throw LineTooLong(
          fmt::format("found no end of the line within {} bytes, expected a row of text", most_line_));
    const std::size_t more = std::min(std::max(bytes_, piece.size), most_line_ + 1 - piece.size);
    const std::size_t count = read_({room_for(piece.size + more) + piece.size, more});
    piece.size += count;
    ended_ = count < more;
    cut = ended_ ? piece.size : last_line_end(piece.text());
  }
  const std::string_view rest = piece.text().substr(cut);
  rest_.assign(rest.begin(), rest.end());
  piece.size = cut;
  return cut > 0;
}

}  // namespace sounder
