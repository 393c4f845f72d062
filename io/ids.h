#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sounder {

// Names and their numbers 0, 1, 2, ... in the order in which the names came first. A value: copies are
// independent. Reading from any number of threads is safe while nobody adds.
class Ids {
 public:
  // So that the numbers of two sides of a pair fit one Coordinate.
  static constexpr std::size_t kMost = (std::size_t{1} << 31) - 1;

  Ids() = default;
  // The inverse of names(). Throws InputError when a name is there twice.
  explicit Ids(const std::vector<std::string>& names);

  // The number of `name`, which gets the next one when it has none. Throws InputError beyond kMost names.
  std::uint32_t add(std::string_view name);

  std::optional<std::uint32_t> find(std::string_view name) const;

  // The name with a number below size(); valid until the next add().
  std::string_view name(std::uint32_t number) const;

  std::size_t size() const { return ends_.size(); }
  std::vector<std::string> names() const;

 private:
  struct Slot {
    std::uint64_t key = 0;       // of the name
    std::uint32_t position = 0;  // one above the number; 0 when the slot is free
  };

  // The slot of `name`, or the free one that it belongs to. There must be slots.
  std::size_t probe(std::string_view name, std::uint64_t key) const;
  void grow();

  std::string pool_;                 // all names, one behind the other
  std::vector<std::uint64_t> ends_;  // of each name in the pool
  std::vector<Slot> slots_;          // open addressing; a power of two, at most half of them taken
};

}  // namespace sounder
