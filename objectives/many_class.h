#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "objectives/catalogue.h"
#include "objectives/classes.h"
#include "objectives/objective.h"
#include "objectives/proximal.h"
#include "objectives/wide_kernels.h"

namespace sounder {

// A linear model of many classes, z = W'x + b of one output a class, y in {0 ... classes - 1}, with a loss of all outputs.
// A coordinate is a row of W, the bias a common one. AdaGrad keeps one sum of squares a row. The class with the largest
// output is predicted. `Loss` is convex, safe to call from several threads, and has
//
//   value(z, y);
//   to_slopes(z, y), which makes the outputs the gradient in them and returns its squared length;
//   to_safe_slopes(z, y, reach), the same for a step of sgd that moves an output by `reach` times its slope: with what it
//     returns for a factor, it makes no loss of its own sample larger, however far it reaches;
//   curvature() and first_curvature(classes), as Objective has them, and kSmooth;
//   to_probabilities(scores, classes), which may be missing.
template <class Loss>
class ManyClass final : public Objective {
 public:
  ManyClass(std::string name, std::size_t classes, Loss loss)
      : name_(std::move(name)), classes_(classes), loss_(std::move(loss)) {}

  std::string name() const override { return name_; }
  Parameters parameters() const override { return {{"classes", static_cast<double>(classes_)}}; }
  LabelKind labels() const override { return LabelKind::kManyClass; }
  Shape shape() const override { return {.width = outputs()}; }
  bool smooth() const override { return Loss::kSmooth; }
  double curvature() const override { return loss_.curvature(); }
  double first_curvature() const override { return loss_.first_curvature(outputs()); }

  std::unique_ptr<Objective> fitted(const Dataset& data) const override {
    return classes_ > 0 ? nullptr : std::make_unique<ManyClass>(name_, count_classes(data), loss_);
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
    if constexpr (requires { loss_.to_probabilities(scores, 2); }) {
      loss_.to_probabilities(scores, outputs());
      return true;
    }
    return false;
  }

  Evaluation evaluate(const Samples& samples, const ConstWeights& weights) const override {
    Evaluation sum;
    for_each_output(samples, weights, [&](std::size_t i, std::span<const float> z) {
      const std::size_t label = class_of(samples, i, outputs());
      sum += evaluation_of(loss_.value(z, label), z, label, samples.weight(i));
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
    const float bias_square = local.bias == nullptr ? 0.0F : step.bias_square;
    DecayingScale scale(samples, step);
    for_each_row(samples, [&](std::size_t i, const auto& row) {
      compute(row, local.weights, local.bias, static_cast<float>(scale.before(i)), z);
      const float eta = step.size * samples.weight(i);
      const float part = eta * loss_.to_safe_slopes(z, class_of(samples, i, z.size()),
                                                    eta * (samples.squared_norm(i) + bias_square));
      const auto shrunk = static_cast<float>(scale.after());
      if (eta == 0 || is_flat(z)) return;
      for (std::size_t c = 0; c < z.size(); ++c) {
        if (local.bias != nullptr) local.bias[c] -= part * bias_square * z[c];
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
      const float squared = weight * loss_.to_slopes(z, class_of(samples, i, z.size()));
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

  // A smooth loss is flat nowhere but at its minimum, so only the others look.
  static bool is_flat(std::span<const float> slopes) {
    return !Loss::kSmooth && std::ranges::all_of(slopes, [](float slope) { return slope == 0; });
  }

  std::string name_;
  std::size_t classes_;  // 0: as the training data has
  Loss loss_;
};

template <class Loss>
std::unique_ptr<Objective> make_many_class(std::string name, const Objective::Parameters& parameters,
                                           Loss loss) {
  return std::make_unique<ManyClass<Loss>>(
      std::move(name), checked_classes(parameter_or(parameters, "classes", 0)), std::move(loss));
}

}  // namespace sounder
