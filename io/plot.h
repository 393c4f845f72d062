#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

namespace sounder {

// Line charts as SVG, for reports.
//
// A point that cannot be drawn interrupts its line and is otherwise ignored: one with a coordinate that is
// not finite or beyond +-1e300, or, on a logarithmic axis, below 1e-300.

struct Series {
  // Series of one name share colour, marker and the entry in the legend, which shows the first of them;
  // an empty name has no entry.
  std::string name;
  std::vector<std::pair<double, double>>
      points;           // joined in this order, each with a marker unless it would touch the last one
  bool dashed = false;  // with hollow markers
};

enum class Scale { kLinear, kLog };

struct Axis {
  std::string label;
  Scale scale = Scale::kLinear;
};

struct Chart {
  std::string title;
  std::string note;  // in small letters under the title
  Axis x;
  Axis y;
  std::vector<Series> series;
};

// An SVG document with the charts one under the other, drawn on white, without scripts or references.
//
// Axes cover the points, and zero where it is near; a few short x values, such as thread counts, are the
// ticks themselves. Colours are those of Okabe and Ito, "Color Universal Design" (2008), without yellow.
// Texts are UTF-8; what is ill-formed or not allowed in XML shows as U+FFFD. The same charts give the same
// bytes in every locale.
std::string to_svg(std::span<const Chart> charts);

}  // namespace sounder
