#pragma once

#include <cstddef>
#include <memory>
#include <utility>

namespace sounder {

// So many zeroed bytes straight from the system, aligned to a cache line; 4 MiB and more in huge pages, where the system
// has them: a quarter of the time to touch them first, and fewer misses after. Throws std::bad_alloc.
std::shared_ptr<std::byte> allocate_pages(std::size_t bytes);

// The same for an array of numbers.
template <class T>
std::shared_ptr<T[]> allocate_array(std::size_t count) {
  std::shared_ptr<std::byte> pages = allocate_pages(count * sizeof(T));
  T* const begin = reinterpret_cast<T*>(pages.get());
  return {std::move(pages), begin};
}

// Returns to the system the whole pages behind the first `kept` bytes of an allocation of `bytes`.
void give_back(std::byte* memory, std::size_t bytes, std::size_t kept);

// Of an allocation of so many bytes, what the system places as a whole.
std::size_t page_size(std::size_t bytes);

// Bytes that grow at the end without being copied: there are addresses behind them, and when these run out the pages move. Not
// thread-safe.
class GrowingPages {
 public:
  // Room for so many bytes in all, aligned to a cache line: those that were there before, then zeroed ones. What was
  // returned before is no longer valid. Throws std::bad_alloc.
  std::byte* room(std::size_t bytes);

  // Gives back what was written behind so many bytes: what is huge was touched as a whole.
  void keep(std::size_t bytes);

  // What room() returned last, for whoever wants to keep it.
  const std::shared_ptr<std::byte>& memory() const { return memory_; }

 private:
  void move(std::size_t size);

  std::shared_ptr<std::byte> memory_;
  std::size_t size_ = 0;
  std::size_t reserved_ = 0;  // addresses, of which the first `size_` may be used
};

// Memory for many pieces, one behind the other in slabs that grow up to 4 MiB. Not thread-safe.
class Slabs {
 public:
  // So many zeroed bytes, aligned to 16, which last as long as somebody holds them. Throws std::bad_alloc.
  std::shared_ptr<std::byte> take(std::size_t bytes);

 private:
  std::shared_ptr<std::byte> slab_;
  std::size_t size_ = 0;
  std::size_t used_ = 0;
};

}  // namespace sounder
