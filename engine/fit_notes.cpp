#include "engine/fit_notes.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "engine/run_report.h"
#include "objectives/samples.h"

namespace sounder {
namespace {

// A fit that is good needs no notes.
bool is_poor(const Report& report, const SampleScales& scales) {
  constexpr double kPoor = 0.1;  // deviations that predictions are off by
  return report.outcome != Outcome::kDiverged && report.training.rmse && scales.deviation > 0 &&
         *report.training.rmse > kPoor * scales.deviation;
}

void take_labels(SampleScales& scales, const Dataset& data) {
  constexpr std::size_t kLabels = std::size_t{1} << 16;
  double total = 0;
  double sum = 0;
  double squares = 0;
  const std::size_t count = std::min(kLabels, data.rows());
  for (std::size_t k = 0; k < count; ++k) {
    const std::size_t i = k * data.rows() / count;
    const double weight = data.weighted() ? data.weights()[i] : 1;
    const double before = data.labels()[i] - (total > 0 ? sum / total : 0);
    total += weight;
    sum += weight * data.labels()[i];
    if (total > 0) squares += weight * before * (data.labels()[i] - sum / total);
  }
  scales.mean = sum / total;
  scales.deviation = std::sqrt(squares / total);
}

void take_columns(SampleScales& scales, const Dataset& data) {
  constexpr std::size_t kRows = 2048;
  struct Column {
    float value;
    bool again = false;
    bool varies = false;
  };
  std::unordered_map<Coordinate, Column> columns;
  const std::size_t count = std::min(kRows, data.rows());
  for (std::size_t k = 0; k < count; ++k) {
    const Row row = data.row(k * data.rows() / count);
    scales.squared_row += squared_norm_of(row.values) / static_cast<double>(count);
    for (std::size_t e = 0; e < row.support.size(); ++e) {
      const auto [column, is_new] = columns.try_emplace(row.support[e], Column{row.values[e]});
      column->second.again |= !is_new;
      column->second.varies |= column->second.value != row.values[e];
    }
  }
  scales.indicators =
      std::ranges::any_of(columns, [](const auto& c) { return c.second.again && !c.second.varies; });
}

}  // namespace

std::optional<SampleScales> sample_scales(const Source& source, const Objective& objective) {
  if (source.file() || objective.labels() != LabelKind::kReal || !objective.shape().linear())
    return std::nullopt;
  SampleScales scales;
  take_labels(scales, source.data());
  take_columns(scales, source.data());
  return scales;
}

// Where a loss grows as labels do, its curvature falls as they grow, and so does the l2 that suits it: about curvature x |x|^2 / n,
// if there is as much signal as noise. The share of the penalty in the objective does not tell: it is small where weights are
// held at next to nothing. Of a loss that grows as the square of labels, as the penalty does, labels of any size are alike.
std::string note_on_penalty(const Report& report, const Objective& objective, const SampleScales& scales) {
  constexpr double kMuch = 0.03;     // of the curvature along all columns together,
  constexpr double kMany = 10;       // and so many times what would suit
  constexpr double kLargeUnit = 10;  // below, labels are of a size that l2 is meant for
  const std::optional<double> curvature = objective.curvature_at(report.training.loss);
  if (!curvature || !is_poor(report, scales) || scales.deviation < kLargeUnit) return "";
  const double strength = report.options.l2 / (*curvature * scales.squared_row);
  if (!(strength > std::max(kMuch, kMany / static_cast<double>(report.samples)))) return "";
  const double suited = std::min(report.options.l2, objective.defaults().l2) / scales.deviation;
  return fmt::format(
      "l2 = {:g} is large for labels of this size, a deviation of {:.3g}, and holds the weights back: try "
      "--l2 {:.1g}, "
      "or tune",
      report.options.l2, scales.deviation, std::pow(10, std::round(std::log10(suited))));
}

// Indicators may add up to a constant; but not where the mean of the labels would do better.
std::string note_on_constant(const Report& report, const SampleScales& scales) {
  constexpr double kFar = 2;  // deviations
  const Options& options = report.options;
  if (!is_poor(report, scales) || options.bias || options.start) return "";
  if (std::fabs(scales.mean) <= kFar * scales.deviation) return "";
  if (scales.indicators && *report.training.rmse <= scales.deviation) return "";
  return fmt::format("the labels' mean is {:.6g} and the model has no constant: {}", scales.mean,
                     traits_of(options.rule).dual ? "add a column of ones" : "--bias");
}

void tell_fit(Report& report, const Objective& objective, const SampleScales& scales) {
  add_note(report.note, note_on_penalty(report, objective, scales));
  add_note(report.note, note_on_constant(report, scales));
}

}  // namespace sounder
