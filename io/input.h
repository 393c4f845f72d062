#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "io/pages.h"
#include "io/stream.h"

namespace sounder {

// A whole file as bytes.
//
// What is compressed (see io/stream.h) is decompressed to memory. A plain regular file is mapped, not read: nobody may
// truncate it while the Input lives. Anything else (a pipe, /dev/stdin) is read to its end.
//
// Reading bytes() from any number of threads is safe; it is valid while the Input lives and is not moved.
class Input {
 public:
  // Throws InputError when the file cannot be opened or read, or when its compressed data is corrupt or cut
  // short.
  explicit Input(const std::string& path);
  explicit Input(Stream stream);  // of which only ahead() was asked so far

  std::string_view bytes() const { return bytes_; }

 private:
  struct Unmap {
    std::size_t size;
    void operator()(const char* begin) const;
  };

  std::unique_ptr<const char, Unmap> mapped_;
  GrowingPages pages_;  // of what is not
  std::string_view bytes_;
};

}  // namespace sounder
