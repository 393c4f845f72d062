#include "engine/layout.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <functional>
#include <numeric>
#include <utility>

#include "engine/arena.h"
#include "engine/options.h"
#include "io/counted.h"
#include "io/error.h"
#include "io/random.h"

namespace sounder {
namespace {

constexpr std::size_t kCellAlignment = 4;  // floats

using Degrees = std::vector<std::uint32_t>;

// A sample of weight zero moves nothing, so it does not count.
Degrees degrees_of(const Dataset& data, std::size_t first, std::size_t end) {
  Degrees degrees(data.dimension(), 0);
  if (!data.weighted()) {  // whatever the rows: one loop, which short ones do not interrupt
    const auto begin = data.offsets()[first];
    for (const Coordinate c : data.indices().subspan(begin, data.offsets()[end] - begin)) ++degrees[c];
    return degrees;
  }
  for (std::size_t i = first; i < end; ++i) {
    const Row row = data.row(i);
    if (row.weight == 0) continue;
    for (const Coordinate c : row.support) ++degrees[c];
  }
  return degrees;
}

// Each worker counts a part of the rows, where that is not more work than it saves.
Degrees degrees_of(const Dataset& data) {
  constexpr std::size_t kWorth = 8;  // non-zeros for each count of each worker
  const auto workers = static_cast<std::size_t>(threads_here());
  const std::size_t parts = data.nonzeros() / kWorth >= workers * data.dimension() ? workers : 1;
  std::vector<Degrees> counted(parts);
  parallel_for_here(parts, [&](std::size_t p) {
    counted[p] = degrees_of(data, data.rows() * p / parts, data.rows() * (p + 1) / parts);
  });
  for (std::size_t p = 1; p < parts; ++p)
    std::ranges::transform(counted[0], counted[p], counted[0].begin(), std::plus());
  return std::move(counted[0]);
}

// [k]: how many are at least rows / 2^k.
std::array<std::uint32_t, 32> count_hot(std::span<const std::uint32_t> degrees, std::size_t rows) {
  std::array<std::uint32_t, 32> counts{};
  for (const std::uint64_t degree : degrees) {
    if (degree == 0) continue;
    const auto halvings = static_cast<std::size_t>(std::bit_width((rows - 1) / degree));
    if (halvings < counts.size()) ++counts[halvings];
  }
  std::partial_sum(counts.begin(), counts.end(), counts.begin());
  return counts;
}

// Ranks by falling degree, equal degrees in order of the coordinate: a counting sort.
std::vector<std::uint32_t> rank_by_degree(std::span<const std::uint32_t> degrees, std::size_t rows) {
  std::vector<std::uint32_t> next(rows + 2, 0);  // next[k]: the first rank of degree n - k
  for (const std::uint32_t degree : degrees) ++next[rows - degree + 1];
  for (std::size_t k = 1; k < next.size(); ++k) next[k] += next[k - 1];
  std::vector<std::uint32_t> ranks;
  ranks.reserve(degrees.size());
  for (const std::uint32_t degree : degrees) ranks.push_back(next[rows - degree]++);
  return ranks;
}

// n over the samples that move what all of them share.
float common_reweight(const Dataset& data) {
  if (!data.weighted()) return 1;
  const auto moving =
      static_cast<double>(std::ranges::count_if(data.weights(), [](float w) { return w > 0; }));
  return static_cast<float>(static_cast<double>(data.rows()) / moving);
}

}  // namespace

Planes planes_of(const Options& options) {
  const RuleTraits& rule = traits_of(options.rule);
  return {
      .reweight = rule.reweights || options.l1 > 0, .state = rule.state, .average = options.average_from > 0};
}

Held held_by(const Objective& objective, const Options& options) {
  const Shape shape = objective.shape();
  return shape.starts_at_zero && !shape.terms && !shape.turns() && !options.start ? Held::kTouched
                                                                                  : Held::kAll;
}

Layout ranked_layout(const Dataset& data, const Objective& objective, const Options& options) {
  return {data, objective.shape(), options.bias, planes_of(options), held_by(objective, options)};
}

Layout::Layout(const Dataset& data, const Shape& shape, bool bias, Planes planes, Held held)
    : Layout(degrees_of(data), data.rows(), shape, bias, planes, data.weighted() ? Held::kAll : held,
             common_reweight(data)) {}

Layout Layout::of_data(std::size_t dimension, const Shape& shape) {
  Layout layout(shape, false, {});
  layout.ranked_ = false;
  layout.ranks_.resize(dimension);
  std::iota(layout.ranks_.begin(), layout.ranks_.end(), 0U);
  layout.held_ = dimension;
  return layout;
}

Layout::Layout(const Shape& shape, bool bias, Planes planes)
    : width_(shape.width),
      common_(shape.common + (bias ? 1 : 0)),
      planes_(planes),
      shift_(shape.width == 1 ? 2 : 0) {
  const std::size_t floats = average_place() + (planes.average ? weight_floats() : 0);
  cell_floats_ = (floats + kCellAlignment - 1) / kCellAlignment * kCellAlignment;
}

Layout::Layout(std::span<const std::uint32_t> degrees, std::size_t rows, const Shape& shape, bool bias,
               Planes planes, Held held, float common_reweight)
    : Layout(shape, bias, planes) {
  ranks_ = rank_by_degree(degrees, rows);
  held_ = ranks_.size();
  if (held == Held::kTouched) held_ -= static_cast<std::size_t>(std::ranges::count(degrees, 0U));
  hot_ = count_hot(degrees, rows);
  if (shape.terms) {
    for (const std::uint32_t degree : degrees)
      shares_.push_back(static_cast<float>(degree) / static_cast<float>(rows));
  }
  if (planes.reweight) set_reweights(degrees, rows, common_reweight);
}

void Layout::set_reweights(std::span<const std::uint32_t> degrees, std::size_t rows, float common_reweight) {
  reweights_.assign(cells() * state_floats(), 1.0F);
  std::fill_n(reweights_.data(), common_ * state_floats(), common_reweight);
  for_each([&](std::size_t c, std::size_t, double) {
    const auto coordinate = static_cast<Coordinate>(c);
    const double degree = std::max<std::uint32_t>(degrees[c], 1);
    reweights_[cell(coordinate) * state_floats() + offset(coordinate) / width_] =
        static_cast<float>(static_cast<double>(rows) / degree);
  });
}

Cell Layout::hot_end(double share) const {
  const double k = std::clamp(std::floor(-std::log2(share)), 0.0, static_cast<double>(hot_.size() - 1));
  const std::size_t coordinates = hot_[static_cast<std::size_t>(k)];
  return static_cast<Cell>(common_ + (coordinates + per_cell() - 1) / per_cell());
}

double Layout::touched_cells(std::size_t samples) const {
  constexpr double kMean = 1.4;  // degrees from n / 2^k up to twice as many, few of them near the upper end
  double touched = static_cast<double>(common_);
  std::uint32_t before = 0;
  for (std::size_t k = 0; k < hot_.size(); ++k) {
    const double cells =
        static_cast<double>(hot_[k] - std::exchange(before, hot_[k])) / static_cast<double>(per_cell());
    const double hits = static_cast<double>(per_cell()) * kMean *
                        std::ldexp(static_cast<double>(samples), -static_cast<int>(k));
    touched += cells * -std::expm1(-hits);
  }
  return touched;
}

LocalWeights Layout::local(float* cells) const {
  LocalWeights local{.weights = cells, .bias = common_ > 0 ? cells : nullptr, .stride = cell_floats_};
  float* plane = cells + weight_floats();
  if (planes_.reweight) {
    local.reweight = plane;
    plane += state_floats();
  }
  for (std::size_t k = 0; k < planes_.state; ++k, plane += state_floats()) local.state[k] = plane;
  return local;
}

ConstWeights Layout::weights(const float* cells, float scale) const {
  return {.weights = cells, .bias = common_ > 0 ? cells : nullptr, .scale = scale, .stride = cell_floats_};
}

// In four sums each, which do not wait for one another.
Layout::Norms Layout::norms(std::span<const float> array) const {
  constexpr std::size_t kLanes = 4;
  std::array<double, kLanes> l1{};
  std::array<double, kLanes> squared{};
  const std::size_t count = weight_floats();
  for (std::size_t first = common_ * cell_floats_; first < array.size(); first += cell_floats_) {
    const float* const weights = &array[first];
    const auto add = [&](std::size_t i, std::size_t lane) {
      const double w = weights[i];
      l1[lane] += std::fabs(w);
      squared[lane] += w * w;
    };
    std::size_t i = 0;
    for (; i + kLanes <= count; i += kLanes)
      for (std::size_t lane = 0; lane < kLanes; ++lane) add(i + lane, lane);
    for (; i < count; ++i) add(i, 0);
  }
  return {.l1 = std::accumulate(l1.begin(), l1.end(), 0.0),
          .squared = std::accumulate(squared.begin(), squared.end(), 0.0)};
}

// extract() the other way round.
void Layout::take(const Model& from, std::span<float> array) const {
  if (from.width != width_)
    throw InputError(fmt::format("start: found a model of {} a column, expected {}",
                                 counted(from.width, "weight"), width_));
  const std::size_t common = common_ * width_;
  if (from.bias.size() != common && !(from.bias.empty() && common_ == 1))
    throw InputError(fmt::format("start: found a model with {}, expected {}{}",
                                 counted(from.bias.size(), "bias weight"), common,
                                 common == 0 ? "; with a bias it goes on with one" : ""));
  for_each([&](std::size_t c, std::size_t place, double) {
    if (c < from.dimension) std::copy_n(from.weights.data() + c * width_, width_, array.data() + place);
  });
  for (std::size_t k = 0; k < from.bias.size() / width_; ++k)
    std::copy_n(from.bias.data() + k * width_, width_, array.data() + k * cell_floats_);
}

std::vector<float> Layout::start(const Objective& objective, std::uint64_t seed, const Model* from) const {
  std::vector<float> array(cells() * cell_floats_);
  for (std::size_t cell = 0; !reweights_.empty() && cell < cells(); ++cell)
    std::copy_n(reweights_.data() + cell * state_floats(), state_floats(),
                array.data() + cell * cell_floats_ + weight_floats());
  if (from != nullptr) take(*from, array);
  if (from != nullptr || objective.shape().starts_at_zero) return array;
  Random seeds(seed);
  const auto start = [&](std::size_t coordinate, std::size_t place) {
    Random random(seeds.next());
    objective.start(coordinate, std::span(array).subspan(place, width_), random);
  };
  for_each([&](std::size_t c, std::size_t place, double) { start(c, place); });
  for (std::size_t k = 0; k < common_; ++k) start(ranks_.size() + k, k * cell_floats_);
  return array;
}

std::vector<float> Layout::cells_of(std::span<const float> array, std::span<const Cell> support) const {
  std::vector<float> cells(support.size() * cell_floats_);
  float* to = cells.data();
  for (const Cell cell : support) to = std::copy_n(array.data() + cell * cell_floats_, cell_floats_, to);
  return cells;
}

void Layout::extract(std::span<const float> array, Model& model) const {
  model.weights.assign(ranks_.size() * width_, 0.0F);
  for_each([&](std::size_t c, std::size_t place, double) {
    std::copy_n(array.data() + place, width_, model.weights.data() + c * width_);
  });
  model.bias.clear();
  for (std::size_t k = 0; k < common_; ++k) {
    const auto common = array.subspan(k * cell_floats_, width_);
    model.bias.insert(model.bias.end(), common.begin(), common.end());
  }
}

Model Layout::model(std::span<const float> array, const Objective& objective, double l2,
                    std::uint64_t rows) const {
  Model model{.objective = objective.name(),
              .parameters = objective.parameters(),
              .dimension = ranks_.size(),
              .width = static_cast<std::uint32_t>(width_),
              .weights = {},
              .bias = {},
              .labels = {},
              .label_rule = {},
              .l2 = l2,
              .rows = rows,
              .names = {},
              .seen = {}};
  extract(array, model);
  return model;
}

}  // namespace sounder
