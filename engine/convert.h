#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>

#include "engine/options.h"
#include "io/labels.h"
#include "objectives/objective.h"

namespace sounder {

class Arena;

// What blocks are made for.
struct Conversion {
  std::optional<std::uint32_t> index_base = {};
  LabelRule label_rule = {};
  bool normalize = false;
  // Of these, rule, l1, bias and average_from say what cells have room for; block_rows, and the seed of all dealing.
  Options options = {};
  // Bytes of text whose rows are in memory at a time, about.
  std::uint64_t bucket_bytes = std::uint64_t{64} << 20;
};

// Makes a block file (engine/block_format.h) of LIBSVM text, plain or compressed, in one pass over it and in bounded
// memory: rows are dealt out at random to a temporary file beside `to`, of some 8 bytes a non-zero, and from there to
// blocks. False when `stop` was requested: then, and after an exception, `to` is what it was before. Throws InputError
// for text and labels as reading them to train on does, for an objective that block files are not for, and when a disk
// is full.
bool convert(const std::string& from, const std::string& to, const Objective& objective,
             const Conversion& conversion, Arena& arena, const std::stop_token& stop = {});

}  // namespace sounder
