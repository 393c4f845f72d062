// Draws how the rules come down: how far the objective is above the best of all, by passes over the data.
//
// usage: loss_curves FILE.svg
//
// Logistic regression on made-up text, on one thread, so that it is always the same picture.
#include <algorithm>
#include <cstdio>
#include <limits>
#include <string>
#include <vector>

#include "engine/train.h"
#include "io/error.h"
#include "io/output.h"
#include "io/plot.h"
#include "io/synthetic.h"
#include "objectives/catalogue.h"

namespace sounder {
namespace {

Report run(const Dataset& data, Rule rule) {
  Options options;
  options.rule = rule;
  options.l2 = 1e-5;
  options.epochs = 30;
  options.threads = 1;
  return train(data, *make_objective("logistic"), options).report;
}

Series curve_of(const Report& report, double best) {
  Series series{.name = std::string(name_of(report.options.rule)), .points = {}};
  for (const EpochReport& row : report.per_epoch)
    series.points.emplace_back(row.passes, 100 * (row.objective / best - 1));
  return series;
}

std::string draw() {
  const Dataset data = generate({});
  std::vector<Report> reports;
  double best = std::numeric_limits<double>::infinity();
  for (const Rule rule : all_rules()) {
    reports.push_back(run(data, rule));
    for (const EpochReport& row : reports.back().per_epoch) best = std::min(best, row.objective);
  }
  Chart chart{.title = "The rules",
              .note = "logistic regression on made-up text, l2 = 1e-5, one thread",
              .x = {.label = "passes over the data"},
              .y = {.label = "% above the best objective", .scale = Scale::kLog},
              .series = {}};
  for (const Report& report : reports) chart.series.push_back(curve_of(report, best));
  return to_svg({&chart, 1});
}

}  // namespace
}  // namespace sounder

int main(int argc, char** argv) try {
  if (argc != 2) throw sounder::InputError("usage: loss_curves FILE.svg");
  sounder::write_file(argv[1], sounder::draw());
  return 0;
} catch (const sounder::InputError& error) {
  std::fprintf(stderr, "loss_curves: %s\n", error.what());
  return 2;
}
