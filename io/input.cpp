#include "io/input.h"

#include <sys/mman.h>

#include <algorithm>

namespace sounder {
namespace {

std::string_view read_all(Stream& stream, GrowingPages& pages) {
  constexpr std::size_t kFirst = std::size_t{1} << 20;
  std::size_t room = 0;
  std::size_t size = 0;
  char* bytes = nullptr;
  while (size == room) {
    room = std::max(kFirst, 2 * room);
    bytes = reinterpret_cast<char*>(pages.room(room));
    size += stream.read({bytes + size, room - size});
  }
  pages.keep(size);
  return {bytes, size};
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
    bytes_ = read_all(stream, pages_);
  } else {
    mapped_ = {static_cast<const char*>(mapping), Unmap{size}};
    bytes_ = {mapped_.get(), size};
    madvise(mapping, size, MADV_SEQUENTIAL);
  }
}

}  // namespace sounder
