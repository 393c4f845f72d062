#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "engine/choice.h"
#include "engine/names.h"
#include "engine/options.h"

namespace sounder {

// How a run ended. Each of them leaves a usable model: the best so far.
enum class Outcome {
  kConverged,   // tolerance, target or gap reached
  kEpochLimit,  // all epochs done
  kTimeLimit,
  // Rolled back 15 times, or no epoch could be kept: the objective kept exploding, to infinity or to more than twice
  // the lowest so far, however small the step became.
  kDiverged,
  kCancelled,  // the caller's stop token
};

inline constexpr std::array kOutcomes = {
    Named{Outcome::kConverged, "converged"}, Named{Outcome::kEpochLimit, "epoch_limit"},
    Named{Outcome::kTimeLimit, "time_limit"}, Named{Outcome::kDiverged, "diverged"},
    Named{Outcome::kCancelled, "cancelled"}};

inline std::string_view name_of(Outcome outcome) {
  return name_in(kOutcomes, outcome);
}

// Means over one data set. `accuracy` for classes, `auc` where there are two of them and it is asked for (evaluate(),
// and validation data; not of the data that a run trains on), root mean squared and mean absolute error for real
// labels, `perplexity` for counts; of a run that diverged before an epoch had a finite objective, the loss alone.
struct Metrics {
  double loss = 0;
  std::optional<double> accuracy = {};
  std::optional<double> rmse = {};
  std::optional<double> mae = {};
  std::optional<double> auc = {};
  std::optional<double> perplexity = {};
};

// What a caller wants a report to say besides: names of files, how they were read.
using Remarks = std::map<std::string, std::variant<bool, std::uint64_t, double, std::string>>;

// An indented JSON object of the metrics that are set, and the remarks.
std::string to_json(const std::optional<Metrics>& metrics, const Remarks& remarks = {});

// What a NUMA node did, or the one arena where there is one.
struct NodeReport {
  int numa_node = -1;  // its number on the machine; -1: any
  int threads = 0;
  std::uint64_t blocks = 0;        // built there
  std::uint64_t tasks = 0;         // run there,
  std::uint64_t remote_tasks = 0;  // of them with blocks that were built elsewhere
};

struct EpochReport {
  int epoch = 0;         // from 1
  double passes = 0;     // Report::passes, so far
  double seconds = 0;    // of updates, from the start of training
  double objective = 0;  // at the end of the epoch
  double step = 0;       // eta at the start of the epoch
  // RuleTraits::dual: the best objective so far minus the best dual objective, relative.
  std::optional<double> gap = {};
  std::optional<Metrics> validation = {};
};

// Schedule::kTheorem: constant-step SGD on an m-strongly convex objective whose samples' gradients are no longer than M
// is, from w = 0, expected within `accuracy` of the minimum w*, E |w - w*|^2, after
//
//   T = 2 M^2 / (accuracy m^2) log(2 a / accuracy)  samples at the step  accuracy m / (2 M^2),
//
// a = |w*|^2 <= (M / m)^2; asynchronous SGD as well, up to a constant factor, while staleness is at most of the order
// of n / (mean number of samples that a sample shares a coordinate with) and of M^2 / (accuracy m^2) (Mania et al.,
// 2015, Theorem 1). m is l2. M is an estimate, not a bound: the largest |slope| |x| + l2 |w| of some of the rows (one
// in 64, at least 512), at w = 0 and where two passes over them lead.
struct Theorem {
  double strong_convexity = 0;  // m
  double gradient_bound = 0;    // M
  double step = 0;
  double samples = 0;  // T
};

// What a run did. Seconds are wall-clock.
struct Report {
  Outcome outcome = Outcome::kEpochLimit;
  std::string advice;  // what to try next, when the outcome is not a happy one; else empty
  std::string note;    // what the user may want to know about a choice of options; mostly empty

  std::string objective_name;
  // Of the model returned: training.loss + l1 |w|_1 + (l2 / 2) |w|^2, or with Shape::terms + the sum of the terms.
  double objective = 0;
  std::optional<double> gap;  // a relative bound on objective minus minimum, from the last dual objective
  Metrics training;
  std::optional<Metrics> validation = {};
  int best_epoch = 0;  // the epoch the model returned is from; 0: what the run started from
  int epochs = 0;      // begun and counted, the last perhaps cut short
  // Non-zeros gone through, over those of the data: fewer than epochs where a rule lets samples rest.
  double passes = 0;

  std::uint64_t samples = 0;      // n
  std::uint64_t coordinates = 0;  // d
  std::uint64_t nonzeros = 0;
  int threads = 0;  // that train
  std::size_t block_rows = 0;
  std::size_t refresh_rows = 0;          // after so many rows a block refreshes its hot coordinates; 0: never
  std::size_t tau = 0;                   // in samples, the bound on staleness in force; 0: nothing is stale
  Schedule schedule = Schedule::kAuto;   // in force
  double step = 0;                       // eta0 in force, after any rollback
  std::optional<double> share_lost;      // of the adds of a racy run, an estimate
  std::optional<double> share_pushed;    // of the cells that tasks changed, with Options::sparsify
  std::optional<Theorem> theorem;        // with Schedule::kTheorem
  std::optional<Asynchrony> asynchrony;  // Monitor::measure
  Choices choices;                       // what the options above were settled by
  int rollbacks = 0;  // times the run went back to its best state, to go on with a quarter of the step

  double load_seconds = 0;  // reading the files; filled in by whoever read them
  // Ranking coordinates and building blocks; with Monitor::measure, estimating conflicts.
  double prepare_seconds = 0;
  double search_seconds = 0;  // finding the step
  double train_seconds = 0;   // updates, and visits of all coordinates when an epoch begins or ends
  double evaluate_seconds = 0;
  double nonzeros_per_second = 0;  // updated, over train_seconds

  std::vector<NodeReport> nodes;
  std::vector<EpochReport> per_epoch;
  Options options;
  Remarks remarks;  // the caller's; in JSON they stand with the options

  std::string brief() const;    // one line
  std::string to_json() const;  // an indented object of all of this, for programs; what is unset is left out
};

}  // namespace sounder
