#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "io/parallel.h"

namespace sounder {

// Sorts `items` things by keys below `keys`, in order of their index where these are equal: calls place(i, to) for each i,
// `to` being where it goes, and returns where each key's end. The items are counted and placed in up to `parts` parts at
// once, each of which needs a count for every key: fewer where that would be more work than it saves. key_of(i) is asked
// twice, on any thread, as place is.
template <class KeyOf, class Place>
std::vector<std::size_t> counting_sort(std::size_t items, std::size_t keys, std::size_t parts,
                                       const ParallelFor& parallel, KeyOf&& key_of, Place&& place) {
  constexpr std::size_t kWorth = 8;  // items for each count
  parts = std::clamp<std::size_t>(items / (kWorth * keys + 1), 1, parts);
  const auto for_each_item = [&](std::size_t part, auto&& body) {
    const std::size_t end = items * (part + 1) / parts;
    for (std::size_t i = items * part / parts; i < end; ++i) body(i);
  };
  std::vector<std::vector<std::size_t>> places(
      parts);  // of a part's items: how many a key has, then the next one's
  parallel(parts, [&](std::size_t part) {
    std::vector<std::size_t> counts(keys);
    for_each_item(part, [&](std::size_t i) { ++counts[key_of(i)]; });
    places[part] = std::move(counts);
  });
  std::vector<std::size_t> ends(keys);
  std::size_t placed = 0;
  for (std::size_t key = 0; key < keys; ++key) {
    for (auto& of_part : places) placed += std::exchange(of_part[key], placed);
    ends[key] = placed;
  }
  parallel(parts, [&](std::size_t part) {
    std::vector<std::size_t> next = std::move(places[part]);
    for_each_item(part, [&](std::size_t i) { place(i, next[key_of(i)]++); });
  });
  return ends;
}

}  // namespace sounder
