#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "engine/arena.h"
#include "io/counted.h"
#include "io/json_text.h"
#include "program/commands.h"
#include "program/speedup.h"

namespace sounder {
namespace {

using Json = nlohmann::ordered_json;

bool ran(const Contender& contender) {
  return contender.refusal.empty();
}

// --- Table

std::string or_dash(const std::optional<double>& value, const char* format) {
  return value ? fmt::format(fmt::runtime(format), *value) : "-";
}

std::string notes_on(const Study& study, const Contender& contender) {
  const Report& report = typical(contender);
  std::string notes;
  if (&contender == &study.serial()) notes += "  = serial";
  if (contender.threads > usable_threads()) notes += "  more threads than cores";
  if (report.threads < contender.threads) notes += fmt::format("  trained on {}", report.threads);
  if (report.share_lost && contender.threads > 1)
    notes += fmt::format("  {:.2g} % of adds lost", 100 * *report.share_lost);
  if (report.outcome == Outcome::kDiverged) notes += "  diverged";
  return notes;
}

std::string row_of(const Study& study, const Contender& contender) {
  const Figures f = study.figures(contender);
  const Report& report = typical(contender);
  const std::string range = fmt::format("{:.2f}-{:.2f}", f.least_speedup, f.most_speedup);
  return fmt::format("{:<14}{:>7}{:>7}{:>9.4g}{:>10.3f}{:>10.2f}{:>12}{:>12.6g}{:>9.3f}{:>8}{:>9}{:>10}{}\n",
                     name_of(contender.variant), contender.threads, report.block_rows, report.step,
                     1e3 * f.seconds, f.speedup, range, f.objective, study.percent_above_best(f.objective),
                     or_dash(f.epochs_to_target, "{:g}"), or_dash(f.seconds_to_target, "{:.4f}"),
                     or_dash(f.speedup_to_target, "{:.2f}"), notes_on(study, contender));
}

std::string simulated_row_of(const Study& study, const Contender& contender) {
  const Figures f = study.figures(contender);
  return fmt::format("{:>9}{:>9.4g}{:>13.6g}{:>10.3f}{:>10}{:>11}\n", contender.workers,
                     typical(contender).step, f.objective, study.percent_above_best(f.objective),
                     or_dash(f.epochs_to_target, "{:g}"), or_dash(study.inflation(contender), "{:.2f}"));
}

std::string refusals_in(std::span<const Contender> contenders) {
  std::string text;
  for (const Contender& contender : contenders) {
    if (ran(contender)) continue;
    const std::string line = fmt::format("{}: not run: {}\n", name_of(contender.variant), contender.refusal);
    if (!text.ends_with(line)) text += line;
  }
  return text;
}

std::string rows_of(const Study& study, std::span<const Contender> contenders, auto row) {
  std::string text;
  for (const Contender& contender : contenders) {
    if (ran(contender)) text += row(study, contender);
  }
  return text + refusals_in(contenders);
}

std::string describe_problem(const Study& study) {
  const Report& report = typical(study.serial());
  const Options& options = report.options;
  const std::string l1 = options.l1 > 0 ? fmt::format(", l1 {:g}", options.l1) : "";
  return fmt::format("{}, l2 {:g}{}, rule {}, {}, median of {}", report.objective_name, options.l2, l1,
                     name_of(options.rule), counted(options.epochs, "epoch"), study.flags().repeat);
}

std::string describe_serial(const Study& study) {
  return fmt::format("{} on one thread, blocks of {}", name_of(study.serial().variant.discipline),
                     typical(study.serial()).block_rows);
}

std::string describe_target(const Study& study) {
  if (study.flags().target) return fmt::format("objective {:.6g}", study.target());
  return fmt::format("objective {:.6g}, {:g} % above the best of all runs", study.target(),
                     study.flags().above);
}

// --- JSON

Json or_null(const std::optional<double>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json curve_of(const Contender& contender) {
  Json rows = Json::array();
  for (const EpochReport& row : typical(contender).per_epoch) {
    Json json{{"epoch", row.epoch}, {"objective", row.objective}};
    if (contender.workers == 0) json["seconds"] = row.seconds;
    rows.push_back(std::move(json));
  }
  return rows;
}

Json json_of(const Study& study, const Contender& contender) {
  Json json{{"discipline", name_of(contender.variant.discipline)}, {"simulated", contender.workers > 0}};
  json[contender.workers > 0 ? "workers" : "threads"] = std::max(contender.workers, contender.threads);
  if (!ran(contender)) {
    json["refused"] = contender.refusal;
    return json;
  }
  const Figures f = study.figures(contender);
  const Report& report = typical(contender);
  json.update({{"block_rows", report.block_rows},
               {"outcome", name_of(report.outcome)},
               {"step", report.step},
               {"rollbacks", report.rollbacks},
               {"objective", f.objective},
               {"percent_above_best", study.percent_above_best(f.objective)},
               {"epochs_to_target", or_null(f.epochs_to_target)}});
  if (contender.workers > 0) {
    json["inflation"] = or_null(study.inflation(contender));
  } else {
    json.update({{"seconds_per_epoch", f.seconds},
                 {"speedup", f.speedup},
                 {"least_speedup", f.least_speedup},
                 {"most_speedup", f.most_speedup},
                 {"training_threads", report.threads},
                 {"seconds_to_target", or_null(f.seconds_to_target)},
                 {"speedup_to_target", or_null(f.speedup_to_target)}});
    if (report.share_lost) json["share_lost"] = *report.share_lost;
  }
  json["per_epoch"] = curve_of(contender);
  return json;
}

Json list_of(const Study& study, std::span<const Contender> contenders) {
  Json list = Json::array();
  for (const Contender& contender : contenders) list.push_back(json_of(study, contender));
  return list;
}

// --- Charts

using Point = std::pair<double, double>;

// A line for each variant that ran, in the same order, and so in the same colour, whatever is drawn;
// add_points(contender, points) fills it.
std::vector<Series> lines_of(const Study& study, auto add_points) {
  std::vector<Series> lines;
  for (const Contender& contender : study.measured()) {
    if (!ran(contender)) continue;
    const std::string name = name_of(contender.variant);
    auto line = std::ranges::find(lines, name, &Series::name);
    if (line == lines.end()) line = lines.insert(lines.end(), {.name = name, .points = {}});
    add_points(contender, line->points);
  }
  for (Series& line : lines) std::ranges::sort(line.points);
  return lines;
}

Chart chart_of_threads(const Study& study) {
  const auto points = [&](const Contender& c, std::vector<Point>& line) {
    line.emplace_back(c.threads, study.figures(c).speedup);
  };
  return {.title = "Wall-clock speed-up at equal epochs",
          .note = fmt::format("over {}; {}", describe_serial(study), describe_problem(study)),
          .x = {.label = "threads"},
          .y = {.label = "speed-up"},
          .series = lines_of(study, points)};
}

Chart chart_of_target(const Study& study) {
  const auto points = [&](const Contender& c, std::vector<Point>& line) {
    if (const auto seconds = study.figures(c).seconds_to_target) line.emplace_back(c.threads, *seconds);
  };
  return {.title = "Time to the target",
          .note = fmt::format("{}; no point: not reached", describe_target(study)),
          .x = {.label = "threads"},
          .y = {.label = "seconds of updates", .scale = Scale::kLog},
          .series = lines_of(study, points)};
}

std::vector<Point> descent_of(const Study& study, const Contender& contender) {
  std::vector<Point> points;
  for (const EpochReport& row : typical(contender).per_epoch)
    points.emplace_back(row.seconds, study.percent_above_best(row.objective));
  return points;
}

// Each variant on as many threads as it ran on, and the serial ones on one.
Chart chart_of_descent(const Study& study) {
  const auto most = [&](const Contender& mine) {
    int threads = 1;
    for (const Contender& c : study.measured()) {
      if (c.variant == mine.variant && ran(c)) threads = std::max(threads, c.threads);
    }
    return threads;
  };
  std::vector<Series> lines = lines_of(study, [&](const Contender& c, std::vector<Point>& line) {
    if (c.threads == most(c)) line = descent_of(study, c);
  });
  for (const Contender& serial : study.measured().first(Study::kSerial)) {
    if (!ran(serial) || most(serial) == 1) continue;
    lines.push_back({.name = name_of(serial.variant) + ", 1 thread", .points = descent_of(study, serial)});
  }
  return {.title = "Objective over time",
          .note = "on as many threads as were tried, after every epoch; the best of all runs is 0",
          .x = {.label = "seconds of updates", .scale = Scale::kLog},
          .y = {.label = "% above the best objective", .scale = Scale::kLog},
          .series = std::move(lines)};
}

// Beside it those that also take a sample at a time: with blocks the objective differs for other reasons.
Chart chart_of_staleness(const Study& study) {
  const auto point = [&](const Contender& c) {
    return Point(std::max(c.workers, c.threads), study.percent_above_best(study.figures(c).objective));
  };
  std::vector<Series> lines = lines_of(study, [&](const Contender& c, std::vector<Point>& line) {
    if (typical(c).block_rows == 1) line.push_back(point(c));
  });
  std::erase_if(lines, [](const Series& line) { return line.points.empty(); });
  Series simulated{.name = "simulated", .points = {}, .dashed = true};
  for (const Contender& c : study.simulated()) {
    if (ran(c)) simulated.points.push_back(point(c));
  }
  lines.push_back(std::move(simulated));
  return {
      .title = "What staleness costs",
      .note =
          "a sample at a time; simulated: on one thread, with the step of one worker, or less where a run "
          "went back",
      .x = {.label = "threads, or simulated workers", .scale = Scale::kLog},
      .y = {.label = fmt::format("% above the best after {}", counted(study.flags().options.epochs, "epoch")),
            .scale = Scale::kLog},
      .series = std::move(lines)};
}

}  // namespace

std::string table_of(const Study& study) {
  std::string text = fmt::format("{}: {}\n", study.flags().data, describe_problem(study));
  text += fmt::format("serial: {}; target: {}\n\n", describe_serial(study), describe_target(study));
  text += fmt::format("{:>90}{:>27}\n", "after the last epoch", "---- to the target ----");
  text += fmt::format("{:<14}{:>7}{:>7}{:>9}{:>10}{:>10}{:>12}{:>12}{:>9}{:>8}{:>9}{:>10}\n", "discipline",
                      "threads", "block", "step", "ms/epoch", "speed-up", "range", "objective", "% above",
                      "epochs", "seconds", "speed-up");
  text += rows_of(study, study.measured(), row_of);
  if (study.simulated().empty()) return text;
  text +=
      "\nsimulated: a sample at a time on one thread, as stale as with so many workers, with the step of one "
      "(a quarter for each time that a run went back); no speed is measured\n";
  text += fmt::format("{:>9}{:>9}{:>13}{:>10}{:>10}{:>11}\n", "workers", "step", "objective", "% above",
                      "epochs", "inflation");
  return text + rows_of(study, study.simulated(), simulated_row_of);
}

std::string json_of(const Study& study) {
  const SpeedupFlags& flags = study.flags();
  const Report& report = typical(study.serial());
  Json json{{"data", flags.data},
            {"objective_name", report.objective_name},
            {"l2", flags.options.l2},
            {"l1", flags.options.l1},
            {"bias", flags.options.bias},
            {"rule", name_of(flags.options.rule)},
            {"epochs", flags.options.epochs},
            {"seed", flags.options.seed},
            {"repeat", flags.repeat},
            {"samples", report.samples},
            {"coordinates", report.coordinates},
            {"nonzeros", report.nonzeros},
            {"usable_threads", usable_threads()},
            {"best_objective", study.best()},
            {"target", study.target()}};
  if (!flags.target) json["above"] = flags.above;
  put_remarks(json, weighting_of(flags));
  json["serial"] = json_of(study, study.serial());
  json["measured"] = list_of(study, study.measured());
  json["simulated"] = list_of(study, study.simulated());
  return json_text(json);
}

std::vector<Chart> charts_of(const Study& study) {
  std::vector<Chart> charts{chart_of_threads(study), chart_of_target(study), chart_of_descent(study)};
  if (!study.simulated().empty()) charts.push_back(chart_of_staleness(study));
  return charts;
}

}  // namespace sounder
