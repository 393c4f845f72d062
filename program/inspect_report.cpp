#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "engine/theory.h"
#include "io/counted.h"
#include "io/json_text.h"
#include "program/commands.h"
#include "program/inspect.h"

namespace sounder {
namespace {

using Json = nlohmann::ordered_json;

double lower_end(std::size_t bin) {
  return bin == 0 ? 0 : std::ldexp(1, static_cast<int>(bin) - 1);
}

std::size_t bins_of(const Histogram& histogram) {
  std::size_t bins = histogram.size();
  while (bins > 0 && histogram[bins - 1] == 0) --bins;
  return bins;
}

double percent(double share) {
  return 100 * share;
}

// --- Text

std::string histogram_line(const char* name, const Histogram& histogram) {
  std::string text = fmt::format("{:<22}", name);
  for (std::size_t bin = 0; bin < bins_of(histogram); ++bin) {
    if (histogram[bin] > 0) text += fmt::format(" {:g}+: {} ", lower_end(bin), histogram[bin]);
  }
  return text + '\n';
}

std::string graph_lines(const char* vertices, const IncidenceFigures& figures) {
  return fmt::format(
      "{:<22} {} touched, {}; longest sample Omega = {}, hottest in Delta = {:.3g} % of them\n", vertices,
      figures.vertices, counted(figures.nonzeros, "non-zero"), figures.longest_row,
      percent(figures.largest_share));
}

std::string hot_lines(const InspectReport& report) {
  const Inspection& found = report.found;
  std::string text = fmt::format("{:<22} {} in more than {:g} % of the samples;", "hot coordinates",
                                 found.hot, percent(report.flags.how.hot_share));
  for (std::size_t i = 0; i < found.hottest.size(); ++i)
    text += fmt::format("{} {} {:.3g} %", i == 0 ? "" : ",", report.names[i],
                        percent(found.hottest[i].degree / static_cast<double>(found.samples)));
  return text + '\n';
}

std::string conflict_row(const char* view, const ConflictFigures& figures, std::uint64_t samples) {
  const double share = figures.average.value / static_cast<double>(samples);
  return fmt::format("  {:<20}{:>12.6g}{:>25}{:>11.4g}{:>22}{:>12.4g}\n", view, figures.average.value,
                     fmt::format("{:.6g} .. {:.6g}", figures.average.lower, figures.average.upper),
                     percent(share), fmt::format("{} .. {}", figures.largest.lower, figures.largest.upper),
                     figures.tau_safe);
}

std::string weighted_row(const Estimate& chance) {
  return fmt::format("  {:<20}{:>12}{:>25}{:>11.4g}{:>22}{:>12.4g}\n", "weighted by gradient", "", "",
                     percent(chance.value), "", safe_staleness(chance.value));
}

std::string conflict_lines(const Inspection& found) {
  std::string text = fmt::format("\n  {:<20}{:>12}{:>25}{:>11}{:>22}{:>12}\n", "conflicts", "average Dbar",
                                 "95 % interval", "chance %", "most of a sample", "safe tau");
  text += conflict_row("all coordinates", found.raw, found.samples);
  text += conflict_row("without hot ones", found.without_hot, found.samples);
  text += conflict_row("cache lines", found.lines, found.samples);
  if (found.weighted_chance) text += weighted_row(*found.weighted_chance);
  if (found.common) text += "  (not counted: what all samples share, as a bias)\n";
  return text;
}

std::string describe(Grouping trained) {
  switch (trained) {
    case Grouping::kRandom:
      return ", which is how training takes them";
    case Grouping::kTiles:
      return "; training takes tiles, whose samples share more";
    case Grouping::kInOrder:
      break;
  }
  return "; training takes them in blocks as they lie";
}

std::string order_line(const Inspection& found) {
  if (found.in_order.empty()) return "";
  std::string text = fmt::format("\n{:<22} two samples meet with chance", "in the file's order");
  for (const OrderFigures& figures : found.in_order)
    text += fmt::format(" {:.3g} % within {},", percent(figures.chance.value), figures.window);
  return text + fmt::format(" {:.3g} % in random order{}\n", percent(found.chance(found.raw.average)),
                            describe(found.trained));
}

// Blocks in flight are two a thread, so rows a block = tau / (2 threads).
std::string staleness_line(const Inspection& found) {
  const double best = std::max({found.raw.tau_safe, found.without_hot.tau_safe,
                                found.weighted_chance ? safe_staleness(found.weighted_chance->value) : 0});
  std::string text = fmt::format("{:<22}", "threads x block rows");
  for (const int threads : {1, 2, 4, 8, 16, 32, 64}) {
    const double rows = std::floor(std::min(best, static_cast<double>(found.samples)) / (2 * threads));
    if (rows >= 1) text += fmt::format(" {} x {:g} ", threads, rows);
  }
  return text + fmt::format("keep two blocks a thread within the largest safe tau, {:.4g}\n", best);
}

std::string inflation_lines(const Inspection& found) {
  std::string text =
      fmt::format("\n  predicted iterations over serial, a sample at a time\n  {:<20}", "workers");
  const auto row = [&](const char* name, auto figure) {
    std::string line = fmt::format("  {:<20}", name);
    for (const InflationFigures& figures : found.inflation) line += fmt::format("{:>9.4g}", figure(figures));
    return line + '\n';
  };
  for (const InflationFigures& figures : found.inflation) text += fmt::format("{:>9}", figures.workers);
  text += '\n' + row("all coordinates", [](const InflationFigures& f) { return f.raw; });
  text += row("without hot ones", [](const InflationFigures& f) { return f.without_hot; });
  if (found.weighted_chance)
    text += row("weighted by gradient", [](const InflationFigures& f) { return *f.weighted; });
  return text;
}

std::string constants_line(const ConstantFigures& constants, std::uint64_t samples) {
  const Theorem& theorem = constants.theorem;
  return fmt::format(
      "\n{:<22} m = {:.3g}, L is about {:.3g}, M about {:.3g}; for |w - w*|^2 = {:.3g} the theorem asks for "
      "step "
      "{:.3g} and {:.3g} samples, {:.3g} epochs\n",
      "constants", theorem.strong_convexity, constants.smoothness, theorem.gradient_bound, constants.accuracy,
      theorem.step, theorem.samples, theorem.samples / static_cast<double>(samples));
}

std::string advice_lines(const Inspection& found) {
  std::string text = fmt::format("\non {}, train would take\n", counted(found.threads, "thread"));
  found.advice.why.for_each([&](std::string_view name, const Choice& choice) {
    text += fmt::format("  {:<20} {}: {}\n", name, choice.value, choice.why);
  });
  return text;
}

// --- JSON

Json json_of(const Histogram& histogram) {
  Json bins = Json::array();
  for (std::size_t bin = 0; bin < bins_of(histogram); ++bin)
    bins.push_back({{"from", lower_end(bin)}, {"count", histogram[bin]}});
  return bins;
}

Json json_of(const Estimate& estimate) {
  return {estimate.lower, estimate.upper};
}

Json json_of(const ConflictFigures& figures, const Inspection& found) {
  return {{"conflict_degree_average", figures.average.value},
          {"conflict_degree_interval", json_of(figures.average)},
          {"conflict_degree_max", figures.largest.lower},
          {"conflict_degree_max_interval", {figures.largest.lower, figures.largest.upper}},
          {"conflict_chance", found.chance(figures.average)},
          {"rho", static_cast<double>(figures.largest.upper + 1) / static_cast<double>(found.samples)},
          {"tau_safe", std::isfinite(figures.tau_safe) ? Json(figures.tau_safe) : Json(nullptr)}};
}

Json json_of(const IncidenceFigures& figures) {
  return {{"vertices", figures.vertices},        {"nonzeros", figures.nonzeros},
          {"omega", figures.longest_row},        {"delta", figures.largest_share},
          {"degrees", json_of(figures.degrees)}, {"row_lengths", json_of(figures.row_lengths)}};
}

Json hottest_of(const InspectReport& report) {
  Json list = Json::array();
  for (std::size_t i = 0; i < report.names.size(); ++i)
    list.push_back({{"name", report.names[i]},
                    {"coordinate", report.found.hottest[i].coordinate},
                    {"degree", report.found.hottest[i].degree}});
  return list;
}

Json order_of(const Inspection& found) {
  Json list = Json::array();
  for (const OrderFigures& figures : found.in_order)
    list.push_back({{"window", figures.window},
                    {"conflict_chance", figures.chance.value},
                    {"conflict_chance_interval", json_of(figures.chance)}});
  return list;
}

Json inflation_of(const Inspection& found) {
  Json list = Json::array();
  for (const InflationFigures& figures : found.inflation) {
    list.push_back(
        {{"workers", figures.workers}, {"raw", figures.raw}, {"without_hot", figures.without_hot}});
    if (figures.weighted) list.back()["weighted"] = *figures.weighted;
  }
  return list;
}

Json json_of(const ConstantFigures& constants) {
  return {{"strong_convexity", constants.theorem.strong_convexity},
          {"smoothness", constants.smoothness},
          {"gradient_bound", constants.theorem.gradient_bound},
          {"accuracy", constants.accuracy},
          {"step", constants.theorem.step},
          {"samples", constants.theorem.samples}};
}

Json json_of(const Advice& advice) {
  Json json{{"discipline", name_of(advice.discipline)},
            {"block_rows", advice.block_rows},
            {"refresh_rows", advice.refresh_rows},
            {"tau", advice.tau},
            {"step", advice.step}};
  advice.why.for_each([&](std::string_view name, const Choice& choice) {
    json[std::string(name) + "_because"] = choice.why;
  });
  return json;
}

// --- Charts

// A step of the line for each bin.
Series outline(const std::string& name, const Histogram& histogram) {
  Series series{.name = name, .points = {}};
  for (std::size_t bin = 1; bin < bins_of(histogram); ++bin)
    series.points.emplace_back(lower_end(bin), static_cast<double>(histogram[bin]));
  return series;
}

Chart degree_chart(const Inspection& found) {
  return {.title = "Degrees and lengths",
          .note = "of numbers from k to 2 k - 1, how many there are",
          .x = {.label = "k", .scale = Scale::kLog},
          .y = {.label = "how many", .scale = Scale::kLog},
          .series = {outline("samples of a coordinate", found.by_coordinate.degrees),
                     outline("coordinates of a sample", found.by_coordinate.row_lengths),
                     outline("samples of a cache line", found.by_line.degrees),
                     outline("cache lines of a sample", found.by_line.row_lengths)}};
}

// Of workers, over inflation; without staleness they are as many times as fast.
Chart speedup_chart(const Inspection& found) {
  Chart chart{.title = "Predicted speed-up",
              .note = "workers over the predicted inflation of iterations, a sample at a time",
              .x = {.label = "workers", .scale = Scale::kLog},
              .y = {.label = "speed-up", .scale = Scale::kLog},
              .series = {}};
  const auto add = [&](const char* name, auto figure) {
    chart.series.push_back({.name = name, .points = {}});
    for (const InflationFigures& f : found.inflation)
      chart.series.back().points.emplace_back(f.workers, f.workers / figure(f));
  };
  add("all coordinates", [](const InflationFigures& f) { return f.raw; });
  add("without hot ones", [](const InflationFigures& f) { return f.without_hot; });
  if (found.weighted_chance)
    add("weighted by gradient", [](const InflationFigures& f) { return *f.weighted; });
  return chart;
}

}  // namespace

std::string text_of(const InspectReport& report) {
  const Inspection& found = report.found;
  std::string text =
      fmt::format("{}: {}, {}; {}, l2 {:g}\n\n", report.flags.data, counted(found.samples, "sample"),
                  counted(found.coordinates, "coordinate"), report.objective, report.l2);
  text += graph_lines("coordinates", found.by_coordinate) + graph_lines("cache lines", found.by_line);
  text += histogram_line("samples a coordinate", found.by_coordinate.degrees);
  text += histogram_line("coordinates a sample", found.by_coordinate.row_lengths);
  text += hot_lines(report) + conflict_lines(found) + order_line(found) + staleness_line(found);
  text += inflation_lines(found);
  if (found.constants) text += constants_line(*found.constants, found.samples);
  return text + advice_lines(found);
}

std::string json_of(const InspectReport& report) {
  const Inspection& found = report.found;
  Json json{{"data", report.flags.data},
            {"objective_name", report.objective},
            {"l2", report.l2},
            {"samples", found.samples},
            {"coordinates", found.coordinates},
            {"nonzeros", found.by_coordinate.nonzeros},
            {"omega", found.by_coordinate.longest_row},
            {"delta", found.by_coordinate.largest_share}};
  put_remarks(json, weighting_of(report.flags));
  json.update(json_of(found.raw, found));
  if (found.weighted_chance) {
    json["weighted"] = {{"conflict_chance", found.weighted_chance->value},
                        {"conflict_chance_interval", json_of(*found.weighted_chance)},
                        {"tau_safe", safe_staleness(found.weighted_chance->value)}};
  }
  json["hot"] = found.hot;
  json["hottest"] = hottest_of(report);
  json["without_hot"] = json_of(found.without_hot, found);
  json["degrees"] = json_of(found.by_coordinate.degrees);
  json["row_lengths"] = json_of(found.by_coordinate.row_lengths);
  json["cache_lines"] = json_of(found.by_line);
  json["cache_lines"].update(json_of(found.lines, found));
  json["in_order"] = order_of(found);
  json["inflation"] = inflation_of(found);
  if (found.constants) json["theorem"] = json_of(*found.constants);
  json["threads"] = found.threads;
  json["recommended"] = json_of(found.advice);
  return json_text(json);
}

std::vector<Chart> charts_of(const InspectReport& report) {
  return {degree_chart(report.found), speedup_chart(report.found)};
}

}  // namespace sounder
