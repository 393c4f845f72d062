#include "engine/duality.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "engine/gradient_task.h"

namespace sounder {
namespace {

double relative(double value, double bound) {
  const double above = value - bound;  // a little below 0 at the minimum, by rounding
  return (above < 0 ? 0 : above) / std::max(std::fabs(value), std::numeric_limits<double>::min());
}

}  // namespace

Duality::Duality(const Objective& objective, const Layout& layout, Turns& turns, std::span<Block> blocks,
                 double l2, std::size_t rows, ParallelFor one_by_one, std::size_t groups)
    : objective_(objective),
      layout_(layout),
      turns_(turns),
      blocks_(blocks),
      l2_(l2),
      rows_(static_cast<double>(rows)),
      one_by_one_(std::move(one_by_one)),
      groups_(groups) {}

double Duality::gap(double value, std::span<const float> array, const Step& step, double wanted) {
  best_ = std::max(best_, objective_.shape().terms ? exact_dual() : dual(array, step));
  const double gap = relative(value, best_);
  return gap <= wanted ? exact_gap(value) : gap;
}

double Duality::exact_gap(double value) const {
  return relative(value, exact_dual());
}

// Fenchel's -mean l*(slope) - (l2 / 2) |u|^2, u the weights that the slopes imply.
double Duality::dual(std::span<const float> array, const Step& step) const {
  std::vector<float> implied(array.begin(), array.end());
  turns_.visit(Turn::kDual, step, implied);
  return -mean_conjugate() - l2_ / 2 * layout_.norms(implied).squared;
}

double Duality::exact_dual() const {
  std::vector<double> sum(layout_.cells() * layout_.cell_floats());
  one_by_one_(blocks_.size(), [&](std::size_t b) { add_implied(objective_, layout_, blocks_[b], sum); });
  const std::size_t width = objective_.width();
  double bound = 0;
  layout_.for_each([&](std::size_t coordinate, std::size_t place, double) {
    bound += objective_.bound(coordinate, std::span(sum).subspan(place, width), l2_, rows_);
  });
  return bound - mean_conjugate();
}

double Duality::mean_conjugate() const {
  double sum = 0;
  one_by_one_(blocks_.size() / groups_,
              [&](std::size_t b) { sum += conjugates_of(blocks_.subspan(b * groups_, groups_)); });
  return sum / rows_;
}

double Duality::conjugates_of(std::span<const Block> batch) const {
  const auto of = [&](const Block& block, std::size_t first, std::size_t rows) {
    return objective_.conjugates(block.samples().part(first, rows),
                                 std::span(block.memory).subspan(first, rows));
  };
  if (batch.size() == 1) return of(batch[0], 0, batch[0].rows());
  std::vector<double> rows;
  for (const Block& block : batch) {
    const Samples samples = block.samples();
    std::size_t place = 0;
    for (std::size_t i = 0; i < samples.rows(); ++i, ++place) {
      place += samples.gap(i);
      rows.resize(std::max(rows.size(), place + 1));
      rows[place] = of(block, i, 1);
    }
  }
  return std::accumulate(rows.begin(), rows.end(), 0.0);
}

}  // namespace sounder
