#include "io/ids.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <cassert>
#include <utility>

#include "io/error.h"
#include "io/scanner.h"

namespace sounder {
namespace {

std::uint32_t hash_of(std::string_view name) {
  return static_cast<std::uint32_t>(XXH3_64bits(name.data(), name.size()));
}

}  // namespace

Ids::Ids(const std::vector<std::string>& names) {
  for (const std::string& name : names)
    if (add(name) + std::size_t{1} != size())
      throw InputError(fmt::format("found the name {} twice", quoted(name)));
}

std::uint32_t Ids::add(std::string_view name) {
  if (2 * size() >= slots_.size()) grow();
  const std::uint32_t hash = hash_of(name);
  Slot& slot = slots_[probe(name, hash)];
  if (slot.position == 0) {
    if (size() == kMost) throw InputError(fmt::format("more than {} different names", kMost));
    pool_ += name;
    ends_.push_back(pool_.size());
    slot = {hash, static_cast<std::uint32_t>(size())};
  }
  return slot.position - 1;
}

std::optional<std::uint32_t> Ids::find(std::string_view name) const {
  if (slots_.empty()) return std::nullopt;
  const std::uint32_t position = slots_[probe(name, hash_of(name))].position;
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

std::size_t Ids::probe(std::string_view name, std::uint32_t hash) const {
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t i = hash & mask;; i = (i + 1) & mask) {
    const Slot& slot = slots_[i];
    if (slot.position == 0 || (slot.hash == hash && this->name(slot.position - 1) == name)) return i;
  }
}

void Ids::grow() {
  constexpr std::size_t kFewest = 16;
  std::vector<Slot> bigger(std::max(kFewest, 2 * slots_.size()));
  const std::size_t mask = bigger.size() - 1;
  for (const Slot& slot : slots_) {
    if (slot.position == 0) continue;
    std::size_t i = slot.hash & mask;
    while (bigger[i].position != 0) i = (i + 1) & mask;
    bigger[i] = slot;
  }
  slots_ = std::move(bigger);
}

}  // namespace sounder
