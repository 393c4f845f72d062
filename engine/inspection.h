#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "engine/choice.h"
#include "engine/conflicts.h"
#include "engine/incidence.h"
#include "engine/options.h"
#include "engine/report.h"
#include "io/dataset.h"
#include "objectives/objective.h"

namespace sounder {

class Arena;

struct InspectionOptions {
  double hot_share = 0.01;   // a coordinate is hot if more than this share of the samples touch it; (0, 1]
  std::size_t hottest = 10;  // coordinates named
  bool exact = false;        // conflict_degrees() instead of estimates
  std::optional<double> accuracy;  // E |w - w*|^2, > 0; unset: a hundredth of what |w*|^2 can be
};

// One view of the conflict graph.
struct ConflictFigures {
  Estimate average;  // Dbar
  DegreeBounds largest;
  double tau_safe = 0;  // n / (2 Dbar)
};

struct HotCoordinate {
  std::uint32_t coordinate = 0;
  std::uint32_t degree = 0;
};

// The chance that two samples conflict that are at most `window` apart in the data's order.
struct OrderFigures {
  std::size_t window = 0;
  Estimate chance;
};

// Of a linear model with l2, trained by sgd.
struct ConstantFigures {
  double smoothness = 0;  // L, the largest curvature of a sample's loss (of some of the rows), and l2
  double accuracy = 0;
  Theorem theorem;  // m, M, gamma, T
};

// Iterations over those of a serial run, by theory.h with tau = workers - 1: a sample at a time.
struct InflationFigures {
  int workers = 1;
  double raw = 1;
  double without_hot = 1;
  std::optional<double> weighted;
};

// What train() would run with, on Inspection::threads, and why, in a sentence each.
struct Advice {
  Discipline discipline = Discipline::kAtomic;
  std::size_t block_rows = 0;
  std::size_t refresh_rows = 0;  // 0: never
  std::size_t tau = 0;
  double step = 0;
  Choices why;
};

// What the data says about a run before it.
struct Inspection {
  std::uint64_t samples = 0;
  std::uint64_t coordinates = 0;
  int threads = 1;  // that train() would have
  IncidenceFigures by_coordinate;
  IncidenceFigures by_line;  // vertices are cache lines of 16 floats
  std::vector<HotCoordinate> hottest;
  std::size_t hot = 0;  // coordinates
  ConflictFigures raw;
  ConflictFigures without_hot;
  ConflictFigures lines;
  std::vector<OrderFigures> in_order;
  Grouping trained = Grouping::kRandom;  // how training takes the rows: kInOrder, as they lie
  bool common = false;  // there are coordinates that all samples share, a bias, say, which no view counts
  // sample_gradients.h; of objectives that take plain gradient steps.
  std::optional<Estimate> weighted_chance;
  std::optional<ConstantFigures> constants;
  std::vector<InflationFigures> inflation;  // 1, 2, 4 ... 1024 workers
  Advice advice;

  double chance(const Estimate& degree) const { return degree.value / static_cast<double>(samples); }
};

// Linear in the non-zeros unless `exact`. Throws what train() does for data and options that it cannot take.
Inspection inspect(const Dataset& data, const Objective& objective, const Options& options,
                   const InspectionOptions& how, Arena& arena);

}  // namespace sounder
