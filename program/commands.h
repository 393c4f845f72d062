#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "engine/arena.h"
#include "engine/block_file.h"
#include "engine/report.h"
#include "engine/train.h"
#include "io/dataset.h"
#include "io/error.h"
#include "io/labels.h"
#include "io/model.h"
#include "io/parallel.h"
#include "io/row_origins.h"
#include "objectives/catalogue.h"
#include "objectives/objective.h"
#include "program/console.h"
#include "program/flags.h"

namespace sounder {

// One function a subcommand. Each returns the exit code of a run that came to its end, 0 when all is well,
// and throws InputError for what the user can mend.
int run(const HelpFlags& flags, Interrupts& interrupts);
int run(const TrainFlags& flags, Interrupts& interrupts);
int run(const ConvertFlags& flags, Interrupts& interrupts);
int run(const TuneFlags& flags, Interrupts& interrupts);
int run(const SpeedupFlags& flags, Interrupts& interrupts);
int run(const InspectFlags& flags, Interrupts& interrupts);
int run(const PredictFlags& flags, Interrupts& interrupts);
int run(const EvaluateFlags& flags, Interrupts& interrupts);
int run(const GenerateFlags& flags, Interrupts& interrupts);
int run(const InfoFlags& flags, Interrupts& interrupts);
int run(const TopicsFlags& flags, Interrupts& interrupts);
int run(const RecommendFlags& flags, Interrupts& interrupts);
int run(const SimilarFlags& flags, Interrupts& interrupts);
int run(const NetworkFlags& flags, Interrupts& interrupts);
int run(const SegmentFlags& flags, Interrupts& interrupts);

// train with --folds: every fold is judged by a model of the others.
int cross_validate(const TrainFlags& flags, Interrupts& interrupts);

// The exit code of a run whose work is done, but badly.
inline constexpr int kFailure = 1;
inline constexpr int kUserError = 2;

// In one line, for people.
std::string describe(const Metrics& metrics);
std::string describe(const EpochReport& row);
std::string describe(const Progress& progress);

// What the samples of one training run, or of one model, have in common.
struct SampleScheme {
  SampleFormat format = SampleFormat::kLibsvm;
  std::uint64_t dimension = 0;
  std::uint32_t index_base = 1;                      // LIBSVM text
  std::vector<std::vector<std::string>> names = {};  // Model::names
  LabelEncoding labels = {};
  LabelRule label_rule = {};
  bool normalize = false;
  std::vector<float> factors = {};        // of columns, in training; empty: none
  LabelKind kind = LabelKind::kTwoClass;  // of encoded labels
};

SampleScheme scheme_of(const Model& model, const Objective& objective);

// Samples to train on: labels encoded, rows scaled, as the flags have it.
struct TrainingData {
  Dataset samples;
  SampleScheme scheme;
  std::vector<std::vector<std::uint32_t>> seen;  // Model::seen
  Remarks remarks;                               // what the file had that a user may want to know
  std::unique_ptr<Objective> objective = {};     // what is minimised over them
  RowOrigins origins = {};
};

// What the samples of a problem count, for its report: nothing if all count the same.
Remarks weighting_of(const ProblemFlags& flags);

// Into an object of nlohmann's.
void put_remarks(auto& json, const Remarks& remarks) {
  for (const auto& [name, remark] : remarks) {
    auto& entry = json[name];
    std::visit([&](const auto& value) { entry = value; }, remark);
  }
}

// What sounder makes of tables, in words.
inline constexpr const char* kTables = "sounder reads LIBSVM text, \"label column:value ...\"";

// For the end of a message: what is no LIBSVM text may be something else that can be read, by how it begins; empty: it looks
// like nothing known.
std::string other_kind(std::string_view beginning);

// How much there is of samples, in words, and what is said where that is too much for the memory.
std::string describe_size(std::size_t rows, std::size_t columns, std::uint64_t nonzeros);
[[noreturn]] void refuse_size(const std::string& path, const std::string& size);

// What goes on from a model has labels encoded, columns numbered and rows scaled as that one's were. Throws InputError for flags
// that contradict it.
TrainingData read_for_training(const ProblemFlags& flags, const ParallelFor& parallel,
                               const Model* start = nullptr);

// The same, or a block file in place of the samples, with the samples of --valid, if any, and the model of --start.
struct TrainingSet : TrainingData {
  std::shared_ptr<const BlockFile> blocks;
  std::optional<Dataset> validation;
  std::shared_ptr<const Model> start;
};

TrainingSet load(const TrainFlags& flags);

std::optional<Dataset> read_validation(const TrainFlags& flags, const SampleScheme& scheme,
                                       const ParallelFor& parallel);

// Whether it is a regular file that begins so as it lies: of a pipe nothing is read, and nothing is decompressed.
bool begins_with(const std::string& path, std::string_view beginning);

// Whether it is a block file, which train alone takes, and by name.
bool names_blocks(const std::string& path);

// The model of --start; null without it.
std::shared_ptr<const Model> load_start(const TrainFlags& flags);

// As load() does of a block file. Throws InputError for flags that contradict it.
TrainingSet load_blocks(const TrainFlags& flags);

// As text: a line for each coordinate with a weight that is not zero, its number in the training file or its name (behind
// "user", "item", "document" or "word" where there are two kinds) and its weights, in the fewest digits that read back as
// the same floats; then a line "bias" for each thing that all samples share. Tabs stand between them.
void write_weights(const Model& model, const std::string& path);

// For a table with tabs between its columns: a tab is written \t.
std::string in_one_column(std::string text);

// Writes into the model how its data was read, from `path`. Throws InputError for a weight that --scale-columns makes no float.
void complete(Model& model, const TrainingData& data, const std::string& path);

// Samples for a model: rows scaled as the scheme has it, labels as the file has them. What the scheme does not know, a
// column beyond or a name, is refused or, with `ignore_unknown`, left out; names of users and items always are.
struct KnownData {
  Dataset samples;
  Remarks remarks;
  RowOrigins origins = {};
  std::optional<InputError> unlabelled = {};  // says where labels are missing: predictions need none
};

// Where samples lie; a file of labels belongs to images.
struct SampleFiles {
  std::string data;
  std::string labels;
};

KnownData read_known(const SampleFiles& files, const SampleScheme& scheme, bool ignore_unknown,
                     const ParallelFor& parallel);

// Puts the documents of --observed in place of those of a topic model.
void observe(Model& model, const EvaluateFlags& flags, const ParallelFor& parallel);

// With labels as the scheme encodes them; `name` is the file's. Throws InputError for labels that the objective does not
// take.
Dataset encoded(const KnownData& data, const SampleScheme& scheme, const std::string& name);

}  // namespace sounder
