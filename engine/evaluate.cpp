#include "engine/evaluate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>
#include <variant>
#include <vector>

#include "io/error.h"

namespace sounder {
namespace {

constexpr std::size_t kPieceRows = 4096;

// Rows [first, first + count) of the data as a model has them: position = coordinate x width.
class Piece {
 public:
  Piece(const Model& model, const Dataset& data, std::size_t first, std::size_t count)
      : samples_(samples_of(data, first, count)) {
    if (model.width == 1) return;
    const Coordinate* coordinates = std::get<const std::uint32_t*>(samples_.positions);
    for (std::size_t k = 0; k < samples_.nonzeros(); ++k) positions_.push_back(coordinates[k] * model.width);
    samples_.positions = positions_.data();
  }
  Piece(const Piece&) = delete;
  Piece& operator=(const Piece&) = delete;

  const Samples& samples() const { return samples_; }

 private:
  Samples samples_;
  std::vector<std::uint32_t> positions_;
};

// Calls body(piece number, first row, samples) for consecutive pieces of the data.
template <class Body>
void for_each_piece(const Model& model, const Dataset& data, const ParallelFor& parallel,
                    std::size_t piece_rows, Body&& body) {
  parallel((data.rows() + piece_rows - 1) / piece_rows, [&](std::size_t piece) {
    const std::size_t first = piece * piece_rows;
    body(piece, first, Piece(model, data, first, std::min(piece_rows, data.rows() - first)).samples());
  });
}

void check(const Model& model, const Objective& objective, const Dataset& data) {
  require_same(model, objective);
  check_positions(model.dimension, model.width);
  const Shape shape = objective.shape();
  const std::size_t common = shape.common * shape.width;
  const bool has_common = model.bias.size() == common || (common == 0 && model.bias.size() == model.width);
  if (model.width != shape.width || model.weights.size() != model.dimension * model.width || !has_common)
    throw InputError(
        fmt::format("found a model of {} x {} weights and {} beside them, expected one of {}: {} for each of "
                    "its {} columns and {}",
                    model.weights.size() / std::max<std::size_t>(model.width, 1), model.width,
                    model.bias.size(), objective.name(), shape.width, model.dimension, common));
  if (data.dimension() <= model.dimension) return;
  throw InputError(
      fmt::format("the data has {} coordinates, the model {}: leave out what the model does not know",
                  data.dimension(), model.dimension));
}

ConstWeights const_weights(const Model& model) {
  return {.weights = model.weights.data(),
          .bias = model.bias.empty() ? nullptr : model.bias.data(),
          .stride = model.width};
}

// `width` numbers a row: work(samples, weights, out) puts down those of a piece.
template <class Work>
std::vector<float> apply(const Model& model, const Objective& objective, const Dataset& data,
                         const ParallelFor& parallel, std::size_t width, Work&& work) {
  check(model, objective, data);
  std::vector<float> out(data.rows() * width);
  for_each_piece(
      model, data, parallel, kPieceRows, [&](std::size_t, std::size_t first, const Samples& samples) {
        work(samples, const_weights(model), std::span(out).subspan(first * width, samples.rows() * width));
      });
  return out;
}

// The chance that a positive sample scores above a negative one, each drawn by weight, ties counting half: the Mann-Whitney
// statistic. Unset when a class is missing or a score is not a number.
std::optional<double> area_under_curve(std::span<const float> scores, const Dataset& data) {
  if (std::ranges::any_of(scores, [](float score) { return std::isnan(score); })) return std::nullopt;
  std::vector<std::size_t> order(scores.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, {}, [&](std::size_t i) { return scores[i]; });
  double positives = 0;
  double negatives = 0;  // with scores below
  double wins = 0;
  for (std::size_t begin = 0, end = 0; begin < order.size(); begin = end) {
    double tied[2] = {0, 0};  // negative, positive
    for (; end < order.size() && scores[order[end]] == scores[order[begin]]; ++end) {
      const Row row = data.row(order[end]);
      tied[row.label > 0 ? 1 : 0] += row.weight;
    }
    wins += tied[1] * (negatives + tied[0] / 2);
    negatives += tied[0];
    positives += tied[1];
  }
  if (positives == 0 || negatives == 0) return std::nullopt;
  return wins / (positives * negatives);
}

}  // namespace

void require_same(const Model& model, const Objective& objective) {
  if (model.objective.empty()) return;  // of nobody knows what
  if (model.objective != objective.name())
    throw InputError(
        fmt::format("found a model of {}, expected one of {}", model.objective, objective.name()));
  if (model.parameters != objective.parameters())
    throw InputError(fmt::format(
        "found a model of {} with other parameters: objective_of() makes the one it is of", model.objective));
}

void check_positions(std::uint64_t dimension, std::size_t width) {
  if (width == 0) throw InputError("the objective has a width of 0, expected 1 or more");
  if (static_cast<double>(dimension) * static_cast<double>(width) <= 0x1p32) return;
  throw InputError(
      fmt::format("{} coordinates of {} weights each: a model has at most 2^32 weights", dimension, width));
}

Metrics metrics_of(const Evaluation& sums, LabelKind labels) {
  const double weight = sums.weight > 0 ? sums.weight : 1;
  Metrics metrics{.loss = sums.loss / weight};
  switch (labels) {
    case LabelKind::kTwoClass:
    case LabelKind::kManyClass:
      metrics.accuracy = sums.hits / weight;
      break;
    case LabelKind::kReal:
    case LabelKind::kNonNegative:
      metrics.rmse = std::sqrt(sums.squared_error / weight);
      metrics.mae = sums.absolute_error / weight;
      break;
    case LabelKind::kCount:
      metrics.perplexity = std::exp(metrics.loss);
      break;
  }
  return metrics;
}

std::vector<float> predict(const Model& model, const Objective& objective, const Dataset& data,
                           const ParallelFor& parallel) {
  return apply(model, objective, data, parallel, 1,
               [&](const Samples& samples, const ConstWeights& weights, std::span<float> out) {
                 objective.predict(samples, weights, out);
               });
}

std::vector<float> scores(const Model& model, const Objective& objective, const Dataset& data,
                          const ParallelFor& parallel) {
  return apply(model, objective, data, parallel, objective.scores(),
               [&](const Samples& samples, const ConstWeights& weights, std::span<float> out) {
                 objective.score(samples, weights, out);
               });
}

std::vector<float> probabilities(const Model& model, const Objective& objective, const Dataset& data,
                                 const ParallelFor& parallel) {
  if (!objective.has_probabilities())
    throw InputError(fmt::format("the objective {} has no probabilities", objective.name()));
  return apply(model, objective, data, parallel, objective.scores(),
               [&](const Samples& samples, const ConstWeights& weights, std::span<float> out) {
                 objective.score(samples, weights, out);
                 objective.to_probabilities(out);
               });
}

Metrics evaluate(const Model& model, const Objective& objective, const Dataset& data,
                 const ParallelFor& parallel) {
  check(model, objective, data);
  check_labels(data, objective.labels());
  // What draws from the data draws from all of it.
  const std::size_t piece_rows = objective.shape().draws ? std::max<std::size_t>(data.rows(), 1) : kPieceRows;
  std::vector<Evaluation> pieces((data.rows() + piece_rows - 1) / piece_rows);
  for_each_piece(model, data, parallel, piece_rows,
                 [&](std::size_t piece, std::size_t, const Samples& samples) {
                   pieces[piece] = objective.evaluate(samples, const_weights(model));
                 });
  Evaluation sum;
  for (const Evaluation& piece : pieces) sum += piece;
  Metrics metrics = metrics_of(sum, objective.labels());
  if (objective.labels() == LabelKind::kTwoClass)
    metrics.auc = area_under_curve(predict(model, objective, data, parallel), data);
  return metrics;
}

double loss_of_zero(const Dataset& data, const Objective& objective, float bias) {
  return loss_of_zero(samples_of(data, 0, data.rows()), objective, bias);
}

double loss_of_zero(const Samples& samples, const Objective& objective, float bias) {
  if (!objective.shape().starts_at_zero) return 0;
  const std::vector<std::uint64_t> offsets(std::min(kPieceRows, samples.rows()) + 1, 0);
  const float none = 0;
  Evaluation sums;
  for (std::size_t first = 0; first < samples.rows(); first += kPieceRows) {
    Samples piece = samples.part(first, std::min(kPieceRows, samples.rows() - first));
    piece.offsets = std::span(offsets).first(piece.rows() + 1);
    sums += objective.evaluate(piece, {.weights = &none, .bias = bias == 0 ? nullptr : &bias});
  }
  return sums.loss / sums.weight;
}

}  // namespace sounder
