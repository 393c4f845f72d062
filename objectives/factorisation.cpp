#include "objectives/factorisation.h"

#include <fmt/format.h>

#include <array>
#include <cassert>
#include <cmath>
#include <numeric>
#include <variant>

#include "io/error.h"
#include "objectives/catalogue.h"

namespace sounder {
namespace {

constexpr double kMostRank = 4096;
constexpr double kBiasPace = 0.3;   // steps of biases over those of weights, in their units
constexpr double kBiasShare = 0.5;  // l2 of biases over that of weights, likewise
constexpr double kStart = 0.1;      // |p|^2 is so much squared of what would span the labels' deviation

bool switch_of(const Objective::Parameters& parameters, const char* name, bool otherwise) {
  const double value = parameter_or(parameters, name, otherwise ? 1 : 0);
  if (value != 0 && value != 1) throw InputError(fmt::format("{} = {}: must be 0 or 1", name, value));
  return value == 1;
}

}  // namespace

Factorisation::Form Factorisation::form_of(const Parameters& parameters, Form otherwise) {
  const Form form{.rank = whole_parameter(parameters, "rank", otherwise.rank, 1, kMostRank),
                  .biases = switch_of(parameters, "biases", otherwise.biases),
                  .non_negative = switch_of(parameters, "non_negative", otherwise.non_negative),
                  .mean = parameter_or(parameters, "mean", otherwise.mean),
                  .sd = parameter_or(parameters, "sd", otherwise.sd)};
  if (!std::isfinite(form.mean)) throw InputError(fmt::format("mean = {}: must be finite", form.mean));
  if (!(form.sd > 0 && std::isfinite(form.sd)))
    throw InputError(fmt::format("sd = {}: must be > 0", form.sd));
  return form;
}

Shape Factorisation::shape() const {
  return {.width = padded_rank() + (form_.biases ? 1 : 0),
          .grouping = Grouping::kTiles,
          .worker_blocks = 12,
          .most_block_rows = 1 << 20,
          .pairs = true,
          .starts_at_zero = false,
          .terms = true};
}

std::optional<Pace> Factorisation::pace(Rule rule) const {
  return Pace{.step = rule == Rule::kAdagrad ? paces_.adagrad : paces_.sgd, .fade = Fade::kLinear};
}

double Factorisation::term(std::size_t, double share, std::span<const float> weights, double l2) const {
  const auto factors = weights.first(padded_rank());
  const double squared = std::inner_product(factors.begin(), factors.end(), factors.begin(), 0.0);
  const double bias = form_.biases ? weights.back() : 0;
  return share * l2 / 2 * (form_.sd * squared + kBiasShare * bias * bias);
}

// Uniform, of the standard deviation kStart sqrt(sd / rank).
void Factorisation::start(std::size_t, std::span<float> weights, Random& random) const {
  const double reach = kStart * std::sqrt(3 * form_.sd / static_cast<double>(form_.rank));
  for (float& weight : weights.first(form_.rank))
    weight = static_cast<float>(reach * (form_.non_negative ? random.uniform() : 2 * random.uniform() - 1));
}

PairForm Factorisation::pair_form() const {
  return {.width = padded_rank(), .biases = form_.biases, .mean = static_cast<float>(offset())};
}

PairStep Factorisation::pair_step(const LocalWeights& weights, const Step& step) const {
  PairStep pair{pair_form()};
  pair.loss = loss_;
  pair.size = static_cast<float>(step.size / form_.sd);
  pair.bias_size = static_cast<float>(kBiasPace * step.size);
  pair.l2 = static_cast<float>(step.l2 * form_.sd);
  pair.bias_l2 = static_cast<float>(step.l2 * kBiasShare);
  if (form_.non_negative) pair.floor = 0;
  if (step.rule == Rule::kAdagrad) {
    pair.state = static_cast<std::size_t>(weights.state[0] - weights.weights);
    pair.state_unit = static_cast<float>(1 / (squared_gradient() * static_cast<double>(form_.rank)));
  }
  return pair;
}

std::uint64_t Factorisation::step(const Samples& samples, const LocalWeights& weights,
                                  const Step& step) const {
  assert(samples.offsets.empty());
  const PairStep pair = pair_step(weights, step);
  std::visit(
      [&]<class Position>(const Position* positions) {
        pair_kernels<Position>().step({samples.pairs, positions, samples.labels, samples.weights}, pair,
                                      weights.weights);
      },
      samples.positions);
  return samples.nonzeros();
}

// Calls body(sample, output) in order.
template <class Body>
void Factorisation::for_each_output(const Samples& samples, const ConstWeights& weights, Body&& body) const {
  const PairForm form = pair_form();
  std::visit(
      [&]<class Position>(const Position* positions) {
        const auto predict = pair_kernels<Position>().predict;
        const PairSamples<Position> pairs{samples.pairs, positions};
        std::array<float, 256> outputs;
        for (std::size_t first = 0; first < pairs.count; first += outputs.size()) {
          const PairSamples<Position> piece = pairs.part(first, outputs.size());
          predict(piece, form, weights.weights, outputs.data());
          for (std::size_t i = 0; i < piece.count; ++i) body(first + i, outputs[i]);
        }
        for (std::size_t i = 0; i + 1 < samples.offsets.size(); ++i) {
          const Position* const support = positions + (samples.offsets[i] - samples.offsets[0]);
          const std::size_t known = samples.offsets[i + 1] - samples.offsets[i];
          auto output = static_cast<float>(form_.mean);
          if (known == 2) predict({1, support}, form, weights.weights, &output);
          if (known == 1 && form.biases) output += weights.weights[support[0] + form.width];
          body(i, output);
        }
      },
      samples.positions);
}

void Factorisation::predict(const Samples& samples, const ConstWeights& weights, std::span<float> out) const {
  for_each_output(samples, weights, [&](std::size_t i, float output) { out[i] = output; });
}

Evaluation Factorisation::evaluate(const Samples& samples, const ConstWeights& weights) const {
  Evaluation sum;
  for_each_output(samples, weights, [&](std::size_t i, float output) {
    const float label = samples.labels[i];
    const double weight = samples.weight(i);
    const double error = double{output} - label;
    sum += {.loss = weight * value(output, label),
            .weight = weight,
            .hits = (output > 0) == (label > 0) ? weight : 0,
            .squared_error = weight * error * error,
            .absolute_error = weight * std::fabs(error)};
  });
  return sum;
}

Spread spread_of_labels(const Dataset& data) {
  double total = 0;
  double sum = 0;
  double squares = 0;
  const auto for_each_label = [&](auto&& body) {
    for (std::size_t i = 0; i < data.rows(); ++i)
      body(double{data.labels()[i]}, data.weighted() ? double{data.weights()[i]} : 1.0);
  };
  for_each_label([&](double label, double weight) { total += weight, sum += weight * label; });
  const double mean = sum / total;
  for_each_label([&](double label, double weight) { squares += weight * (label - mean) * (label - mean); });
  return {mean, std::sqrt(squares / total)};
}

}  // namespace sounder
