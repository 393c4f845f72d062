#include "io/libsvm_piece.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <utility>

#include "io/pages.h"
#include "io/scanner.h"

namespace sounder {
namespace {

// So that a dimension fits the 32 bits of a coordinate as well.
constexpr std::uint64_t kMostColumns = std::numeric_limits<Coordinate>::max();

struct Refused {
  const char* at;
  std::string message;
};

// What helps a reader of the message that `token` is refused with.
const char* hint(std::string_view token) {
  const auto printable = [](char c) { return c >= ' ' && c <= '~'; };
  if (!std::ranges::all_of(token, printable)) return "; this does not look like LIBSVM text (binary?)";
  if (token.starts_with("qid:")) return "; ranking files (qid) are not supported";
  if (token.find(',') != token.npos) return "; multi-label files and decimal commas are not supported";
  return "";
}

// Whether a column is known to be beyond the dimension as soon as its index is read.
bool refuses_columns(const LibsvmOptions& options) {
  return options.index_base && options.dimension > 0 && options.beyond == LibsvmOptions::Beyond::kRefuse;
}

class Parser {
 public:
  Parser(std::string_view text, const LibsvmOptions& options, LibsvmPiece& piece)
      : text_(text),
        base_(options.index_base.value_or(0)),
        piece_base_(piece_base(options)),
        may_lack_labels_(options.may_lack_labels),
        columns_(refuses_columns(options) ? options.dimension : kMostColumns),
        end_(base_ + std::min(columns_, kMostColumns)),
        piece_(piece) {
    make_room(text.size());
    piece.entries = 0;
    piece.ends.clear();
    piece.labels.clear();
    piece.row_lines.clear();
    piece.lines = 0;
    piece.end = 0;
    piece.has_index_zero = false;
    piece.rounded_class.reset();
    piece.unlabelled.reset();
    piece.failure.reset();
  }

  void run() {
    try {
      for (Scanner scan(text_); !scan.done(); scan.skip_line()) line(scan);
    } catch (Refused& refused) {
      piece_.failure = failure(refused.at, std::move(refused.message));
    }
  }

 private:
  // For as many entries as there can be in the text, or one somewhat longer; what they do not use is never touched.
  void make_room(std::size_t bytes) const {
    constexpr std::size_t kShortestEntry = 4;  // bytes, with what separates it
    if (bytes / kShortestEntry <= piece_.room) return;
    const std::size_t most = std::bit_ceil(bytes) / kShortestEntry;
    piece_.columns = allocate_array<Coordinate>(most);
    piece_.values = allocate_array<float>(most);
    piece_.room = most;
  }

  // Whether there is more in this line than blanks and a comment.
  static bool at_content(Scanner& scan) {
    scan.skip_blanks();
    return !scan.at_line_end() && scan.peek() != '#';
  }

  void line(Scanner& scan) {
    ++piece_.lines;
    if (!at_content(scan)) return;
    piece_.labels.push_back(label(scan));
    piece_.row_lines.add(piece_.lines);
    std::uint64_t lowest = base_;
    while (at_content(scan = usual_entries(scan, lowest))) lowest = entry(scan, lowest) + 1;
    piece_.ends.push_back(piece_.entries);
    piece_.end = std::max(piece_.end, lowest);
  }

  float label(Scanner& scan) {
    const char* start = scan.at();
    if (may_lack_labels_ && at_entry(scan)) {
      if (!piece_.unlabelled) piece_.unlabelled = failure(start, missing_label(scan));
      return 0;
    }
    const float value = number(scan, "a label");
    const std::string_view text(start, scan.at());
    if (is_rounded_class(text, value) && !piece_.rounded_class) [[unlikely]]
      piece_.rounded_class = failure(start, describe_rounded_class(text, value));
    return value;
  }

  static bool at_entry(Scanner scan) { return scan.integer() && scan.skip(':'); }

  static std::string missing_label(const Scanner& scan) {
    return fmt::format("found {}, expected a label", found_at(scan));
  }

  // Goes behind entries, a space before each, that look as most do and have nothing wrong with them. What changes from one
  // to the next stays in registers.
  Scanner usual_entries(Scanner scan, std::uint64_t& lowest) {
    Coordinate* const columns = piece_.columns.get();
    float* const values = piece_.values.get();
    std::size_t entries = piece_.entries;
    std::uint64_t least = lowest;
    const std::uint64_t end = end_;
    const std::uint64_t base = piece_base_;
    for (Scanner next = scan; next.skip(' '); scan = next) {
      const std::optional<std::uint64_t> index = next.short_integer(':');
      if (!index || *index == 0 || *index < least || *index >= end) break;
      const std::optional<float> value = next.short_real();
      if (!value || !next.at_separator()) break;
      columns[entries] = static_cast<Coordinate>(*index - base);
      values[entries] = *value;
      entries += *value != 0;
      least = *index + 1;
    }
    piece_.entries = entries;
    lowest = least;
    return scan;
  }

  // Reads "index:value", with an index of `lowest` or more, and returns the index.
  std::uint64_t entry(Scanner& scan, std::uint64_t lowest) {
    const char* start = scan.at();
    const std::optional<std::uint64_t> index = scan.integer();
    if (!index || !scan.skip(':')) fail(start, "index:value (a whole number, a colon, a number)");
    if (*index < lowest || *index >= end_) refuse_index(start, *index, lowest);
    const float value = number(scan, "a value");
    piece_.columns.get()[piece_.entries] = static_cast<Coordinate>(*index - piece_base_);
    piece_.values.get()[piece_.entries] = value;
    piece_.entries += value != 0;
    piece_.has_index_zero |= *index == 0;
    return *index;
  }

  [[gnu::always_inline]] float number(Scanner& scan, const char* what) const {
    const char* start = scan.at();
    const float value = scan.real();
    if (std::isnan(value) || !scan.at_separator()) fail(start, fmt::format("{} (a finite number)", what));
    if (std::isinf(value)) fail(start, fmt::format("{} within the range of float (up to 3.4e38)", what));
    return value;
  }

  LibsvmPiece::Failure failure(const char* at, std::string message) const {
    const Position where = locate({}, text_, at);
    return {where.line, where.column, std::move(message)};
  }

  [[noreturn]] void fail(const char* start, std::string_view expected) const {
    const Scanner there(text_.substr(static_cast<std::size_t>(start - text_.data())));
    throw Refused{start,
                  fmt::format("found {}, expected {}{}", found_at(there), expected, hint(there.token()))};
  }

  [[noreturn]] void refuse_index(const char* start, std::uint64_t index, std::uint64_t lowest) const {
    if (index >= base_ + kMostColumns) fail(start, fmt::format("an index below {}", base_ + kMostColumns));
    if (index >= end_)
      throw Refused{start, fmt::format("column {} (counted from {}): the model has {} columns; "
                                       "--ignore-unknown leaves others out",
                                       index, base_, columns_)};
    if (lowest == base_) fail(start, "an index of 1 or more (columns are counted from 1)");
    throw Refused{start,
                  fmt::format("found index {} behind index {}: indices must be in strictly increasing order",
                              index, lowest - 1)};
  }

  std::string_view text_;
  std::uint64_t base_;  // the lowest index; 0 while it is not known
  std::uint64_t piece_base_;
  bool may_lack_labels_;
  std::uint64_t columns_;  // how many are accepted
  std::uint64_t end_;      // one above the largest index
  LibsvmPiece& piece_;
};

}  // namespace

void parse_libsvm_piece(std::string_view text, const LibsvmOptions& options, LibsvmPiece& piece) {
  Parser(text, options, piece).run();
}

}  // namespace sounder
