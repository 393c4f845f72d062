#include "io/pages.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

using namespace sounder;

namespace {

bool all_are(const std::shared_ptr<std::byte>& piece, std::size_t bytes, int value) {
  return std::all_of(piece.get(), piece.get() + bytes,
                     [&](std::byte b) { return std::to_integer<int>(b) == value; });
}

}  // namespace

TEST_CASE("pages: zeroed, aligned and writable to the last byte") {
  for (const std::size_t bytes : {std::size_t{0}, std::size_t{1}, std::size_t{5000}, std::size_t{9} << 20}) {
    CAPTURE(bytes);
    const auto pages = allocate_pages(bytes);
    CHECK(reinterpret_cast<std::uintptr_t>(pages.get()) % 64 == 0);
    CHECK(all_are(pages, bytes, 0));
    std::memset(pages.get(), 1, bytes);
  }
}

TEST_CASE("pages: those that grow keep what was written and are zeroed behind it") {
  GrowingPages pages;
  std::size_t written = 0;
  std::vector<std::byte> expected;
  for (const std::size_t bytes : {1UL, 5000UL, 70'000UL, 70'001UL, 3UL << 20, 5UL << 20, 21UL << 20}) {
    CAPTURE(bytes);
    std::byte* const room = pages.room(bytes);
    CHECK(reinterpret_cast<std::uintptr_t>(room) % 64 == 0);
    CHECK(std::equal(expected.begin(), expected.end(), room));
    CHECK(std::all_of(room + written, room + bytes, [](std::byte b) { return b == std::byte{0}; }));
    for (; written < bytes; ++written) room[written] = static_cast<std::byte>(written % 251 + 1);
    expected.assign(room, room + written);
  }
  CHECK(pages.memory().get() == pages.room(0));
}

TEST_CASE("pages: what outgrows its addresses moves with what was written") {
  GrowingPages pages;
  constexpr std::size_t kSmall = 3UL << 20;
  constexpr std::size_t kLarge = (1UL << 30) + 1;
  std::memset(pages.room(kSmall), 1, kSmall);
  pages.room(kLarge / 2)[kLarge / 2 - 1] = std::byte{2};
  const std::byte* const room = pages.room(kLarge);
  CHECK(std::all_of(room, room + kSmall, [](std::byte b) { return b == std::byte{1}; }));
  CHECK(room[kSmall] == std::byte{0});
  CHECK(room[kLarge / 2 - 1] == std::byte{2});
  CHECK(room[kLarge - 1] == std::byte{0});
}

TEST_CASE("pages: what is not kept is given back, and zeroed if it is used again") {
  for (const std::size_t kept : {1UL, 5000UL, 2UL << 20, (3UL << 20) + 1, 5UL << 20}) {
    CAPTURE(kept);
    GrowingPages pages;
    constexpr std::size_t kBytes = 5UL << 20;
    std::memset(pages.room(kBytes), 1, kBytes);
    pages.keep(kept);
    std::byte* const room = pages.room(kBytes);
    CHECK(std::all_of(room, room + kept, [](std::byte b) { return b == std::byte{1}; }));
    const std::size_t behind = (kept / page_size(0) + 1) * page_size(0);
    CHECK(std::all_of(room + std::min(behind, kBytes), room + kBytes,
                      [](std::byte b) { return b == std::byte{0}; }));
  }
}

TEST_CASE("slabs: pieces are zeroed, do not overlap and outlive the slabs") {
  const std::vector<std::size_t> sizes{0, 1, 17, 65536, 3, 100'000, 5'000'000, 40};
  std::vector<std::shared_ptr<std::byte>> pieces;
  {
    Slabs slabs;
    for (const std::size_t size : sizes) {
      pieces.push_back(slabs.take(size));
      CHECK(reinterpret_cast<std::uintptr_t>(pieces.back().get()) % 16 == 0);
      CHECK(all_are(pieces.back(), size, 0));
      std::memset(pieces.back().get(), static_cast<int>(pieces.size()), size);
    }
  }
  for (std::size_t k = 0; k < sizes.size(); ++k) CHECK(all_are(pieces[k], sizes[k], static_cast<int>(k + 1)));
}
