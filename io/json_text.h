#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace sounder {

// A JSON document as all files have it: indented by two, with a line end. Names of files, users and words may be any bytes; those
// that are no UTF-8 become U+FFFD.
std::string json_text(const nlohmann::ordered_json& json);

}  // namespace sounder
