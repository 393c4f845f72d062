#pragma once

#include <cstdint>
#include <vector>

#include "engine/monitor.h"
#include "engine/options.h"
#include "engine/report.h"
#include "objectives/cut_problem.h"

namespace sounder {

// Labels for a problem, their energy, and how much better they could be.
struct Cut {
  std::vector<std::uint32_t> labels;  // one a node
  double energy = 0;                  // of these labels
  double relaxed_energy = 0;  // the least known of relaxed labels, <= energy; no labels are below its minimum
  double bound = 0;           // no labels are below this
  double gap = 0;             // (energy - bound) / |energy|
  bool optimal = false;       // the bound proves it: energies are whole numbers, and it is less than 1 away
  double seconds = 0;         // wall-clock, all of it
  Report report = {};         // of the training, whose objective is energy / edges
};

// What minimum_cut() does unless it is told otherwise: at most 300 epochs of sdca, until the gap is 0.1 %.
Options cut_options();

// Trains the objective graph_cut (objectives/graph_cut.h) and rounds. `options` are cut_options() with changes.
// Throws what train() throws.
Cut minimum_cut(const CutProblem& problem, const Options& options = cut_options(),
                const Monitor& monitor = {});

}  // namespace sounder
