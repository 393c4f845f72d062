#include "io/ids.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

#include "io/error.h"
#include "io/scanner.h"

namespace sounder {
namespace {

// Of names up to so many bytes the key is the name itself.
constexpr std::size_t kShort = 7;

std::uint64_t load(const char* bytes, std::size_t count) {
  std::uint64_t word = 0;
  std::memcpy(&word, bytes, count);
  return word;
}

// Without a loop or a call: the words from both ends, which may overlap.
std::uint64_t short_bytes(std::string_view name) {
  const char* const at = name.data();
  const std::size_t size = name.size();
  if (size >= 4) return load(at, 4) | load(at + size - 4, 4) << (8 * (size - 4));
  if (size >= 2) return load(at, 2) | load(at + size - 2, 2) << (8 * (size - 2));
  return size == 1 ? load(at, 1) : 0;
}

// Equal for equal names. Of short ones it tells them apart as well: the top byte is the length, of others 128 or more.
std::uint64_t key_of(std::string_view name) {
  constexpr int kTop = 56;
  constexpr std::uint64_t kLong = std::uint64_t{1} << 63;
  if (name.size() > kShort) return XXH3_64bits(name.data(), name.size()) | kLong;
  return short_bytes(name) | std::uint64_t{name.size()} << kTop;
}

// Keys of numbers differ in few bits: the product's upper half depends on all of them (Knuth, vol. 3, 6.4).
std::size_t hash_of(std::uint64_t key) {
  return static_cast<std::size_t>((key * 0x9e3779b97f4a7c15) >> 32);
}

}  // namespace

Ids::Ids(const std::vector<std::string>& names) {
  for (const std::string& name : names)
    if (add(name) + std::size_t{1} != size())
      throw InputError(fmt::format("found the name {} twice", quoted(name)));
}

std::uint32_t Ids::add(std::string_view name) {
  if (2 * size() >= slots_.size()) grow();
  const std::uint64_t key = key_of(name);
  Slot& slot = slots_[probe(name, key)];
  if (slot.position == 0) {
    if (size() == kMost) throw InputError(fmt::format("more than {} different names", kMost));
    pool_ += name;
    ends_.push_back(pool_.size());
    slot = {key, static_cast<std::uint32_t>(size())};
  }
  return slot.position - 1;
}

std::optional<std::uint32_t> Ids::find(std::string_view name) const {
  if (slots_.empty()) return std::nullopt;
  const std::uint32_t position = slots_[probe(name, key_of(name))].position;
  if (position == 0) return std::nullopt;
  return position - 1;
}

std::string_view Ids::name(std::uint32_t number) const {
  assert(number < size());
  const std::uint64_t begin = number == 0 ? 0 : ends_[number - 1];
  return {pool_.data() + begin, ends_[number] - begin};
}

std::vector<std::string> Ids::names() const {
  std::vector<std::string> all;
  all.reserve(size());
  for (std::uint32_t number = 0; number < size(); ++number) all.emplace_back(name(number));
  return all;
}

std::size_t Ids::probe(std::string_view name, std::uint64_t key) const {
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t i = hash_of(key) & mask;; i = (i + 1) & mask) {
    const Slot& slot = slots_[i];
    if (slot.position == 0) return i;
    if (slot.key == key && (name.size() <= kShort || this->name(slot.position - 1) == name)) return i;
  }
}

void Ids::grow() {
  constexpr std::size_t kFewest = 16;
  std::vector<Slot> bigger(std::max(kFewest, 2 * slots_.size()));
  const std::size_t mask = bigger.size() - 1;
  for (const Slot& slot : slots_) {
    if (slot.position == 0) continue;
    std::size_t i = hash_of(slot.key) & mask;
    while (bigger[i].position != 0) i = (i + 1) & mask;
    bigger[i] = slot;
  }
  slots_ = std::move(bigger);
}

}  // namespace sounder
