#include "io/plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <iterator>
#include <map>
#include <string_view>

#include "io/plot_ruler.h"
#include "io/xml_text.h"

namespace sounder {
namespace {

using Point = std::pair<double, double>;

// Lengths are in pixels.
constexpr double kPlotWidth = 460;
constexpr double kPlotHeight = 280;
constexpr double kAbovePlot = 64;
constexpr double kBelowPlot = 56;
constexpr double kEdge = 16;
constexpr double kMajor = 5;
constexpr double kMinor = 3;
constexpr double kLabelGap = 9;
constexpr double kLegendGap = 20;
constexpr double kLegendRow = 19;
constexpr double kSample = 30;
constexpr double kMarker = 10;
constexpr double kFont = 12;
constexpr double kTitleFont = 15;
constexpr double kNoteFont = 11;
constexpr double kDescent = 0.35 * kFont;  // from the middle of a text to its baseline

constexpr double kHuge = 1e300;
constexpr double kTiny = 1e-300;
constexpr const char* kCentred = "text-anchor='middle'";
constexpr const char* kInk = "#333333";
constexpr const char* kGrid = "#e4e4e4";
constexpr const char* kColours[] = {"#0072B2", "#D55E00", "#009E73", "#CC79A7",
                                    "#E69F00", "#56B4E9", "#000000"};
// Solid and dashed; solid and dashed once the colours are used up.
constexpr const char* kDashes[] = {"none", "6 5", "11 4 1 4", "1 5"};
constexpr const char* kMarkers[] = {
    "m-3.6 0a3.6 3.6 0 1 0 7.2 0a3.6 3.6 0 1 0 -7.2 0z",
    "m-3.3 -3.3h6.6v6.6h-6.6z",
    "m0 -4.6l4.4 7.6h-8.8z",
    "m0 -4.8l4.4 4.8l-4.4 4.8l-4.4 -4.8z",
    "m0 4.6l4.4 -7.6h-8.8z",
    "m-1.4 -4.2h2.8v2.8h2.8v2.8h-2.8v2.8h-2.8v-2.8h-2.8v-2.8h2.8z",
};

template <class... Arguments>
void add(std::string& out, fmt::format_string<Arguments...> format, Arguments&&... arguments) {
  fmt::format_to(std::back_inserter(out), format, std::forward<Arguments>(arguments)...);
}

// --- Geometry

// About: fonts differ.
double width_of(std::string_view text, double font) {
  const auto continues = [](char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; };
  return 0.6 * font * static_cast<double>(std::ssize(text) - std::ranges::count_if(text, continues));
}

bool drawable(double value, Scale scale) {
  return std::abs(value) <= kHuge && (scale == Scale::kLinear || value >= kTiny);
}

bool drawable(const Point& point, const Chart& chart) {
  return drawable(point.first, chart.x.scale) && drawable(point.second, chart.y.scale);
}

Ruler ruler_of(const Chart& chart, const Axis& axis, double Point::*coordinate, bool mark_values) {
  std::vector<double> values;
  for (const Series& series : chart.series) {
    for (const Point& point : series.points) {
      if (drawable(point, chart)) values.push_back(point.*coordinate);
    }
  }
  return make_ruler(axis.scale, std::move(values), mark_values);
}

struct Plot {
  explicit Plot(const Chart& data)
      : chart(data),
        x(ruler_of(data, data.x, &Point::first, true)),
        y(ruler_of(data, data.y, &Point::second, false)) {}

  double x_pixel(double at) const { return left + kPlotWidth * x.fraction(at); }
  double y_pixel(double at) const { return top + kPlotHeight * (1 - y.fraction(at)); }
  Point pixel(const Point& point) const {
    return {x_pixel(x.position(point.first)), y_pixel(y.position(point.second))};
  }
  double right() const { return left + kPlotWidth; }
  double bottom() const { return top + kPlotHeight; }
  Point middle() const { return {left + kPlotWidth / 2, top + kPlotHeight / 2}; }

