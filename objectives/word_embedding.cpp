// Vectors of words from how often they meet (RAND-WALK: Arora, Li, Liang, Ma, Risteski, A latent variable model
// approach to PMI-based word embeddings, 2016): log A, A the count of a pair, is about |v_w + v_c|^2 + C. A sample is a
// pair with the label y = log A. Objective:
//
//     sum of f (y - |v_w + v_c|^2 - C)^2 / sum of f,    f = min(A, most_weight)
//
// Steps are implicit: with u = v_w + v_c, q = |u|^2, t = y - C and steps a and b of the two rows, one minimises
//
//     f (t - |u'|^2)^2 + |v_w' - v_w|^2 / (2 a) + |v_c' - v_c|^2 / (2 b),
//
// f in units of its mean. That leads along u: u' = s u, v_w' = v_w + a / (a + b) (s - 1) u, and s is the one positive
// root of
//
//     k q s^3 + (1 - k t) s - 1 = 0,    k = 4 f (a + b),
//
// so however large f is, |u'|^2 stays between q and t. AdaGrad (rule_adagrad.h) has one sum of squared gradients a row,
// their length 4 f |q - t| |u|. C is the common coordinate: its step, a part of 1 / n, is so small that what blocks add
// to it at the same time does not overshoot.
#include <fmt/format.h>

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <optional>
#include <vector>

#include "io/error.h"
#include "objectives/catalogue.h"
#include "objectives/proximal.h"

namespace sounder {
namespace {

using Vector = Eigen::Map<Eigen::VectorXf>;
using ConstVector = Eigen::Map<const Eigen::VectorXf>;

constexpr double kStart = 1;      // |u|^2, about
constexpr double kConstant = 20;  // n times the step of C

constexpr double first_step(Rule rule) {
  return rule == Rule::kAdagrad ? 1 : 8e-4;
}

// The s of the formula, or a little more: Newton's method from its right, where the cubic is convex.
float root(float k, float q, float t) {
  constexpr int kMost = 8;
  constexpr float kEnough = 1e-4F;
  const float cubic = k * q;
  const float linear = 1 - k * t;
  float s = std::max(1.0F, std::sqrt(std::max(t, 0.0F) / q));
  for (int i = 0; i < kMost; ++i) {
    const float move = ((cubic * s * s + linear) * s - 1) / (3 * cubic * s * s + linear);
    s -= move;
    if (move < kEnough * s) break;
  }
  return s;
}

// What fitted() learns from the training data.
struct Counts {
  std::size_t words = std::numeric_limits<std::size_t>::max();
  double weight = 1;  // mean of f
  double mean = 0;    // of y, weighted by f
};

class WordEmbedding final : public Objective {
 public:
  WordEmbedding(std::size_t rank, double most_weight, Counts counts = {})
      : rank_(rank), most_weight_(most_weight), counts_(counts) {}

  std::string name() const override { return "word_embedding"; }
  Parameters parameters() const override {
    return {{"rank", static_cast<double>(rank_)}, {"most_weight", most_weight_}};
  }
  LabelKind labels() const override { return LabelKind::kReal; }
  Shape shape() const override {
    return {.width = rank_,
            .common = 1,
            .grouping = Grouping::kTiles,
            .most_block_rows = 1 << 20,
            .pairs = true,
            .starts_at_zero = false};
  }
  Defaults defaults() const override { return {.rule = Rule::kAdagrad, .l2 = 0, .epochs = 20}; }
  std::optional<Pace> pace(Rule rule) const override {
    return Pace{.step = first_step(rule), .fade = Fade::kLinear};
  }
  bool suits(Rule rule) const override { return rule == Rule::kSgd || rule == Rule::kAdagrad; }

  std::unique_ptr<Objective> fitted(const Dataset& data) const override;
  void start(std::size_t coordinate, std::span<float> weights, Random& random) const override;
  void predict(const Samples& samples, const ConstWeights& weights, std::span<float> out) const override;
  Evaluation evaluate(const Samples& samples, const ConstWeights& weights) const override;
  std::uint64_t step(const Samples& samples, const LocalWeights& weights, const Step& step) const override;

 private:
  float weight_of(float label) const { return std::min(std::exp(label), static_cast<float>(most_weight_)); }

