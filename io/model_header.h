#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "io/model.h"

namespace sounder {

// How much stands behind the text of a model file (see io/model_file.h).
struct ModelSizes {
  std::uint64_t biases = 0;          // floats
  std::vector<std::uint64_t> names;  // in each part
  std::uint64_t name_bytes = 0;
  std::uint64_t seen_bytes = 0;
};

// The text of a model file.
struct ModelHeader {
  Model model;  // what the text says: no weights, bias, names and seen
  ModelSizes sizes;
  std::size_t bytes = 0;  // of the text
};

inline constexpr std::size_t kMaxModelHeader = std::size_t{1} << 20;

// The text for the model file `path`. Throws InputError when the model holds what the text cannot.
std::string make_model_header(const Model& model, const ModelSizes& sizes, const std::string& path);

// The inverse: `beginning` is that of `path`, kMaxModelHeader bytes or all there are. Throws InputError with
// the line of what is wrong. Whether the numbers fit each other and the file is for the caller to see.
ModelHeader parse_model_header(std::string_view beginning, const std::string& path);

}  // namespace sounder
