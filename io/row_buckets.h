#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "io/dataset.h"
#include "io/random.h"

namespace sounder {

// Rows on disk, each in a bucket that is drawn for it: the buckets one behind the other, each shuffled, are all rows in
// random order, whatever order they came in. They lie in a temporary file without a name, so nothing is left of it
// however the program ends. Not thread-safe.
class RowBuckets {
 public:
  // In the directory of `path`. Every member throws InputError, naming the path, when the disk does not do its part.
  RowBuckets(const std::string& path, std::size_t buckets, std::uint64_t seed);
  ~RowBuckets();
  RowBuckets(const RowBuckets&) = delete;
  RowBuckets& operator=(const RowBuckets&) = delete;

  std::size_t buckets() const { return buckets_.size(); }
  std::uint64_t rows() const { return rows_; }
  std::uint64_t nonzeros() const { return nonzeros_; }

  void add(float label, std::span<const Coordinate> columns, std::span<const float> values);

  // Appends the rows of a bucket, in the order in which they were added, without weights.
  void append_to(Dataset::Columns& to, std::size_t bucket) const;

 private:
  using Words = std::vector<std::uint32_t>;

  // A row is its number of columns, its label, the columns, the values. Chunks hold whole rows.
  struct Chunk {
    std::uint64_t place;
    std::size_t words;
  };
  struct Bucket {
    std::vector<Chunk> written;
    Words waiting;
  };

  void write(Bucket& bucket);
  void read(const Chunk& chunk, Words& to) const;
  [[noreturn]] void fail(const char* attempt, int error) const;

  std::string path_;
  std::string directory_;
  int file_ = -1;
  std::uint64_t end_ = 0;
  std::uint64_t rows_ = 0;
  std::uint64_t nonzeros_ = 0;
  Random random_;
  std::size_t chunk_words_;
  std::vector<Bucket> buckets_;
};

}  // namespace sounder