  const Chart& chart;
  Ruler x;
  Ruler y;
  double left = 0;  // of the area that the axes enclose, and so is `top`
  double top = 0;
};

double width_of(const Tick& tick) {
  return width_of(tick.label, kFont) + width_of(tick.exponent, 0.75 * kFont);
}

void add_line(std::string& out, double x1, double y1, double x2, double y2, const char* colour) {
  add(out, "<line x1='{:.2f}' y1='{:.2f}' x2='{:.2f}' y2='{:.2f}' stroke='{}'/>\n", x1, y1, x2, y2, colour);
}

void add_text(std::string& out, double x, double y, std::string_view text, std::string_view attributes = "") {
  if (text.empty()) return;
  add(out, "<text x='{:.2f}' y='{:.2f}' {}>{}</text>\n", x, y, attributes, xml_text(text));
}

void add_label(std::string& out, double x, double y, const Tick& tick) {
  add(out, "<text x='{:.2f}' y='{:.2f}'>{}", x, y, tick.label);
  if (!tick.exponent.empty()) add(out, "<tspan dy='-0.5em' font-size='75%'>{}</tspan>", tick.exponent);
  out += "</text>\n";
}

void add_x_axis(std::string& out, const Plot& plot) {
  double free = 0;  // of labels from here on
  out += "<g class='x' text-anchor='middle'>\n";
  for (const Tick& tick : plot.x.ticks) {
    const double x = plot.x_pixel(tick.at);
    const double half = width_of(tick) / 2;
    const bool major = !tick.label.empty();
    if (major) add_line(out, x, plot.top, x, plot.bottom(), kGrid);
    add_line(out, x, plot.bottom(), x, plot.bottom() + (major ? kMajor : kMinor), kInk);
    if (!major || x - half < free) continue;
    add_label(out, x, plot.bottom() + 19, tick);
    free = x + half + kFont / 2;
  }
  out += "</g>\n";
  add_text(out, plot.middle().first, plot.bottom() + 40, plot.chart.x.label, kCentred);
}

void add_y_axis(std::string& out, const Plot& plot) {
  out += "<g class='y' text-anchor='end'>\n";
  for (const Tick& tick : plot.y.ticks) {
    const double y = plot.y_pixel(tick.at);
    const bool major = !tick.label.empty();
    if (major) add_line(out, plot.left, y, plot.right(), y, kGrid);
    add_line(out, plot.left - (major ? kMajor : kMinor), y, plot.left, y, kInk);
    if (major) add_label(out, plot.left - kLabelGap, y + kDescent, tick);
  }
  out += "</g>\n";
  const auto [x, y] = Point{kEdge + kFont / 2, plot.middle().second};
  add_text(out, x, y, plot.chart.y.label,
           fmt::format("{} transform='rotate(-90 {:.2f} {:.2f})'", kCentred, x, y));
}

struct Style {
  const char* colour;
  const char* dashes;
  const char* marker;
  bool hollow;
};

Style style_of(std::size_t name, bool dashed) {
  const bool again = name / std::size(kColours) % 2 != 0;
  return {kColours[name % std::size(kColours)], kDashes[2 * again + dashed],
          kMarkers[name % std::size(kMarkers)], dashed};
}

void add_stroke(std::string& out, const Style& style, std::string_view path) {
  add(out, "<path d='{}' fill='none' stroke='{}' stroke-width='2' stroke-dasharray='{}'/>\n", path,
      style.colour, style.dashes);
}

void add_markers(std::string& out, const Style& style, std::string_view path) {
  add(out, "<path d='{}' fill='{}' stroke='{}'/>\n", path, style.hollow ? "white" : style.colour,
      style.hollow ? style.colour : "white");
}

// Broken where a point cannot be drawn. The zero length makes a dot of a point without neighbours.
std::string line_path(const Plot& plot, const Series& series) {
  std::string path;
  bool joined = false;
  for (const Point& point : series.points) {
    const bool shown = drawable(point, plot.chart);
    if (shown) {
      const auto [x, y] = plot.pixel(point);
      add(path, "{}{:.2f} {:.2f}{}", joined ? "L" : "M", x, y, joined ? "" : "h0");
    }
    joined = shown;
  }
  return path;
}

std::string marker_path(const Plot& plot, const Series& series, const char* marker) {
  std::string path;
  Point last = {-kMarker, -kMarker};
  for (const Point& point : series.points) {
    if (!drawable(point, plot.chart)) continue;
    const auto [x, y] = plot.pixel(point);
    if (std::hypot(x - last.first, y - last.second) < kMarker) continue;
    add(path, "M{:.2f} {:.2f}{}", x, y, marker);
    last = {x, y};
  }
  return path;
}

void add_series(std::string& out, const Plot& plot, const Series& series, const Style& style) {
  add_stroke(out, style, line_path(plot, series));
  add_markers(out, style, marker_path(plot, series, style.marker));
}

void add_legend(std::string& out, const Plot& plot, const Series& series, const Style& style,
                std::size_t row) {
  const double x = plot.right() + kLegendGap;
  const double y = plot.top + kLegendRow * (static_cast<double>(row) + 0.5);
  add_stroke(out, style, fmt::format("M{:.2f} {:.2f}h{}", x, y, kSample));
  add_markers(out, style, fmt::format("M{:.2f} {:.2f}{}", x + kSample / 2, y, style.marker));
  add_text(out, x + kSample + kLabelGap, y + kDescent, series.name);
}

void add_plot(std::string& out, const Plot& plot) {
  const Chart& chart = plot.chart;
  add_text(out, plot.left, plot.top - (chart.note.empty() ? 16 : 34), chart.title,
           fmt::format("font-weight='bold' font-size='{}'", kTitleFont));
  add_text(out, plot.left, plot.top - 16, chart.note, fmt::format("font-size='{}'", kNoteFont));
  add_x_axis(out, plot);
  add_y_axis(out, plot);
  add_line(out, plot.left, plot.bottom(), plot.right(), plot.bottom(), kInk);
  add_line(out, plot.left, plot.top, plot.left, plot.bottom(), kInk);
  const auto [x, y] = plot.middle();
  if (plot.x.ticks.empty()) add_text(out, x, y, "no data", kCentred);
  std::map<std::string_view, std::size_t> names;
  std::size_t rows = 0;
  for (const Series& series : chart.series) {
    const auto [name, first] = names.try_emplace(series.name, names.size());
    const Style style = style_of(name->second, series.dashed);
    add_series(out, plot, series, style);
    if (first && !series.name.empty()) add_legend(out, plot, series, style, rows++);
  }
}

// --- Layout

double left_of(const Plot& plot) {
  double widest = 0;
  for (const Tick& tick : plot.y.ticks) widest = std::max(widest, width_of(tick));
  return kEdge + 2 * kFont + widest + kLabelGap;
}

// To the right of `left`.
double width_of(const Plot& plot) {
  double name = 0;
  for (const Series& series : plot.chart.series) name = std::max(name, width_of(series.name, kFont));
  const double legend = name > 0 ? kLegendGap + kSample + kLabelGap + name : 0;
  return std::max(
      {kPlotWidth + legend, width_of(plot.chart.title, kTitleFont), width_of(plot.chart.note, kNoteFont)});
}

double height_of(const Chart& chart) {
  const double legend = kLegendRow * static_cast<double>(chart.series.size());
  return kAbovePlot + std::max(kPlotHeight + kBelowPlot, legend);
}

}  // namespace

std::string to_svg(std::span<const Chart> charts) {
  std::vector<Plot> plots(charts.begin(), charts.end());
  double left = 0;
  double width = 0;
  double height = 0;
  for (const Plot& plot : plots) {
    left = std::max(left, left_of(plot));
    width = std::max(width, width_of(plot));
  }
  std::string body;
  for (Plot& plot : plots) {
    plot.left = left;
    plot.top = height + kAbovePlot;
    height += height_of(plot.chart);
    add_plot(body, plot);
  }
  return fmt::format(
      "<svg xmlns='http://www.w3.org/2000/svg' width='{0:.0f}' height='{1:.0f}' viewBox='0 0 {0:.0f} "
      "{1:.0f}' "
      "font-family='Helvetica, Arial, sans-serif' font-size='{2}' fill='{3}' stroke-linecap='round' "
      "stroke-linejoin='round'>\n<rect width='100%' height='100%' fill='white'/>\n{4}</svg>\n",
      left + width + kEdge, height + kEdge, kFont, kInk, body);
}

}  // namespace sounder
