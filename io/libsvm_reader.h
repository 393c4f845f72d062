#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "io/libsvm.h"
#include "io/libsvm_piece.h"
#include "io/lines.h"
#include "io/pages.h"
#include "io/parallel.h"
#include "io/text_queue.h"

namespace sounder {

// The rows of pieces, one behind the other. Non-zeros are copied once, from a piece that is in the cache: the memory
// that they go to grows without another copy.
class LibsvmRows {
 public:
  void append(const LibsvmPiece& piece);

  // Adds one to each column, modulo 2^32.
  void shift(const ParallelFor& parallel);

  // Leaves out what is in column `end` and behind it. Returns how much that is.
  std::uint64_t drop_from(std::size_t end);

  // Leaves nothing here.
  Dataset take(std::size_t dimension);

 private:
  std::span<Coordinate> columns();
  std::span<float> values();

  GrowingPages columns_;
  GrowingPages values_;
  std::vector<std::uint64_t> offsets_{0};
  std::vector<float> labels_;
};

// Reads LIBSVM text that arrives bit by bit: in turn threads take a piece, parse it, and append it to the rows when those
// before it are there, in whatever order they are done.
class LibsvmReader {
 public:
  // `name` and `options` must outlive the reader.
  LibsvmReader(ReadBytes read, const std::string& name, const LibsvmOptions& options)
      : name_(name),
        options_(options),
        texts_(std::move(read), std::max<std::size_t>(options.piece_bytes, 1)) {}

  // Once. Throws as read_libsvm() does.
  LibsvmFile run(const ParallelFor& parallel);
  // Instead, keeping no rows. Throws as scan_libsvm() does.
  LibsvmShape scan(const ParallelFor& parallel, const TakePiece& take);

 private:
  using Failure = LibsvmPiece::Failure;

  // A piece that was parsed.
  struct Job {
    std::size_t number = 0;
    LibsvmPiece piece;
    std::array<std::optional<Failure>, 2>
        beyond;                     // where the index base is still open: what is refused with it
    std::exception_ptr unreadable;  // the text could not be read
  };

  void work();
  std::unique_ptr<Job> idle_job();
  void parse(const TextQueue::Text& text, Job& job) const;
  void give(std::unique_ptr<Job> job);
  void append(Job& job);
  void pass_on(const LibsvmPiece& piece);
  LibsvmShape read(const ParallelFor& parallel);
  void refuse_failed() const;
  InputError error_of(const Failure& failure) const;

  const std::string& name_;
  const LibsvmOptions& options_;
  TakePiece take_;  // empty: rows are kept
  TextQueue texts_;

  std::mutex giving_;                                   // guards these
  std::map<std::size_t, std::unique_ptr<Job>> parsed_;  // and wait for one before them
  std::vector<std::unique_ptr<Job>> idle_;
  bool appending_ = false;

  // Of the thread that is appending.
  std::size_t appended_ = 0;
  LibsvmRows rows_;
  bool any_rows_ = false;
  std::size_t lines_ = 0;
  RowLines row_lines_;     // of rows that are kept
  std::uint64_t end_ = 0;  // one above the largest index
  bool has_index_zero_ = false;
  std::exception_ptr unreadable_;   // what goes wrong first, if anything does:
  std::optional<Failure> failure_;  // this or that
  std::array<std::optional<Failure>, 2> beyond_;
  std::optional<Failure> rounded_class_;
  std::optional<Failure> unlabelled_;
};

}  // namespace sounder
