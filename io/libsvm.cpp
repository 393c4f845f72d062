#include "io/libsvm.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <iterator>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include "io/error.h"
#include "io/input.h"
#include "io/scanner.h"

namespace sounder {
namespace {

using Beyond = LibsvmOptions::Beyond;

// So that a dimension fits the 32 bits of a coordinate as well.
constexpr std::uint64_t kMostColumns = std::numeric_limits<Coordinate>::max();

struct Failure {
  const char* at;
  std::string message;
};

// What a piece of the text holds; indices are as written.
struct Piece {
  Dataset::Columns parts;
  std::uint64_t end = 0;  // one above the largest index, that of a zero value included
  bool has_index_zero = false;
  std::optional<Failure> failure;
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
  return options.index_base && options.dimension > 0 && options.beyond == Beyond::kRefuse;
}

class PieceParser {
 public:
  PieceParser(std::string_view text, const LibsvmOptions& options)
      : text_(text),
        scan_(text),
        base_(options.index_base.value_or(0)),
        columns_(refuses_columns(options) ? options.dimension : kMostColumns),
        end_(base_ + std::min(columns_, kMostColumns)) {
    constexpr std::size_t kUsualBytesPerEntry = 8;
    piece_.parts.indices.reserve(text.size() / kUsualBytesPerEntry);
    piece_.parts.values.reserve(text.size() / kUsualBytesPerEntry);
  }

  Piece run() {
    try {
      for (; !scan_.done(); scan_.skip_line()) line();
    } catch (Failure& failure) {
      piece_.failure = std::move(failure);
    }
    return std::move(piece_);
  }

 private:
  // Whether there is more in this line than blanks and a comment.
  bool at_content() {
    scan_.skip_blanks();
    return !scan_.at_line_end() && scan_.peek() != '#';
  }

  void line() {
    if (!at_content()) return;
    piece_.parts.labels.push_back(number("a label"));
    std::uint64_t lowest = base_;
    while (at_content()) lowest = entry(lowest) + 1;
    piece_.parts.offsets.push_back(piece_.parts.indices.size());
    piece_.end = std::max(piece_.end, lowest);
  }

  // Reads "index:value", with an index of `lowest` or more, and returns the index.
  std::uint64_t entry(std::uint64_t lowest) {
    const char* start = scan_.at();
    const std::optional<std::uint64_t> index = scan_.integer();
    if (!index || !scan_.skip(':')) fail(start, "index:value (a whole number, a colon, a number)");
    if (*index < lowest || *index >= end_) refuse_index(start, *index, lowest);
    if (const float value = number("a value"); value != 0) {
      piece_.parts.indices.push_back(static_cast<Coordinate>(*index));
      piece_.parts.values.push_back(value);
    }
    piece_.has_index_zero |= *index == 0;
    return *index;
  }

  float number(const char* what) {
    const char* start = scan_.at();
    const float value = scan_.real();
    if (std::isnan(value) || !scan_.at_separator()) fail(start, fmt::format("{} (a finite number)", what));
    if (std::isinf(value)) fail(start, fmt::format("{} within the range of float (up to 3.4e38)", what));
    return value;
  }

  [[noreturn]] void fail(const char* start, std::string_view expected) const {
    const Scanner there(text_.substr(static_cast<std::size_t>(start - text_.data())));
    throw Failure{start,
                  fmt::format("found {}, expected {}{}", found_at(there), expected, hint(there.token()))};
  }

  [[noreturn]] void refuse_index(const char* start, std::uint64_t index, std::uint64_t lowest) const {
    if (index >= base_ + kMostColumns) fail(start, fmt::format("an index below {}", base_ + kMostColumns));
    if (index >= end_)
      throw Failure{start, fmt::format("column {} (counted from {}): the model has {} columns", index, base_,
                                       columns_)};
    if (lowest == base_) fail(start, "an index of 1 or more (columns are counted from 1)");
    throw Failure{start,
                  fmt::format("found index {} behind index {}: indices must be in strictly increasing order",
                              index, lowest - 1)};
  }

