#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "io/dataset.h"
#include "io/libsvm.h"
#include "io/row_origins.h"

namespace sounder {

// What a piece of LIBSVM text holds, whole lines of it. Used again for another piece, it keeps its memory.
struct LibsvmPiece {
  struct Failure {
    std::size_t line;  // in the piece; from 1, as is the column
    std::size_t column;
    std::string message;
  };

  // `room` each, of which only the first `entries` are written. Columns are counted from the index base or, while it is
  // not known, from 1: an index of 0 then is the largest number there is.
  std::shared_ptr<Coordinate[]> columns;
  std::shared_ptr<float[]> values;
  std::size_t room = 0;
  std::size_t entries = 0;
  std::vector<std::size_t> ends;  // of each row, in the entries
  std::vector<float> labels;
  RowLines row_lines;  // in the piece

  std::size_t lines = 0;
  std::uint64_t end = 0;  // one above the largest index as written, that of a zero value included
  bool has_index_zero = false;
  std::optional<Failure> rounded_class;  // RowOrigins has it
  std::optional<Failure> unlabelled;     // LibsvmFile has it
  std::optional<Failure> failure;        // the first; the rest of the text was not read
};

// The index that columns of a piece are counted from.
inline std::uint32_t piece_base(const LibsvmOptions& options) {
  return options.index_base.value_or(1);
}

// Reads `text` into `piece`, of which nothing but memory remains. A column beyond the dimension is a failure when the
// options refuse it and say what the index base is.
void parse_libsvm_piece(std::string_view text, const LibsvmOptions& options, LibsvmPiece& piece);

}  // namespace sounder
