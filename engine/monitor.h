#pragma once

#include <functional>
#include <optional>
#include <stop_token>

#include "engine/report.h"
#include "io/dataset.h"

namespace sounder {

// Where a run stands, told a few times a second.
struct Progress {
  int epoch = 1;
  int epochs = 1;
  double fraction = 0;                   // of all samples of the run, in [0, 1]
  double nonzeros_per_second = 0;        // updated, over the seconds of updates
  double seconds_left = 0;               // to the epoch limit, evaluation included; 0 until fraction is > 0
  std::optional<double> objective = {};  // after the last whole epoch
};

// What a caller may watch and do while train() runs. The functions are called from the arena's workers, one
// call at a time; an exception from one ends the run and surfaces from train().
struct Monitor {
  std::function<void(const EpochReport&)> on_epoch = {};
  std::function<void(const Progress&)> on_progress = {};
  // Fill in Report::asynchrony; not with simulated workers or sparsify, nor under exclusive or reproducible.
  bool measure = false;
  // A request ends the run as soon as every worker is done with its block or, before the first update and between
  // epochs, as soon as what is being prepared or evaluated is done.
  std::stop_token stop = {};
  // Held-out samples, labels as for training, evaluated whenever the objective is (Options::evaluate_every); early
  // stopping and the choice of the best epoch then go by their loss.
  std::optional<Dataset> validation = {};
};

}  // namespace sounder
