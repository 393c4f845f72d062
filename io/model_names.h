#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "io/model.h"

namespace sounder {

// A model's names and pairs as the bytes that stand for them in a model file (see io/model_file.h). `path` is
// for messages.

using ModelNames = decltype(Model::names);
using ModelPairs = decltype(Model::seen);

// Throws InputError when a name contains '\n'.
std::string encode_names(const ModelNames& names, const std::string& path);

// Each list increases.
std::string encode_pairs(const ModelPairs& pairs);

// The inverses, for parts of the given sizes. Throw InputError unless the bytes are those that would be
// written. With pairs there are two parts.
ModelNames decode_names(std::string_view bytes, std::span<const std::uint64_t> sizes,
                        const std::string& path);
ModelPairs decode_pairs(std::string_view bytes, std::span<const std::uint64_t> sizes,
                        const std::string& path);

}  // namespace sounder
