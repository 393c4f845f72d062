#pragma once

#include <memory>

#include "engine/monitor.h"
#include "engine/options.h"
#include "engine/report.h"
#include "io/dataset.h"
#include "io/model.h"
#include "objectives/objective.h"

namespace sounder {

class BlockFile;

struct Trained {
  // Of the best epoch; label encoding, names, `seen` and file properties are the caller's to fill in (of a block file, from
  // BlockFile::shape()). It is of the objective as that was fitted to the data: objective_of() (objectives/model_objective.h)
  // makes it, or of one that is not in the catalogue its fitted().
  Model model;
  Report report;
};

// Minimises  mean loss + l1 |w|_1 + (l2 / 2) |w|^2  with Options::rule; a bias is not regularised. If `data` is the only
// copy, its indices are released while blocks are made of it; where few epochs need no blocks it is kept until train() returns.
// The labels are encoded as the objective has them (io/labels.h). options_for() has the options that suit an objective.
//
// Throws InputError when an option is out of range, the data has no samples, or a label does not suit the
// objective; whatever the objective or the monitor throws comes out too. Running out of time or diverging is
// an outcome, not an exception. Any number of calls may run at once.
Trained train(Dataset data, const Objective& objective, const Options& options = {},
              const Monitor& monitor = {});

// The same on a block file (engine/block_file.h, sounder convert). Blocks, bias and room for a rule are the file's: throws
// InputError when the options ask for others, or for what needs the samples one by one, and when the file is corrupt.
Trained train(std::shared_ptr<const BlockFile> file, const Objective& objective, const Options& options = {},
              const Monitor& monitor = {});

// Throws what train() does for data, options and, if it is not null, validation data that it cannot take, but for threads, kinds
// of cores and NUMA nodes that this machine does not have.
void check(const Dataset& data, const Objective& objective, const Options& options,
           const Dataset* validation = nullptr);
void check(const BlockFile& file, const Objective& objective, const Options& options,
           const Dataset* validation = nullptr);

}  // namespace sounder