  std::size_t rank_;
  double most_weight_;
  Counts counts_;
};

std::unique_ptr<Objective> WordEmbedding::fitted(const Dataset& data) const {
  double samples = 0;
  double weights = 0;
  double labels = 0;
  for (std::size_t i = 0; i < data.rows(); ++i) {
    const Row row = data.row(i);
    const double f = double{row.weight} * weight_of(row.label);
    samples += row.weight;
    weights += f;
    labels += f * row.label;
  }
  const Counts counts{data.dimension(), weights / samples, labels / weights};
  return std::make_unique<WordEmbedding>(rank_, most_weight_, counts);
}

// So that the mean residual is about 0.
void WordEmbedding::start(std::size_t coordinate, std::span<float> weights, Random& random) const {
  if (coordinate >= counts_.words) {
    weights[0] = static_cast<float>(counts_.mean - kStart);
    return;
  }
  const double deviation = std::sqrt(kStart / 2 / static_cast<double>(rank_));
  for (float& weight : weights) weight = static_cast<float>(deviation * random.gaussian());
}

void WordEmbedding::predict(const Samples& samples, const ConstWeights& weights, std::span<float> out) const {
  const auto size = static_cast<Eigen::Index>(rank_);
  for_each_support(samples, [&](std::size_t i, const auto& pair) {
    const ConstVector left(weights.weights + pair[0], size);
    const ConstVector right(weights.weights + pair[1], size);
    out[i] = weights.scale * weights.scale * (left + right).squaredNorm() + *weights.bias;
  });
}

Evaluation WordEmbedding::evaluate(const Samples& samples, const ConstWeights& weights) const {
  std::vector<float> outputs(samples.rows());
  predict(samples, weights, outputs);
  Evaluation sum;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const double f = double{samples.weight(i)} * weight_of(samples.labels[i]);
    const double error = double{outputs[i]} - samples.labels[i];
    sum += {.loss = f * error * error,
            .weight = f,
            .squared_error = f * error * error,
            .absolute_error = f * std::fabs(error)};
  }
  return sum;
}

// The two rows of a sample.
class Rows {
 public:
  Rows(const LocalWeights& local, const Step& step, std::size_t rank)
      : local_(local), step_(step), prox_(step), rank_(static_cast<Eigen::Index>(rank)), sum_(rank_) {}

  // Moves them by the formula; weights are `before` times what is stored until then, `after` times from then on. Returns
  // q - t as it was.
  float move(std::size_t left, std::size_t right, float f, float t, float before, float after) {
    constexpr float kLeast = 1e-12F;
    sum_ = before * (row(left) + row(right));
    const float q = std::max(sum_.squaredNorm(), kLeast);
    const float gradient = 4 * f * (q - t);
    const float squared = gradient * gradient * q;
    const float a = size_of(left, squared);
    const float b = size_of(right, squared);
    if (a + b == 0) return q - t;
    const float part = (root(4 * f * (a + b), q, t) - 1) / (after * (a + b));
    move(left, a, part);
    move(right, b, part);
    return q - t;
  }

 private:
  bool adagrad() const { return step_.rule == Rule::kAdagrad; }
  Vector row(std::size_t position) const { return {local_.weights + position, rank_}; }

  float size_of(std::size_t position, float squared) const {
    return adagrad() ? adagrad_size(local_.state[0][position], squared, step_.size) : step_.size;
  }

  void move(std::size_t position, float size, float part) {
    row(position) += size * part * sum_;
    if (!adagrad() || (step_.l1 == 0 && step_.l2 == 0)) return;
    const Regulariser::Shrinking shrink = prox_.at(local_.reweight[position], size);
    for (float& weight : row(position)) weight = shrink(weight);
  }

  const LocalWeights& local_;
  const Step& step_;
  const Regulariser prox_;
  const Eigen::Index rank_;
  Eigen::VectorXf sum_;
};

std::uint64_t WordEmbedding::step(const Samples& samples, const LocalWeights& local, const Step& step) const {
  const double constant = kConstant * step.size / (first_step(step.rule) * step.rows);
  Rows rows(local, step, rank_);
  DecayingScale scale(samples, step);
  for_each_support(samples, [&](std::size_t i, const auto& pair) {
    const auto before = static_cast<float>(scale.before(i));
    const auto after = static_cast<float>(scale.after());
    const float y = samples.labels[i];
    const float f = samples.weight(i) * weight_of(y) / static_cast<float>(counts_.weight);
    if (f == 0) return;
    const float error = rows.move(pair[0], pair[1], f, y - *local.bias, before, after);
    *local.bias -= static_cast<float>(constant) * 2 * f * error;
  });
  return samples.nonzeros();
}

}  // namespace

std::unique_ptr<Objective> make_word_embedding(const ObjectiveParameters& parameters) {
  constexpr double kMostRank = 4096;
  const std::size_t rank = whole_parameter(parameters, "rank", 50, 1, kMostRank);
  const double most_weight = parameter_or(parameters, "most_weight", 100);
  if (!(static_cast<float>(most_weight) > 0 && std::isfinite(static_cast<float>(most_weight))))
    throw InputError(fmt::format("most_weight = {}: must be > 0 and a finite float", most_weight));
  return std::make_unique<WordEmbedding>(rank, most_weight);
}

}  // namespace sounder
