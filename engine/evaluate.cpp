#include "engine/evaluate.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <numeric>
#include <span>

namespace sounder {
namespace {

constexpr std::size_t kPieceRows = 4096;

// Calls body(piece number, first row, rows) for consecutive pieces of the data.
template <class Body>
std::size_t for_each_piece(const Dataset& data, const ParallelFor& parallel, Body&& body) {
  const std::size_t pieces = (data.rows() + kPieceRows - 1) / kPieceRows;
  parallel(pieces, [&](std::size_t piece) {
    const std::size_t first = piece * kPieceRows;
    body(piece, first, std::min(kPieceRows, data.rows() - first));
  });
  return pieces;
}

ConstWeights weights_of(const Model& model, [[maybe_unused]] const Dataset& data) {
  assert(model.width == 1 && data.dimension() <= model.dimension);
  return {.weights = model.weights.data(), .bias = model.bias.empty() ? nullptr : model.bias.data()};
}

// The chance that a positive sample scores above a negative one, ties counting half: the Mann-Whitney
// statistic over average ranks. Unset when a class is missing or a score is not a number.
std::optional<double> area_under_curve(std::span<const float> scores, std::span<const float> labels) {
  if (std::ranges::any_of(scores, [](float score) { return std::isnan(score); })) return std::nullopt;
  std::vector<std::size_t> order(scores.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, {}, [&](std::size_t i) { return scores[i]; });
  double positives = 0;
  double rank_sum = 0;
  for (std::size_t begin = 0, end = 0; begin < order.size(); begin = end) {
    while (end < order.size() && scores[order[end]] == scores[order[begin]]) ++end;
    const double rank = static_cast<double>(begin + end + 1) / 2;
    for (std::size_t i = begin; i < end; ++i) {
      if (labels[order[i]] <= 0) continue;
      ++positives;
      rank_sum += rank;
    }
  }
  const double negatives = static_cast<double>(scores.size()) - positives;
  if (positives == 0 || negatives == 0) return std::nullopt;
  return (rank_sum - positives * (positives + 1) / 2) / (positives * negatives);
}

}  // namespace

Metrics metrics_of(const Evaluation& sums, LabelKind labels) {
  const double weight = sums.weight > 0 ? sums.weight : 1;
  Metrics metrics{.loss = sums.loss / weight, .accuracy = {}, .rmse = {}, .auc = {}};
  if (labels == LabelKind::kTwoClass) {
    metrics.accuracy = sums.hits / weight;
  } else {
    metrics.rmse = std::sqrt(sums.squared_error / weight);
  }
  return metrics;
}

std::vector<float> predict(const Model& model, const Objective& objective, const Dataset& data,
                           const ParallelFor& parallel) {
  std::vector<float> out(data.rows());
  const ConstWeights weights = weights_of(model, data);
  for_each_piece(data, parallel, [&](std::size_t, std::size_t first, std::size_t rows) {
    objective.predict(samples_of(data, first, rows), weights, std::span(out).subspan(first, rows));
  });
  return out;
}

Metrics evaluate(const Model& model, const Objective& objective, const Dataset& data,
                 const ParallelFor& parallel) {
  std::vector<Evaluation> pieces((data.rows() + kPieceRows - 1) / kPieceRows);
  const ConstWeights weights = weights_of(model, data);
  for_each_piece(data, parallel, [&](std::size_t piece, std::size_t first, std::size_t rows) {
    pieces[piece] = objective.evaluate(samples_of(data, first, rows), weights);
  });
  Evaluation sum;
  for (const Evaluation& piece : pieces) sum += piece;
  Metrics metrics = metrics_of(sum, objective.labels());
  if (metrics.accuracy)
    metrics.auc = area_under_curve(predict(model, objective, data, parallel), data.labels());
  return metrics;
}

}  // namespace sounder
