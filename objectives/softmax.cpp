// Softmax regression  l(z) = log(sum over c of exp z_c) - z_y,  z = W'x + b of one output a class, y in {0
// ... classes - 1}. Gradient in W: x (p - e_y)', p_c = exp z_c / sum of exp; curvature along a sample at most
// |x|^2 / 2, and |x|^2 / classes where all classes are as likely. Stable form: all z less their largest. Implicit: the gradient / (1 + reach / 2), one Newton step
// with the largest curvature. A coordinate is a row of W, the bias a common one. AdaGrad keeps one sum of
// squares a row.
// Source: Boehning, Multinomial logistic regression algorithm (1992).
#include <cstddef>
#include <memory>
#include <vector>

#include "objectives/catalogue.h"
#include "objectives/classes.h"
#include "objectives/proximal.h"
#include "objectives/wide_kernels.h"

namespace sounder {
namespace {

class Softmax final : public Objective {
 public:
  explicit Softmax(std::size_t classes) : classes_(classes) {}

  std::string name() const override { return "softmax"; }
  Parameters parameters() const override { return {{"classes", static_cast<double>(classes_)}}; }
  LabelKind labels() const override { return LabelKind::kManyClass; }
  Shape shape() const override { return {.width = outputs()}; }
  double curvature() const override { return 0.5; }
  double first_curvature() const override { return 1 / static_cast<double>(outputs()); }

  std::unique_ptr<Objective> fitted(const Dataset& data) const override {
    return classes_ > 0 ? nullptr : std::make_unique<Softmax>(count_classes(data));
  }

  void predict(const Samples& samples, const ConstWeights& weights, std::span<float> out) const override {
    for_each_output(samples, weights, [&](std::size_t i, std::span<const float> z) {
      out[i] = static_cast<float>(largest_of(z));
    });
  }

  std::size_t scores() const override { return outputs(); }
  void score(const Samples& samples, const ConstWeights& weights, std::span<float> out) const override {
    for_each_output(samples, weights, [&](std::size_t i, std::span<const float> z) {
      std::ranges::copy(z, out.subspan(i * z.size()).begin());
    });
  }
  bool to_probabilities(std::span<float> scores) const override {
    sounder::to_probabilities(scores, outputs());
    return true;
  }

  Evaluation evaluate(const Samples& samples, const ConstWeights& weights) const override {
    Evaluation sum;
    for_each_output(samples, weights, [&](std::size_t i, std::span<const float> z) {
      sum += evaluate_outputs(z, class_of(samples, i, outputs()), samples.weight(i));
    });
    return sum;
  }

  bool suits(Rule rule) const override { return rule == Rule::kSgd || rule == Rule::kAdagrad; }

  std::uint64_t step(const Samples& samples, const LocalWeights& local, const Step& step) const override {
    if (step.rule == Rule::kSgd) {
      sgd_step(samples, local, step);
    } else {
      adagrad_step(samples, local, step);
    }
    return samples.nonzeros();
  }

 private:
  std::size_t outputs() const { return classes_ > 0 ? classes_ : 2; }

  // z of a row; the bias is not scaled.
  template <class Row>
  void compute(const Row& row, const float* weights, const float* bias, float scale,
               std::span<float> z) const {
    std::ranges::fill(z, 0.0F);
    gather(row, weights, z.size(), z.data());
    for (std::size_t c = 0; c < z.size(); ++c) z[c] = scale * z[c] + (bias == nullptr ? 0 : bias[c]);
  }

  template <class Body>
  void for_each_output(const Samples& samples, const ConstWeights& weights, Body&& body) const {
    std::vector<float> z(outputs());
    for_each_row(samples, [&](std::size_t i, const auto& row) {
      compute(row, weights.weights, weights.bias, weights.scale, z);
      body(i, std::span<const float>(z));
    });
  }

  void sgd_step(const Samples& samples, const LocalWeights& local, const Step& step) const {
    std::vector<float> z(outputs());
    const float bias_norm = local.bias == nullptr ? 0.0F : 1.0F;
    DecayingScale scale(samples, step);
    for_each_row(samples, [&](std::size_t i, const auto& row) {
      compute(row, local.weights, local.bias, static_cast<float>(scale.before(i)), z);
      to_slopes(z, class_of(samples, i, z.size()));
      const auto shrunk = static_cast<float>(scale.after());
      const float eta = step.size * samples.weight(i);
      if (eta == 0) return;
      const float part = eta * safe_part(eta * (samples.squared_norm(i) + bias_norm));
      for (std::size_t c = 0; c < z.size(); ++c) {
        if (local.bias != nullptr) local.bias[c] -= part * z[c];
        z[c] *= -part / shrunk;
      }
      scatter(row, z.data(), z.size(), local.weights);
    });
  }

  void adagrad_step(const Samples& samples, const LocalWeights& local, const Step& step) const {
    std::vector<float> z(outputs());
    const Regulariser prox(step);
    for_each_row(samples, [&](std::size_t i, const auto& row) {
      const float weight = samples.weight(i);
      if (weight == 0) return;
      compute(row, local.weights, local.bias, 1, z);
      const float squared = weight * weight * to_slopes(z, class_of(samples, i, z.size()));
      const auto step_along = [&](std::size_t p, float value) {
        return adagrad_size(local.state[0][p], value * value * squared, step.size);
      };
      for (std::size_t k = 0; k < row.size; ++k) {
        const std::size_t p = row.positions[k];
        const float size = step_along(p, row.values[k]);
        const float along = size * weight * row.values[k];
        const Regulariser::Shrinking shrink = prox.at(local.reweight[p], size);
        for (std::size_t c = 0; c < z.size(); ++c)
          local.weights[p + c] = shrink(local.weights[p + c] - along * z[c]);
      }
      if (local.bias == nullptr) return;
      const float along = step_along(local.bias_position(), 1) * weight;
      for (std::size_t c = 0; c < z.size(); ++c) local.bias[c] -= along * z[c];
    });
  }

  std::size_t classes_;  // 0: as the training data has
};

}  // namespace

std::unique_ptr<Objective> make_softmax(const ObjectiveParameters& parameters) {
  return std::make_unique<Softmax>(checked_classes(parameter_or(parameters, "classes", 0)));
}

}  // namespace sounder
