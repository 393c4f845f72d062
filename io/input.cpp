#include "io/input.h"

#include <sys/mman.h>

#include <algorithm>
#include <span>
#include <utility>

namespace sounder {
namespace {

std::string read_all(Stream& stream) {
  constexpr std::size_t kFirst = std::size_t{1} << 16;
  std::string bytes;
  std::size_t size = 0;
  while (size == bytes.size()) {
    bytes.resize(std::max(kFirst, 2 * size));
    size += stream.read(std::span(bytes).subspan(size));
  }
  bytes.resize(size);
  return bytes;
}

}  // namespace

void Input::Unmap::operator()(const char* begin) const {
  munmap(const_cast<char*>(begin), size);
}

Input::Input(const std::string& path) : Input(Stream(path)) {}

Input::Input(Stream stream) {
  const std::size_t size = stream.mappable_size();
  void* mapping = size > 0 ? mmap(nullptr, size, PROT_READ, MAP_PRIVATE, stream.descriptor(), 0) : MAP_FAILED;
  if (mapping == MAP_FAILED) {
    owned_ = read_all(stream);
  } else {
    mapped_ = {static_cast<const char*>(mapping), Unmap{size}};
    madvise(mapping, size, MADV_SEQUENTIAL);
  }
}

}  // namespace sounder
