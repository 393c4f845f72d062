#pragma once

#include <optional>
#include <string>

#include "engine/report.h"
#include "engine/source.h"
#include "objectives/objective.h"

namespace sounder {

// Of samples with real labels, weighed as they are.
struct SampleScales {
  double mean = 0;         // of the labels,
  double deviation = 0;    // their standard deviation
  double squared_row = 0;  // mean |x|^2
  bool indicators =
      false;  // some column has the same value wherever it has one, as indicators and constants do
};

// By some of the rows. Nothing where labels are not real, or in a block file, which has them everywhere.
std::optional<SampleScales> sample_scales(const Source& source, const Objective& objective);

// What a run that is over may have to say of options that spoiled its fit; mostly empty: an l2 that leaves the weights little
// room, with a loss that grows slower than the penalty as labels do,
std::string note_on_penalty(const Report& report, const Objective& objective, const SampleScales& scales);
// or labels that lie far from 0, without a constant.
std::string note_on_constant(const Report& report, const SampleScales& scales);

// Adds both to the report of a run that is over.
void tell_fit(Report& report, const Objective& objective, const SampleScales& scales);

}  // namespace sounder
