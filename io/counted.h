#pragma once

#include <fmt/format.h>

#include <concepts>
#include <string>
#include <string_view>

namespace sounder {

// "1 epoch", "2 epochs"; of things whose plural ends in s.
std::string counted(std::integral auto count, std::string_view thing) {
  return fmt::format("{} {}{}", count, thing, count == 1 ? "" : "s");
}

}  // namespace sounder
