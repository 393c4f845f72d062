#include "io/row_buckets.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <filesystem>
#include <system_error>

#include "io/error.h"

namespace sounder {
namespace {

constexpr std::size_t kBufferWords = std::size_t{16} << 20;  // of all buckets together
constexpr std::size_t kMostChunkWords = std::size_t{256} << 10;

std::string directory_of(const std::string& path) {
  const std::filesystem::path parent = std::filesystem::path(path).parent_path();
  return parent.empty() ? "." : parent.string();
}

// Where the file system has no files without names, it loses the one it gets.
int open_nameless(const std::string& directory) {
  const int file = open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (file >= 0 || (errno != EOPNOTSUPP && errno != EISDIR)) return file;
  std::string name = directory + "/sounder.tmpXXXXXX";
  const int named = mkostemp(name.data(), O_CLOEXEC);
  if (named >= 0) unlink(name.c_str());
  return named;
}

void append_rows(std::span<const std::uint32_t> words, Dataset::Columns& to) {
  while (!words.empty()) {
    const std::size_t count = words[0];
    const auto columns = words.subspan(2, count);
    const auto values = words.subspan(2 + count, count);
    to.labels.push_back(std::bit_cast<float>(words[1]));
    to.indices.insert(to.indices.end(), columns.begin(), columns.end());
    for (const std::uint32_t value : values) to.values.push_back(std::bit_cast<float>(value));
    to.offsets.push_back(to.indices.size());
    words = words.subspan(2 + 2 * count);
  }
}

}  // namespace

RowBuckets::RowBuckets(const std::string& path, std::size_t buckets, std::uint64_t seed)
    : path_(path),
      directory_(directory_of(path)),
      file_(open_nameless(directory_)),
      random_(seed),
      chunk_words_(std::min(kBufferWords / buckets, kMostChunkWords)),
      buckets_(buckets) {
  if (file_ < 0) fail("create", errno);
}

RowBuckets::~RowBuckets() {
  if (file_ >= 0) close(file_);
}

void RowBuckets::fail(const char* attempt, int error) const {
  throw InputError({path_}, fmt::format("cannot {} a temporary file in '{}': {}", attempt, directory_,
                                        std::generic_category().message(error)));
}

void RowBuckets::add(float label, std::span<const Coordinate> columns, std::span<const float> values) {
  Bucket& bucket = buckets_[buckets_.size() > 1 ? random_.below(buckets_.size()) : 0];
  Words& words = bucket.waiting;
  words.push_back(static_cast<std::uint32_t>(columns.size()));
  words.push_back(std::bit_cast<std::uint32_t>(label));
  words.insert(words.end(), columns.begin(), columns.end());
  for (const float value : values) words.push_back(std::bit_cast<std::uint32_t>(value));
  ++rows_;
  nonzeros_ += columns.size();
  if (words.size() >= chunk_words_) write(bucket);
}

void RowBuckets::write(Bucket& bucket) {
  bucket.written.push_back({.place = end_, .words = bucket.waiting.size()});
  auto bytes = std::as_bytes(std::span(bucket.waiting));
  while (!bytes.empty()) {
    const ssize_t written = pwrite(file_, bytes.data(), bytes.size(), static_cast<off_t>(end_));
    if (written < 0 && errno != EINTR) fail("write", errno);
    const auto count = static_cast<std::size_t>(std::max<ssize_t>(written, 0));
    bytes = bytes.subspan(count);
    end_ += count;
  }
  bucket.waiting.clear();
}

void RowBuckets::read(const Chunk& chunk, Words& to) const {
  to.resize(chunk.words);
  auto bytes = std::as_writable_bytes(std::span(to));
  std::uint64_t place = chunk.place;
  while (!bytes.empty()) {
    const ssize_t found = pread(file_, bytes.data(), bytes.size(), static_cast<off_t>(place));
    if (found == 0) fail("read", EIO);
    if (found < 0 && errno != EINTR) fail("read", errno);
    const auto count = static_cast<std::size_t>(std::max<ssize_t>(found, 0));
    bytes = bytes.subspan(count);
    place += count;
  }
}

void RowBuckets::append_to(Dataset::Columns& to, std::size_t bucket) const {
  Words words;
  for (const Chunk& chunk : buckets_[bucket].written) {
    read(chunk, words);
    append_rows(words, to);
  }
  append_rows(buckets_[bucket].waiting, to);
}

}  // namespace sounder
