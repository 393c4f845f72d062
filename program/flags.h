#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "engine/options.h"
#include "io/labels.h"
#include "io/synthetic.h"

namespace sounder {

// What "-" stands for where an output is named.
inline constexpr const char* kStandardOutput = "/dev/stdout";

// What the command line asked for: one struct a subcommand. Paths are empty when not given.

struct TrainFlags {
  std::string data;
  std::string model;
  std::string report;
  std::string validation;
  std::string objective = "hinge";
  std::optional<double> huber_delta;
  LabelRule labels;
  std::optional<std::uint32_t> index_base;
  bool ignore_unknown = false;
  bool normalize = false;
  bool quiet = false;
  Options options;
};

struct EvaluateFlags {
  std::string model;
  std::string data;
  std::string report;
  std::optional<std::uint32_t> index_base;
  bool ignore_unknown = false;
  bool quiet = false;
  Options options;  // the threads are what matters here
};

struct PredictFlags : EvaluateFlags {
  std::string output = kStandardOutput;
  bool margins = false;
};

struct GenerateFlags {
  std::string output;
  std::uint32_t index_base = 1;
  SyntheticOptions options;
};

struct InfoFlags {
  std::string file;
  std::string json;
  std::optional<std::uint32_t> index_base;
  bool machine = false;
  Options options;  // the threads are what matters here
};

// --help or --version.
struct HelpFlags {
  std::string text;
};

using Flags = std::variant<HelpFlags, TrainFlags, PredictFlags, EvaluateFlags, GenerateFlags, InfoFlags>;

// Everything that can be told without reading a file is checked: throws InputError for flags that are
// unknown, out of range or at odds with each other, and for outputs that cannot be written.
Flags parse_flags(int argc, const char* const* argv);

}  // namespace sounder
