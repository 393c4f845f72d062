#pragma once

#include <limits>
#include <span>

#include "engine/options.h"
#include "engine/report.h"

namespace sounder {

// How a run goes, told by what its epochs are worth: which is the best, whether one exploded, and whether there is anything to
// gain from more. Not thread-safe.
class Course {
 public:
  // `rounds` as in Shape; `settles`: steps that no sample overshoots with, and that fall, so that an epoch may end high and yet
  // no more is to be done. The options must outlive it.
  Course(const Options& options, bool rounds, bool settles = false)
      : options_(options), rounds_(rounds), settles_(settles) {}

  // With the objective before the first epoch.
  void start(double objective) { first_ = lowest_ = objective; }

  // Of all epochs taken, and of the start.
  double lowest() const { return lowest_; }

  // Whether such an objective says that the run must go back.
  bool diverged(double objective) const;

  struct Standing {
    bool lowest;  // no objective was lower
    bool best;    // by the loss on samples held out where there are some, else by the objective
  };
  Standing take(const EpochReport& epoch);

  // Whether the options' target or gap is reached.
  bool reached(const EpochReport& epoch) const;

  // Whether the best of the last Options::patience epochs is hardly better than the best before them.
  bool stalled(std::span<const EpochReport> epochs) const;

 private:
  const Options& options_;
  bool rounds_;
  bool settles_;
  double first_ = 0;
  double lowest_ = 0;
  double best_score_ = std::numeric_limits<double>::infinity();
};

}  // namespace sounder
