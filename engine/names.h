#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>

namespace sounder {

// A value of an enum and what it is called in reports and on the command line. An enum has an array of them beside it.
template <class Value>
struct Named {
  Value value;
  std::string_view name;
};

// "" for a value that is not in the table.
template <class Value, std::size_t count>
constexpr std::string_view name_in(const std::array<Named<Value>, count>& table, Value value) {
  const auto found = std::ranges::find(table, value, &Named<Value>::value);
  return found == table.end() ? "" : found->name;
}

// The values of such an array.
template <const auto& kTable>
inline constexpr auto kValuesOf = [] {
  std::array<decltype(kTable.front().value), kTable.size()> values{};
  std::ranges::transform(kTable, values.begin(), [](const auto& named) { return named.value; });
  return values;
}();

}  // namespace sounder
