#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace sounder {

// A file as bytes, one after the other, decompressed on the way.
//
// gzip, bzip2 and zstd are recognised by their first bytes, whatever the name; all members or frames are read. A UTF-8
// byte order mark at the beginning is left out.
// Not thread-safe.
class Stream {
 public:
  // Throws InputError when the file cannot be opened or read, or when its compressed data is corrupt from the start.
  explicit Stream(const std::string& path);
  ~Stream();
  Stream(Stream&&) noexcept;
  Stream& operator=(Stream&&) noexcept;

  // The next bytes, as many as there is room for, and fewer only at the end of the file. Returns how many. Throws
  // InputError when the file cannot be read, or when its compressed data is corrupt or cut short.
  std::size_t read(std::span<char> to);

  // What read() will return next: so many bytes, or fewer at the end of the file. Valid until the next call. Throws
  // the same.
  std::string_view ahead(std::size_t count);

  // Reads compressed data to its end, where its checksums are: throws InputError when it is corrupt or cut short. Does
  // nothing with a plain file. For calling when what was read makes no sense.
  void require_intact();

  // Of a plain regular file without a byte order mark: its descriptor and size, for mapping it. The size is 0 for
  // anything else.
  int descriptor() const;
  std::size_t mappable_size() const;

 private:
  class File;
  class Source;
  class Plain;
  template <class Decoder>
  class Packed;
  static std::unique_ptr<Source> open(const std::string& path);

  std::unique_ptr<Source> source_;
  std::string ahead_;
  bool marked_;  // with a byte order mark; what is ahead comes first
};

}  // namespace sounder
