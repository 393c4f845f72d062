#pragma once

#include <string>
#include <string_view>

namespace sounder {

// `text` as content of an XML element: markup is escaped, and bytes that are not UTF-8 or that XML does not
// allow become U+FFFD.
std::string xml_text(std::string_view text);

}  // namespace sounder
