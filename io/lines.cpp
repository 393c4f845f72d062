#include "io/lines.h"

#include <string_view>

#include "io/input.h"
#include "io/scanner.h"

namespace sounder {

std::vector<std::string> read_lines(const std::string& path) {
  const Input input(path);
  std::string_view text = input.bytes();
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  std::vector<std::string> lines;
  for (Scanner scan(text); !scan.done(); scan.skip_line()) {
    const std::string_view rest = text.substr(static_cast<std::size_t>(scan.at() - text.data()));
    lines.emplace_back(rest.substr(0, rest.find_first_of("\r\n")));
  }
  return lines;
}

}  // namespace sounder
