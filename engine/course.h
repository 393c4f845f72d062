#pragma once

#include <limits>
#include <vector>

#include "engine/options.h"
#include "engine/report.h"

namespace sounder {

// How a run goes, told by what its epochs are worth: which is the best, whether one exploded, and whether there is anything to
// gain from more. Not thread-safe.
class Course {
 public:
  // `rounded` as in Shape; `settles`: steps that no sample overshoots with, and that fall, so that an epoch may end high and yet
  // no more is to be done. The options must outlive it.
  Course(const Options& options, bool rounded, bool settles = false)
      : options_(options), rounded_(rounded), settles_(settles) {}

  // With the objective before the first epoch. What is worth keeping, as a model to go on from is, has a score to beat: the
  // loss on samples held out where there are some, else the objective.
  void start(double objective, double score = std::numeric_limits<double>::infinity()) {
    first_ = lowest_ = objective;
    best_score_ = score;
  }

  // Of all epochs taken, and of the start.
  double lowest() const { return lowest_; }

  // Whether such an objective says that the run must go back.
  bool diverged(double objective) const;

  struct Standing {
    bool lowest;  // no objective was lower
    bool best;    // by the loss on samples held out where there are some, else by the objective
  };
  // `moved`: the weights have changed since the epoch taken before. What a run starts from is the best until one has.
  Standing take(const EpochReport& epoch, bool moved = true);

  // Whether the options' target or gap is reached.
  bool reached(const EpochReport& epoch) const;

  // Whether the best of the last Options::patience epochs that moved is hardly better than the best before them.
  bool stalled() const;

 private:
  const Options& options_;
  bool rounded_;
  bool settles_;
  double first_ = 0;
  double lowest_ = 0;
  double best_score_ = std::numeric_limits<double>::infinity();
  std::vector<double> scores_;  // of epochs that moved
};

}  // namespace sounder
