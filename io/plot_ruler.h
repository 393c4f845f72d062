#pragma once

#include <string>
#include <vector>

#include "io/plot.h"

namespace sounder {

struct Tick {
  double at;             // a position on its ruler
  std::string label;     // empty for a minor tick
  std::string exponent;  // raised, after the label
};

// An axis of a chart: which positions it shows, and which of them it marks. A position is the value itself,
// or its decimal logarithm on a logarithmic axis.
struct Ruler {
  double position(double value) const;
  // From 0 at the low end to 1 at the high end.
  double fraction(double at) const { return (at - low) / (high - low); }

  Scale scale;
  double low;
  double high;
  std::vector<Tick> ticks;  // ascending
};

// A ruler that shows `values`, and zero where it is near on a linear scale, with a margin; equal values are
// in its middle. Ticks are 1-2-5 steps or decades; or, if `mark_values`, the values themselves where they are
// few and short. Without values there are no ticks. Magnitudes must not exceed 1e300, and on a logarithmic
// scale values must be 1e-300 or more.
Ruler make_ruler(Scale scale, std::vector<double> values, bool mark_values);

}  // namespace sounder
