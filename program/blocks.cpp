#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>

#include "engine/block_file.h"
#include "io/error.h"
#include "io/memory.h"
#include "program/commands.h"

namespace sounder {
namespace {

// What was settled when the file was made.
void check_settled(const TrainFlags& flags, const BlockFileShape& made) {
  const auto settled = [&](bool holds, std::string_view flag) {
    if (!holds)
      throw InputError({flags.data},
                       fmt::format("{} is settled in a block file: give it to sounder convert", flag));
  };
  settled(!flags.index_base || *flags.index_base == made.index_base, "--index-base");
  settled(!flags.normalize || made.normalize, "--normalize");
  settled(flags.labels == LabelRule() || flags.labels == made.label_rule, "which labels are positive");
  settled(flags.label_file.empty(), "--labels");
  if (flags.scale_columns)
    throw InputError({flags.data}, "--scale-columns needs samples, found a block file: scale them before");
  if (flags.valid_share)
    throw InputError({flags.data},
                     "--valid-share needs samples, found a block file: give a file of them to --valid");
  if (flags.class_weights.any() || !flags.sample_weights.empty())
    throw InputError({flags.data}, "a block file has no place for weights of samples");
}

SampleScheme scheme_of(const BlockFileShape& shape) {
  return {.dimension = shape.dimension,
          .index_base = shape.index_base,
          .labels = shape.encoding,
          .label_rule = shape.label_rule,
          .normalize = shape.normalize,
          .kind = shape.labels};
}

void check_start(const TrainFlags& flags, const Model& start, const SampleScheme& scheme) {
  const auto expect = [&](bool holds, std::string_view what) {
    if (!holds)
      throw InputError({flags.data}, fmt::format("found other {} than those of {}", what, flags.start));
  };
  expect(scheme.index_base == start.index_base, "column numbers");
  expect(scheme.normalize == start.normalize, "lengths of rows");
  expect(scheme.labels == start.labels && scheme.label_rule == start.label_rule, "labels");
}

}  // namespace

bool begins_with(const std::string& path, std::string_view beginning) {
  std::error_code unreadable;
  if (!std::filesystem::is_regular_file(path, unreadable)) return false;
  std::string found(beginning.size(), '\0');
  std::ifstream(path, std::ios::binary).read(found.data(), static_cast<std::streamsize>(found.size()));
  return found == beginning;
}

bool names_blocks(const std::string& path) {
  return begins_with(path, kBlockFileMagic);
}

TrainingSet load_blocks(const TrainFlags& flags) {
  const double memory = flags.memory_mb ? *flags.memory_mb * 1e6 : static_cast<double>(free_memory()) / 2;
  TrainingSet set;
  set.blocks =
      std::make_shared<const BlockFile>(flags.data, static_cast<std::size_t>(std::min(memory, 0x1p62)));
  check_settled(flags, set.blocks->shape());
  set.scheme = scheme_of(set.blocks->shape());
  set.start = load_start(flags);
  if (set.start) check_start(flags, *set.start, set.scheme);
  set.objective = make_objective(flags.objective, flags.parameters);
  if (flags.validation.empty()) return set;
  Arena arena(flags.options);
  set.validation = read_validation(flags, set.scheme, parallel_on(arena));
  return set;
}

}  // namespace sounder
