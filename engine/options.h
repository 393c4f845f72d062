#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "engine/discipline.h"
#include "engine/names.h"
#include "engine/sparsify.h"
#include "io/model.h"
#include "objectives/objective.h"

namespace sounder {

// How the step eta moves over the run; t counts samples, from 0 to T = epochs x n, and u = t / T.
enum class Schedule {
  kAuto,       // what the rule needs: kAnneal, kLinear or kConstant
  kAnneal,     // eta0 (1 - u)^p / (1 + max(l2 eta0 T, c) u): 1/t, and to zero at the end of the budget
  kConstant,   // eta0
  kLinear,     // eta0 (1 - u)
  kGeometric,  // eta0 decay^epoch, as HOGWILD! section 6 runs it
  kInverse,    // eta0 / (1 + l2 eta0 t), as Bottou's svmsgd
  kBackoff,    // eta0 decay^i in phase i = 0, 1, ..., of n / decay^i samples: HOGWILD! section 5
  kTheorem,    // constant, what the analysis asks for (engine/report.h, Theorem); with kSgd, l2 and accuracy
};

inline constexpr std::array kSchedules = {
    Named{Schedule::kAuto, "auto"},           Named{Schedule::kAnneal, "anneal"},
    Named{Schedule::kConstant, "constant"},   Named{Schedule::kLinear, "linear"},
    Named{Schedule::kGeometric, "geometric"}, Named{Schedule::kInverse, "inverse"},
    Named{Schedule::kBackoff, "backoff"},     Named{Schedule::kTheorem, "theorem"}};

enum class Priority { kLow, kNormal, kHigh };

inline constexpr std::array kPriorities = {Named{Priority::kLow, "low"}, Named{Priority::kNormal, "normal"},
                                           Named{Priority::kHigh, "high"}};

// Everything train() can be told. The defaults are meant to be right; each line says when to change one.
struct Options {
  // What is minimised: mean loss + l1 |w|_1 + (l2 / 2) |w|^2.

  double l2 = 1e-4;   // >= 0; smaller for more data
  double l1 = 0;      // >= 0; makes weights exactly zero, more of them the larger it is
  bool bias = false;  // adds an unregularised constant: for data without a constant column and uneven labels

  // How.

  // Passes over the data, >= 1, gradient passes of kSvrg counted; kAnneal and kLinear plan their steps for this many.
  int epochs = 30;
  std::optional<double> step = {};  // eta0 > 0; unset: found on a small sample of the data (DECISIONS.md, 7)
  Schedule schedule = Schedule::kAuto;  // with kFtrl, whose weights follow from the step, kAuto or kConstant
  std::optional<double> decay = {};     // in (0, 1]; kGeometric: unset: 0.9; kBackoff: unset: 0.37
  std::optional<double> accuracy = {};  // kTheorem: the E |w - w*|^2 wanted, > 0
  Rule rule = Rule::kSgd;
  // Unset: atomic, which no other was faster than (DECISIONS.md, 40).
  std::optional<Discipline> discipline = {};
  Sparsify sparsify = Sparsify::kNone;  // what of a block's change is pushed at once (engine/sparsify.h)
  double keep = 0.1;  // the share of it, in (0, 1], unless all; smaller where pushes cost more than updates
  // A model of the same objective to begin with, of no more columns than the data has; the others begin at 0. Unset:
  // what the objective starts from. Not for kSdca, which works its weights out from what it keeps for each sample.
  std::shared_ptr<const Model> start = {};
  // Return the mean of all iterates from this epoch on (Polyak-Ruppert averaging); 0: the last iterate.
  int average_from = 0;
  // Of the order of blocks and of rows not shuffled yet; same seed and one thread: same bits.
  std::uint64_t seed = 1;

  // When to stop.

  // Epochs from one evaluation of the objective to the next, >= 1; the last epoch is always evaluated, and one that
  // looks diverged. An evaluation costs half an epoch. What follows, and the choice of the best epoch, go by evaluated
  // ones.
  int evaluate_every = 1;
  // Stop when the best objective (with validation data: its loss) of the last `patience` evaluated epochs is not lower
  // than the best before them by this fraction of it; in [0, 1), 0: never.
  double tolerance = 0;
  int patience = 3;  // evaluated epochs, >= 1
  // Stop at a relative duality gap <= this, in [0, 1), with a rule that has one. 0: never, unless the objective is
  // rounded (Shape::rounded) and reaches its bound.
  double gap = 0;
  std::optional<double> target = {};  // stop at an objective <= this
  // Stop after this many seconds, > 0. They begin when train() has checked the data and has its threads: making blocks,
  // looking for a step and evaluating are in them.
  std::optional<double> time_limit = {};

  // Performance.

  // Workers, at most, 0 to 1024. One trains alone where it would cost more to move the model between several than they
  // save. 0: as many as the affinity mask and the cgroup quota allow, but fewer for tiny data, or where few may take
  // far larger steps.
  int threads = 0;
  // Virtual workers: > 0 simulates on one thread what so many workers' staleness does to convergence; needs
  // threads = 1 (or 0, which then means 1), the atomic discipline and tau = 0.
  int simulate = 0;
  std::size_t block_rows = 0;  // samples in a block; 0: chosen from the data; 1: a task a sample, as HOGWILD!
  // Rows after which a block refreshes its hot coordinates, which are pushed and pulled in between; 0: chosen from the
  // data, where rule and discipline can; so many as a block has, or more: never. One thread has nobody to do it for.
  std::size_t refresh_rows = 0;
  // Bound on staleness, in samples, >= block_rows; 0: two tasks a thread, each a block or several.
  std::size_t tau = 0;
  int reserved_slots = 1;  // arena slots kept for threads of the application; 0 ... threads
  // NUMA nodes to run on, with an arena, a graph and blocks for each; -1: any cores. Empty: all nodes that there are.
  std::vector<int> numa_nodes = {-1};
  int core_type = -1;        // run on one kind of cores only, of those that core_types() names; -1: on any
  int threads_per_core = 0;  // use at most so many of the hardware threads of a core; 0: all
  // Bind every worker to a hardware thread, for systems that move threads about. Each such run leaves some 7 KB behind
  // (DECISIONS.md, 55).
  bool pin = false;
  Priority priority = Priority::kNormal;  // of the arena, against other oneTBB arenas of the process
};

// Options with the rule, the l2 and the number of epochs that suit an objective (Objective::defaults()); those of
// Options{} suit linear ones.
Options options_for(const Objective& objective);

// Throws InputError, "field = value: constraint", for the first field out of range or at odds with another.
void validate(const Options& options);
// The same, and messages name what suits the objective.
void validate(const Options& options, const Objective& objective);

// Whether a block may push its hot coordinates before it has gone through all its rows.
bool may_refresh(const Options& options);

// Whether a block is one sample: as asked for, or where that is left open as the discipline has it.
bool one_sample_blocks(const Options& options);

// Whether any cores will do.
bool on_any_node(const Options& options);

// Whether what a block changed is there when its push is over: nothing is simulated or held back.
bool pushes_at_once(const Options& options);

// The discipline in force.
Discipline discipline_of(const Options& options);

// The decay in force.
double decay_of(const Options& options);

// The names that options go by in reports and on the command line.
inline std::string_view name_of(Schedule schedule) {
  return name_in(kSchedules, schedule);
}
inline std::string_view name_of(Discipline discipline) {
  return traits_of(discipline).name;
}
inline std::string_view name_of(Rule rule) {
  return traits_of(rule).name;
}
inline std::string_view name_of(Priority priority) {
  return name_in(kPriorities, priority);
}

}  // namespace sounder
