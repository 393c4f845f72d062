#include "io/model_names.h"

#include <fmt/format.h>

#include <cassert>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "io/error.h"
#include "io/scanner.h"

namespace sounder {
namespace {

void append_number(std::string& bytes, std::uint64_t number) {
  for (; number >= 0x80; number >>= 7) bytes.push_back(static_cast<char>(number | 0x80));
  bytes.push_back(static_cast<char>(number));
}

// Cuts a number from the beginning of `bytes`; nothing unless it is there as append_number() writes it.
std::optional<std::uint32_t> take_number(std::string_view& bytes) {
  std::uint64_t number = 0;
  for (unsigned shift = 0; shift < 32 && !bytes.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(bytes.front());
    bytes.remove_prefix(1);
    number |= std::uint64_t{byte & 0x7fU} << shift;
    if (byte >= 0x80) continue;
    const bool shortest = byte != 0 || shift == 0;
    if (!shortest || number > std::numeric_limits<std::uint32_t>::max()) break;
    return static_cast<std::uint32_t>(number);
  }
  return std::nullopt;
}

// Cuts a list of increasing numbers below `size` from the beginning of `bytes`; nothing unless it is valid.
std::optional<std::vector<std::uint32_t>> take_list(std::string_view& bytes, std::uint64_t size) {
  const std::optional<std::uint32_t> count = take_number(bytes);
  if (!count || *count > bytes.size()) return std::nullopt;
  std::vector<std::uint32_t> numbers(*count);
  std::uint64_t next = 0;
  for (std::uint32_t& number : numbers) {
    const std::optional<std::uint32_t> skipped = take_number(bytes);
    if (!skipped || next + *skipped >= size) return std::nullopt;
    next += *skipped;
    number = static_cast<std::uint32_t>(next++);
  }
  return numbers;
}

void require_end(std::string_view bytes, std::string_view what, const std::string& path) {
  if (bytes.empty()) return;
  throw InputError({path}, fmt::format("{} bytes too many behind the {}", bytes.size(), what));
}

}  // namespace

std::string encode_names(const ModelNames& names, const std::string& path) {
  std::string bytes;
  for (const auto& part : names) {
    for (const std::string& name : part) {
      if (name.find('\n') != name.npos)
        throw InputError({path}, fmt::format("the name {} cannot be kept in a model file", quoted(name)));
      bytes.append(name).push_back('\n');
    }
  }
  return bytes;
}

ModelNames decode_names(std::string_view bytes, std::span<const std::uint64_t> sizes,
                        const std::string& path) {
  ModelNames names;
  for (const std::uint64_t size : sizes) {
    std::vector<std::string>& part = names.emplace_back();
    while (part.size() < size) {
      const std::size_t end = bytes.find('\n');
      if (end == bytes.npos)
        throw InputError(
            {path}, fmt::format("found {} names in part {}, expected {}", part.size(), names.size(), size));
      part.emplace_back(bytes.substr(0, end));
      bytes.remove_prefix(end + 1);
    }
  }
  require_end(bytes, "names", path);
  return names;
}

std::string encode_pairs(const ModelPairs& pairs) {
  std::string bytes;
  for (const auto& numbers : pairs) {
    append_number(bytes, numbers.size());
    std::uint64_t next = 0;
    for (const std::uint64_t number : numbers) {
      assert(number >= next);
      append_number(bytes, number - next);
      next = number + 1;
    }
  }
  return bytes;
}

ModelPairs decode_pairs(std::string_view bytes, std::span<const std::uint64_t> sizes,
                        const std::string& path) {
  if (bytes.empty()) return {};
  assert(sizes.size() == 2);
  ModelPairs pairs(sizes[0]);
  for (auto& numbers : pairs) {
    auto list = take_list(bytes, sizes[1]);
    if (!list)
      throw InputError({path},
                       fmt::format("pairs of {} (counted from 0): found no increasing numbers below {}",
                                   &numbers - pairs.data(), sizes[1]));
    numbers = std::move(*list);
  }
  require_end(bytes, "pairs", path);
  return pairs;
}

}  // namespace sounder
