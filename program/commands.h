#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "engine/arena.h"
#include "engine/report.h"
#include "engine/train.h"
#include "io/dataset.h"
#include "io/labels.h"
#include "io/parallel.h"
#include "objectives/objective.h"
#include "program/console.h"
#include "program/flags.h"

namespace sounder {

// One function a subcommand. Each returns the exit code of a run that came to its end, 0 when all is well,
// and throws InputError for what the user can mend.
int run(const HelpFlags& flags, Interrupts& interrupts);
int run(const TrainFlags& flags, Interrupts& interrupts);
int run(const TuneFlags& flags, Interrupts& interrupts);
int run(const SpeedupFlags& flags, Interrupts& interrupts);
int run(const PredictFlags& flags, Interrupts& interrupts);
int run(const EvaluateFlags& flags, Interrupts& interrupts);
int run(const GenerateFlags& flags, Interrupts& interrupts);
int run(const InfoFlags& flags, Interrupts& interrupts);

// The exit code of a run whose work is done, but badly.
inline constexpr int kFailure = 1;
inline constexpr int kUserError = 2;

// io's work on the arena's workers; the arena must live as long.
inline ParallelFor parallel_on(Arena& arena) {
  return [&arena](std::size_t count, const auto& body) { arena.parallel_for(count, body); };
}

// In one line, for people.
std::string describe(const Metrics& metrics);
std::string describe(const EpochReport& row);
std::string describe(const Progress& progress);

// Samples to train on: labels encoded, rows scaled, as the flags have it.
struct TrainingData {
  Dataset samples;
  LabelEncoding encoding;
  std::uint32_t index_base = 1;
};

TrainingData read_for_training(const ProblemFlags& flags, LabelKind labels, const ParallelFor& parallel);

// The same with the samples of --valid, if any.
struct TrainingSet : TrainingData {
  std::optional<Dataset> validation;
};

TrainingSet load(const TrainFlags& flags, LabelKind labels);

// Writes into the model how its data was read.
void complete(Model& model, const TrainFlags& flags, const TrainingData& data);

// Samples for a model of `dimension` columns. A column beyond is refused, or left out.
Dataset read_for_model(const std::string& path, std::uint64_t dimension,
                       std::optional<std::uint32_t> index_base, bool ignore_unknown,
                       const ParallelFor& parallel);

}  // namespace sounder
