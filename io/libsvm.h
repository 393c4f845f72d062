#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>

#include "io/dataset.h"
#include "io/parallel.h"
#include "io/row_origins.h"

namespace sounder {

class Stream;
struct LibsvmPiece;

// How LIBSVM text is read: one sample a line, "label index:value index:value ...", indices strictly
// increasing, blank lines skipped, "#" at the start of a line or behind a blank begins a comment. Labels and
// values are finite decimal numbers; zeros are not stored. Multi-label ("1,2") and ranking ("qid:3") files
// are refused.
struct LibsvmOptions {
  // What should happen to a column outside of `dimension`.
  enum class Beyond {
    kGrow,    // the dimension grows: it is a minimum
    kRefuse,  // InputError
    kDrop,    // the entry is left out
  };

  // The index of the first column, 0 or 1. Unset: 0 for a file with an index 0, else 1.
  std::optional<std::uint32_t> index_base = {};
  // The number of columns. 0: as many as the file has, whatever `beyond` says.
  std::size_t dimension = 0;
  Beyond beyond = Beyond::kGrow;

  // Whether a row may begin with its first "index:value". Its label is 0 then. A line without anything is no row.
  bool may_lack_labels = false;

  // Bytes of text that are parsed as one piece of work. Changes the speed only.
  std::size_t piece_bytes = std::size_t{1} << 18;
};

struct LibsvmFile {
  Dataset data;
  std::uint32_t index_base = 1;  // as given or found
  RowOrigins origins = {};
  std::optional<InputError> unlabelled = {};  // says where the first label is missing
  std::uint64_t dropped = 0;                  // non-zeros, with Beyond::kDrop
};

// Reads a file, plain or compressed (see io/stream.h), piece by piece. Throws InputError with line and column at the
// first thing in the file that is no LIBSVM text, and when there are no samples at all.
LibsvmFile read_libsvm(const std::string& path, const LibsvmOptions& options = {},
                       const ParallelFor& parallel = run_serially);

// The same for the rest of a stream and for text in memory; messages call it `name`.
LibsvmFile read_libsvm(Stream& stream, const std::string& name, const LibsvmOptions& options = {},
                       const ParallelFor& parallel = run_serially);
LibsvmFile parse_libsvm(std::string_view text, const std::string& name, const LibsvmOptions& options = {},
                        const ParallelFor& parallel = run_serially);

// Goes through text that may be larger than memory: `take` is told the rows a piece at a time, in the order of the
// file, one call at a time and from any thread. What it throws comes out, as does what read_libsvm() throws. Columns of
// a piece are counted as io/libsvm_piece.h says; every column is told, so the options may name no dimension.
struct LibsvmShape {
  std::uint32_t index_base = 1;
  std::size_t dimension = 0;
  std::optional<InputError> rounded_class = {};  // RowOrigins has it
  std::optional<InputError> unlabelled = {};     // LibsvmFile has it
};
using TakePiece = std::function<void(const LibsvmPiece&)>;
LibsvmShape scan_libsvm(Stream& stream, const std::string& name, const LibsvmOptions& options,
                        const ParallelFor& parallel, const TakePiece& take);

// Writes numbers with as many digits as reading them back needs. The dimension is not written. Throws
// InputError for weighted samples: the format has no place for weights. Check the stream's state afterwards.
void write_libsvm(const Dataset& data, std::ostream& out, std::uint32_t index_base = 1);

}  // namespace sounder
