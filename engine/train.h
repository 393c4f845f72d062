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
  // Of the best epoch. Label encoding, names, `seen` and file properties are the caller's to fill in (from
  // BlockFile::shape() after training on a file). Its parameters are those of the objective fitted to the data, which
  // objective_of() (objectives/model_objective.h) makes of the model, or fitted() if it is not in the catalogue.
  Model model;
  Report report;
};

// Minimises  mean loss + l1 |w|_1 + (l2 / 2) |w|^2, or what the objective has in its place (Shape::terms), with
// Options::rule; a bias is not regularised. The labels must be encoded as the objective needs them (io/labels.h).
// options_for() has the options that suit an objective. If `data` is the only copy, its indices are released while
// blocks are made of it; where few epochs need no blocks, all of it is kept until train() returns.
//
// Throws InputError when an option is out of range, the data has no samples, or a label does not suit the
// objective; whatever the objective or the monitor throws comes out too. Running out of time or diverging is
// an outcome, not an exception. Any number of calls may run at once.
Trained train(Dataset data, const Objective& objective, const Options& options = {},
              const Monitor& monitor = {});

// The same on a block file (engine/block_file.h, sounder convert). Size of blocks, bias and room for what a rule keeps
// are as the file was made: throws InputError when the options ask for others or for what needs the samples one by one,
// when the file is corrupt, and when there is none (null).
Trained train(std::shared_ptr<const BlockFile> file, const Objective& objective, const Options& options = {},
              const Monitor& monitor = {});

// Throws what train() throws for data, options and validation data (null: none) that it cannot take, without training.
// It does not look at whether this machine has the threads, the kind of cores and the NUMA nodes asked for.
void check(const Dataset& data, const Objective& objective, const Options& options,
           const Dataset* validation = nullptr);
void check(const BlockFile& file, const Objective& objective, const Options& options,
           const Dataset* validation = nullptr);

}  // namespace sounder
