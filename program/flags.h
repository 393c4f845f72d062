#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "engine/inspection.h"
#include "engine/minimum_cut.h"
#include "engine/options.h"
#include "engine/tune.h"
#include "io/cooccurrence.h"
#include "io/labels.h"
#include "io/sample_weights.h"
#include "io/synthetic.h"
#include "objectives/catalogue.h"
#include "objectives/segmentation.h"

namespace sounder {

// What "-" stands for where an output is named.
inline constexpr const char* kStandardOutput = "/dev/stdout";

using Paths = std::vector<std::string>;

inline Paths joined(Paths paths, const Paths& more) {
  paths.insert(paths.end(), more.begin(), more.end());
  return paths;
}

// Whether two paths name one file, missing or not.
bool same_file(const std::string& a, const std::string& b);

// What the command line asked for: one struct a subcommand. Paths are empty when not given. All of them are in inputs(),
// which are read, or in outputs(), which are written: no output may overwrite any other of them.

// The samples, what is minimised over them, and how.
struct ProblemFlags {
  std::string data;
  std::string label_file;  // of images
  std::string objective = "hinge";
  ObjectiveParameters parameters;
  LabelRule labels;
  ClassWeights class_weights;
  std::string sample_weights;  // a file of them
  std::optional<std::uint32_t> index_base;
  std::string vocabulary;  // names of the words
  TextOptions text;
  bool normalize = false;
  bool scale_columns = false;
  Options options;

  Paths inputs() const { return {data, label_file, vocabulary, sample_weights}; }
};

struct TrainFlags : ProblemFlags {
  std::string start;  // a model to go on from
  std::string model;
  std::string report;
  std::string validation;
  std::optional<double> valid_share;  // of the rows, held out where no file of them is given
  std::size_t folds = 0;              // 0: no cross validation
  std::optional<double> memory_mb;    // for a block file
  std::string validation_labels;
  bool ignore_unknown = false;
  bool measure = false;
  bool quiet = false;

  // A model may replace the one that it goes on from, which is in memory by then and replaced as a whole.
  Paths inputs() const {
    return joined(ProblemFlags::inputs(),
                  {same_file(start, model) ? "" : start, validation, validation_labels});
  }
  Paths outputs() const { return {model, report}; }
};

struct ConvertFlags : ProblemFlags {
  std::string output;
  bool average = false;
  bool quiet = false;

  Paths outputs() const { return {output}; }
};

// A discipline at a block size: "atomic", "racy:1".
struct Variant {
  Discipline discipline = Discipline::kAtomic;
  std::size_t block_rows = 0;  // 0: chosen from the data

  bool operator==(const Variant&) const = default;
};

struct SpeedupFlags : ProblemFlags {
  std::string report;
  std::string plot;
  std::vector<Variant> variants;
  std::vector<int> threads;                   // empty: 1, 2, 4, ... and all there are
  std::optional<std::vector<int>> simulated;  // numbers of workers; not set: as many as suit the data
  std::optional<double> target;
  double above = 1;  // % over the best objective seen, unless there is a target
  int repeat = 5;
  bool quiet = false;

  Paths outputs() const { return {report, plot}; }
};

struct TuneFlags : TrainFlags {
  std::vector<double> l2s;
  std::vector<std::optional<double>> steps = {std::nullopt};
  std::vector<std::string> shared;  // arguments that sounder train takes as well

  std::vector<Candidate> candidates() const;  // every l2 with every step
};

struct InspectFlags : ProblemFlags {
  std::string json;
  std::string plot;
  InspectionOptions how;
  std::vector<std::string> given;  // names of the flags on the command line

  Paths outputs() const { return {json, plot}; }
};

struct EvaluateFlags {
  std::size_t top = 0;  // recommendations a user that are judged
  std::string model;
  std::string data;
  std::string label_file;
  std::string observed;  // of a topic model: the part of the documents that is known
  std::string report;
  std::optional<std::uint32_t> index_base;
  bool ignore_unknown = false;
  bool quiet = false;
  Options options;                 // the threads are what matters here
  std::vector<std::string> given;  // names of the flags on the command line

  Paths inputs() const { return {model, data, label_file, observed}; }
  Paths outputs() const { return {report}; }
};

struct PredictFlags : EvaluateFlags {
  std::string output = kStandardOutput;
  bool margins = false;
  bool probabilities = false;

  Paths outputs() const { return {output, report}; }
};

struct GenerateFlags {
  std::string output;
  std::uint32_t index_base = 1;
  SyntheticOptions options;

  static Paths inputs() { return {}; }
  Paths outputs() const { return {output}; }
};

struct InfoFlags {
  std::string file;
  std::string json;
  std::string weights;  // of a model, as text
  std::optional<std::uint32_t> index_base;
  bool machine = false;
  Options options;  // the threads are what matters here

  Paths inputs() const { return {file}; }
  Paths outputs() const { return {json, weights}; }
};

struct TopicsFlags {
  std::string model;
  std::string data;
  std::string json;
  std::string documents;  // to tell the topics of
  std::string output;     // empty: standard output
  std::size_t top = 10;

  Paths inputs() const { return {model, data, documents}; }
  Paths outputs() const { return {json, output}; }
};

// What all that cut have.
struct CutFlags {
  std::string report;
  bool quiet = false;
  Options options = cut_options();
};

struct NetworkFlags : CutFlags {
  std::string network;
  std::string labels;

  Paths inputs() const { return {network}; }
  Paths outputs() const { return {labels, report}; }
};

struct SegmentFlags : CutFlags {
  std::string photo;
  std::string seeds;
  std::string output;
  SegmentationOptions segmentation;

  Paths inputs() const { return {photo, seeds}; }
  Paths outputs() const { return {output, report}; }
};

struct RecommendFlags {
  std::string model;
  std::vector<std::string> users;  // empty: all
  std::string output;
  std::string json;
  std::size_t top = 10;
  bool include_seen = false;
  Options options;  // the threads are what matters here

  Paths inputs() const { return {model}; }
  Paths outputs() const { return {output, json}; }
};

struct SimilarFlags {
  std::string model;
  std::vector<std::string> words;
  std::string json;
  std::string vectors;  // all of them, as text
  std::size_t top = 10;

  Paths inputs() const { return {model}; }
  Paths outputs() const { return {json, vectors}; }
};

// --help or --version.
struct HelpFlags {
  std::string text;
};

using Flags = std::variant<HelpFlags, TrainFlags, ConvertFlags, TuneFlags, SpeedupFlags, InspectFlags,
                           PredictFlags, EvaluateFlags, GenerateFlags, InfoFlags, TopicsFlags, RecommendFlags,
                           SimilarFlags, NetworkFlags, SegmentFlags>;

// Everything that can be told without reading a file is checked: throws InputError for flags that are
// unknown, out of range or at odds with each other, and for outputs that cannot be written.
Flags parse_flags(int argc, const char* const* argv);

// The same of what can be told when the model is read: throws InputError for flags that have no effect on samples such as
// its objective takes.
void check_formats(const EvaluateFlags& flags, std::string_view objective);

}  // namespace sounder
