#include "io/pages.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <new>
#include <utility>

namespace sounder {
namespace {

constexpr std::size_t kHugePage = std::size_t{2} << 20;
constexpr std::size_t kFirstSlab = std::size_t{64} << 10;
constexpr std::size_t kLargestSlab = 2 * kHugePage;
constexpr std::size_t kAlignment = 16;

std::size_t round_up(std::size_t size, std::size_t unit) {
  return (size + unit - 1) / unit * unit;
}

std::byte* map(std::size_t bytes) {
  void* const begin = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (begin == MAP_FAILED) throw std::bad_alloc();
  return static_cast<std::byte*>(begin);
}

// Both are whole pages of their own. `from` stays mapped, for its owner to unmap: another thread could be given a hole.
void move_pages(std::byte* from, std::byte* to, std::size_t bytes) {
  constexpr int kHow = MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP;
  if (mremap(from, bytes, bytes, kHow, to) == MAP_FAILED) std::memcpy(to, from, bytes);
}

bool is_huge(std::size_t bytes) {
  return bytes >= 2 * kHugePage;
}

}  // namespace

std::size_t page_size(std::size_t bytes) {
  return is_huge(bytes) ? kHugePage : static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

std::shared_ptr<std::byte> allocate_pages(std::size_t bytes) {
  const bool huge = is_huge(bytes);
  const std::size_t size = huge ? round_up(bytes, kHugePage) + kHugePage : std::max<std::size_t>(bytes, 1);
  std::byte* const begin = map(size);
  std::shared_ptr<std::byte> whole(begin, [size](std::byte* memory) { munmap(memory, size); });
  if (!huge) return whole;
  const std::size_t skipped =
      round_up(reinterpret_cast<std::uintptr_t>(begin), kHugePage) - reinterpret_cast<std::uintptr_t>(begin);
  madvise(begin + skipped, size - kHugePage, MADV_HUGEPAGE);
  return {whole, begin + skipped};
}

void give_back(std::byte* memory, std::size_t bytes, std::size_t kept) {
  const std::size_t whole = round_up(kept, page_size(0));
  if (whole >= bytes) return;
  madvise(memory + whole, bytes - whole, MADV_DONTNEED);
  madvise(memory + whole, bytes - whole,
          MADV_NOHUGEPAGE);  // or the system may make them one again with what is kept
}

std::byte* GrowingPages::room(std::size_t bytes) {
  if (bytes <= size_ && memory_) return memory_.get();
  const std::size_t size = std::max(kFirstSlab, std::bit_ceil(bytes));
  std::shared_ptr<std::byte> larger = allocate_pages(size);
  if (memory_) move_pages(memory_.get(), larger.get(), size_);
  memory_ = std::move(larger);
  size_ = size;
  return memory_.get();
}

void GrowingPages::keep(std::size_t bytes) {
  give_back(memory_.get(), size_, bytes);
}

std::shared_ptr<std::byte> Slabs::take(std::size_t bytes) {
  const std::size_t wanted = round_up(bytes, kAlignment);
  if (!slab_ || wanted > size_ - used_) {
    size_ = std::max(wanted, std::clamp(2 * size_, kFirstSlab, kLargestSlab));
    used_ = 0;
    slab_ = allocate_pages(size_);
  }
  const std::size_t place = std::exchange(used_, used_ + wanted);
  return {slab_, slab_.get() + place};
}

}  // namespace sounder