  std::string_view text_;
  Scanner scan_;
  std::uint64_t base_;     // the lowest index; 0 while it is not known
  std::uint64_t columns_;  // how many are accepted
  std::uint64_t end_;      // one above the largest index
  Piece piece_;
};

std::vector<Piece> parse_pieces(std::string_view text, const LibsvmOptions& options,
                                const ParallelFor& parallel) {
  const std::vector<std::string_view> texts = split_at_lines(text, options.piece_bytes);
  std::vector<Piece> pieces(texts.size());
  parallel(texts.size(), [&](std::size_t i) { pieces[i] = PieceParser(texts[i], options).run(); });
  return pieces;
}

// Leaves out the entries with an index of `end` or more.
void drop_from(std::uint64_t end, Dataset::Columns& parts) {
  std::size_t kept = 0;
  std::size_t k = 0;
  for (std::size_t row = 0; row < parts.labels.size(); ++row) {
    for (; k < parts.offsets[row + 1]; ++k) {
      if (parts.indices[k] >= end) continue;
      parts.indices[kept] = parts.indices[k];
      parts.values[kept++] = parts.values[k];
    }
    parts.offsets[row + 1] = kept;
  }
  parts.indices.resize(kept);
  parts.values.resize(kept);
}

// Frees each piece as soon as it is copied.
Dataset::Columns join(std::vector<Piece> pieces, std::uint32_t base, const ParallelFor& parallel) {
  std::vector<std::size_t> rows{0};
  std::vector<std::size_t> entries{0};
  for (const Piece& piece : pieces) {
    rows.push_back(rows.back() + piece.parts.labels.size());
    entries.push_back(entries.back() + piece.parts.indices.size());
  }
  Dataset::Columns all;
  all.offsets.resize(rows.back() + 1);
  all.labels.resize(rows.back());
  all.indices.resize(entries.back());
  all.values.resize(entries.back());
  parallel(pieces.size(), [&](std::size_t i) {
    const Dataset::Columns part = std::move(pieces[i].parts);
    std::transform(part.offsets.begin() + 1, part.offsets.end(), &all.offsets[rows[i] + 1],
                   [&](std::uint64_t offset) { return entries[i] + offset; });
    std::transform(part.indices.begin(), part.indices.end(), all.indices.data() + entries[i],
                   [base](Coordinate index) { return index - base; });
    std::ranges::copy(part.values, all.values.data() + entries[i]);
    std::ranges::copy(part.labels, all.labels.data() + rows[i]);
  });
  return all;
}

void refuse_failed(std::span<const Piece> pieces, const std::string& name, std::string_view text) {
  for (const Piece& piece : pieces)
    if (piece.failure) throw InputError(locate(name, text, piece.failure->at), piece.failure->message);
  if (text.empty()) throw InputError(Position{name}, "no samples: the file is empty");
  if (std::ranges::all_of(pieces, [](const Piece& piece) { return piece.parts.labels.empty(); }))
    throw InputError(Position{name}, "no samples: every line is blank or a comment");
}

void check(std::uint32_t index_base) {
  if (index_base > 1) throw InputError(fmt::format("index_base = {}: must be 0 or 1", index_base));
}

LibsvmOptions with_base(LibsvmOptions options, std::uint32_t index_base) {
  options.index_base = index_base;
  return options;
}

template <class Number>
void append(std::string& text, Number number) {
  char buffer[32];
  text.append(buffer, std::to_chars(std::begin(buffer), std::end(buffer), number).ptr);
}

}  // namespace

LibsvmFile parse_libsvm(std::string_view text, const std::string& name, const LibsvmOptions& options,
                        const ParallelFor& parallel) {
  check(options.index_base.value_or(0));
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  std::vector<Piece> pieces = parse_pieces(text, options, parallel);
  refuse_failed(pieces, name, text);

  const bool zero_based = std::ranges::any_of(pieces, &Piece::has_index_zero);
  const std::uint32_t base = options.index_base.value_or(zero_based ? 0 : 1);
  const std::uint64_t end = std::ranges::max_element(pieces, {}, &Piece::end)->end;
  std::size_t columns = end > base ? end - base : 0;
  const bool beyond = options.dimension > 0 && columns > options.dimension;
  if (beyond && options.beyond == Beyond::kRefuse)
    return parse_libsvm(text, name, with_base(options, base), parallel);  // throws where the column stands
  if (beyond && options.beyond == Beyond::kDrop) {
    columns = options.dimension;
    parallel(pieces.size(), [&](std::size_t i) { drop_from(base + columns, pieces[i].parts); });
  }
  return {Dataset(std::max(columns, options.dimension), join(std::move(pieces), base, parallel)), base};
}

LibsvmFile read_libsvm(const std::string& path, const LibsvmOptions& options, const ParallelFor& parallel) {
  const Input input(path);
  return parse_libsvm(input.bytes(), path, options, parallel);
}

void write_libsvm(const Dataset& data, std::ostream& out, std::uint32_t index_base) {
  check(index_base);
  if (data.weighted()) throw InputError("LIBSVM text has no place for the weights of samples");
  std::string line;
  for (std::size_t i = 0; i < data.rows(); ++i) {
    const Row row = data.row(i);
    line.clear();
    append(line, row.label);
    for (std::size_t k = 0; k < row.support.size(); ++k) {
      append(line += ' ', std::uint64_t{row.support[k]} + index_base);
      append(line += ':', row.values[k]);
    }
    out << (line += '\n');
  }
}

}  // namespace sounder
