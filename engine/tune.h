#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/monitor.h"
#include "engine/options.h"
#include "engine/report.h"
#include "io/dataset.h"
#include "io/model.h"
#include "objectives/objective.h"

namespace sounder {

// What is to be chosen between.
struct Candidate {
  double l2 = 1e-4;
  std::optional<double> step;  // as Options::step

  bool operator==(const Candidate&) const = default;
};

// By which of its epochs a candidate is judged: by that of the least validation loss, whose model train() returns with
// validation data, or by the last one, as without.
enum class JudgedBy { kBestEpoch, kLastEpoch };

// How a candidate did, at the epoch that it is judged by.
struct Tried {
  Candidate candidate;
  double step = 0;  // eta0 in force
  // Its objective or validation loss became infinite or no number, which ended its training.
  bool diverged = false;
  int best_epoch = 0;  // that it is judged by; 0: it diverged in the first, and what follows means nothing
  double objective = 0;
  Metrics training = {};
  Metrics validation = {};
};

struct Tuned {
  std::vector<Tried> ranking;  // least validation loss first; those that diverged last, as they did
  Model model;                 // of the first, at that epoch; without weights if all diverged
  std::string note;            // as Report has it, of all of them

  Outcome outcome = Outcome::kEpochLimit;  // kDiverged: all did
  int epochs = 0;
  std::uint64_t samples = 0;  // to train on
  std::uint64_t validation_samples = 0;
  std::uint64_t coordinates = 0;
  std::uint64_t nonzeros = 0;
  int threads = 0;
  std::size_t block_rows = 0;

  // Wall-clock, of all candidates together, as Report has them.
  double prepare_seconds = 0;
  double search_seconds = 0;
  double train_seconds = 0;
  double evaluate_seconds = 0;
};

// Trains all candidates at once, one pass over the data serving all of them: a gradient task runs one after
// the other on its block while that is in the cache, each with parameters and a clock of its own. What
// HOGWILD!'s code calls "best ball", but judged by data that is neither trained on nor for the final test,
// and without copying the best over the others: each ends where train() would. On one thread every candidate
// passes through the very bits that train() gives for `common` with its step and l2, until train() would roll
// it back, which is not done here; on more than two threads blocks are as small as the candidate needs that
// needs them smallest.
//
// `common` holds for all, but for its step and l2. What ends a run early or changes what it returns (target,
// tolerance, gap, average_from, evaluate_every, simulate) is refused, as are rules that remember samples or take
// snapshots, and disciplines other than atomic, lock_free and racy; throws InputError then, and for what train()
// refuses. Of the monitor, on_epoch is told of the candidate that leads, and `validation` is not looked at. Memory: two
// models a candidate.
Tuned tune(Dataset data, const Objective& objective, const Options& common, std::vector<Candidate> candidates,
           const Dataset& validation, const Monitor& monitor = {}, JudgedBy judged = JudgedBy::kBestEpoch);

// Throws InputError for what tune() refuses without a look at the data.
void validate(const Options& common, std::span<const Candidate> candidates);

// Deals the rows at random: `share` of them, one at least and one less than all at most, to `validation`, the
// others to `training`, in the order they had. Same seed, same rows. Throws InputError for fewer than two
// rows, or a share that is not between 0 and 1.
struct Split {
  Dataset training;
  Dataset validation;
};
Split split(const Dataset& data, double share, std::uint64_t seed);

// One of `folds` parts of about the same size, dealt at random, to `validation` and the others to `training`; number <
// folds. Throws InputError for fewer than two folds, or fewer rows than folds.
Split fold(const Dataset& data, std::size_t folds, std::size_t number, std::uint64_t seed);

}  // namespace sounder
