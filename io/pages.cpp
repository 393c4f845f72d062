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
// What grows to so much gets so much of the address space to grow in: to move pages, all processors are interrupted.
constexpr std::size_t kReservedFrom = std::size_t{1} << 20;
constexpr std::size_t kReserved = std::size_t{1} << 30;

std::size_t round_up(std::size_t size, std::size_t unit) {
  return (size + unit - 1) / unit * unit;
}

bool is_huge(std::size_t bytes) {
  return bytes >= 2 * kHugePage;
}

// What is huge begins with a huge page, and may end with one. Null: the system does not have so much.
std::shared_ptr<std::byte> map(std::size_t bytes, int protection) {
  const bool huge = is_huge(bytes);
  const std::size_t size = huge ? round_up(bytes, kHugePage) + kHugePage : std::max<std::size_t>(bytes, 1);
  void* const begin = mmap(nullptr, size, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (begin == MAP_FAILED) return nullptr;
  std::shared_ptr<std::byte> whole(static_cast<std::byte*>(begin),
                                   [size](std::byte* memory) { munmap(memory, size); });
  if (!huge) return whole;
  const auto address = reinterpret_cast<std::uintptr_t>(begin);
  return {whole, whole.get() + (round_up(address, kHugePage) - address)};
}

void open(std::byte* begin, std::size_t bytes) {
  if (mprotect(begin, bytes, PROT_READ | PROT_WRITE) != 0) throw std::bad_alloc();
}

// Both are whole pages of their own. `from` stays mapped, for its owner to unmap: another thread could be given a hole.
void move_pages(std::byte* from, std::byte* to, std::size_t bytes) {
  constexpr int kHow = MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP;
  if (mremap(from, bytes, bytes, kHow, to) == MAP_FAILED) std::memcpy(to, from, bytes);
}

}  // namespace

std::size_t page_size(std::size_t bytes) {
  return is_huge(bytes) ? kHugePage : static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

std::shared_ptr<std::byte> allocate_pages(std::size_t bytes) {
  std::shared_ptr<std::byte> memory = map(bytes, PROT_READ | PROT_WRITE);
  if (!memory) throw std::bad_alloc();
  if (is_huge(bytes)) madvise(memory.get(), round_up(bytes, kHugePage), MADV_HUGEPAGE);
  return memory;
}

void give_back(std::byte* memory, std::size_t bytes, std::size_t kept) {
  const std::size_t whole = round_up(kept, page_size(0));
  if (whole >= bytes) return;
  madvise(memory + whole, bytes - whole, MADV_DONTNEED);
  // Or the system may make a huge page of them again, with what is kept.
  madvise(memory + whole, bytes - whole, MADV_NOHUGEPAGE);
}

std::byte* GrowingPages::room(std::size_t bytes) {
  if (bytes <= size_ && memory_) return memory_.get();
  const std::size_t size = std::max(kFirstSlab, std::bit_ceil(bytes));
  if (size <= reserved_) {
    open(memory_.get() + size_, size - size_);
  } else {
    move(size);
  }
  if (is_huge(size)) madvise(memory_.get(), size, MADV_HUGEPAGE);
  size_ = size;
  return memory_.get();
}

void GrowingPages::move(std::size_t size) {
  std::size_t reserved = size < kReservedFrom ? size : std::max(size, kReserved);
  std::shared_ptr<std::byte> larger = map(reserved, PROT_NONE);
  if (!larger) larger = map(reserved = size, PROT_NONE);  // addresses may be limited
  if (!larger) throw std::bad_alloc();
  open(larger.get(), size);
  if (memory_) move_pages(memory_.get(), larger.get(), size_);
  memory_ = std::move(larger);
  reserved_ = reserved;
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
