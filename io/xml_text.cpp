#include "io/xml_text.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace sounder {
namespace {

// The length in bytes of the character that `text` starts with, 0 when XML cannot hold it.
std::size_t character_length(std::string_view text) {
  constexpr std::uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};  // shorter forms exist below
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = byte(0);
  const std::size_t length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  if (length > text.size()) return 0;
  std::uint32_t code = length == 1 ? lead : lead & (0x7fu >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
    code = code << 6 | (byte(i) & 0x3f);
  }
  const bool malformed = (lead >= 0x80 && lead < 0xc0) || lead >= 0xf8 || code < kLeast[length];
  const bool control = code < 0x20 && code != '\t' && code != '\n' && code != '\r';
  const bool reserved = (code >= 0xd800 && code < 0xe000) || code == 0xfffe || code == 0xffff;
  return malformed || control || reserved || code > 0x10ffff ? 0 : length;
}

}  // namespace

std::string xml_text(std::string_view text) {
  constexpr std::string_view kSpecial = "&<>";
  constexpr std::string_view kEntities[] = {"&amp;", "&lt;", "&gt;"};
  std::string out;
  while (!text.empty()) {
    const std::size_t length = character_length(text);
    const std::size_t special = kSpecial.find(text.front());
    out += special != kSpecial.npos ? kEntities[special] : length == 0 ? "\uFFFD" : text.substr(0, length);
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return out;
}

}  // namespace sounder
