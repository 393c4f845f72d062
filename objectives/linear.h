#pragma once

#include <cmath>
#include <concepts>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>

#include "objectives/objective.h"
#include "objectives/rules.h"

namespace sounder {

// A loss of one number, the margin w.x + b, convex and with a derivative (any subgradient at a kink). Must be
// safe to call from several threads. It may also have
//   smooth(): false for a loss with kinks, which svrg and saga then refuse; without it, a loss counts as smooth;
//   curvature(), the largest second derivative, or, with kinks, implicit_slope(): either makes large steps safe (rule_sgd.h);
//   curvature_at(loss), a typical one at that mean loss, where distances to kinks or tails go by the labels (Objective has it);
//   probability(margin), of the label 1;
//   conjugate(slope, label), and dual_slope() where implicit_slope() does not solve it: what sdca needs (rule_sdca.h).
template <class T>
concept ScalarLoss = requires(const T& loss, float margin, float label) {
  { loss.value(margin, label) } -> std::convertible_to<double>;
  { loss.slope(margin, label) } -> std::convertible_to<float>;
};

// Turns a scalar loss into an Objective. Value and gradient come from the one `Loss` object.
template <ScalarLoss Loss>
class Linear final : public Objective {
 public:
  Linear(std::string name, LabelKind labels, Loss loss, Parameters parameters = {})
      : name_(std::move(name)), labels_(labels), loss_(std::move(loss)), parameters_(std::move(parameters)) {}

  std::string name() const override { return name_; }
  Parameters parameters() const override { return parameters_; }
  LabelKind labels() const override { return labels_; }
  bool smooth() const override {
    if constexpr (requires { loss_.smooth(); }) return loss_.smooth();
    return true;
  }
  double curvature() const override {
    if constexpr (requires { loss_.curvature(); }) return loss_.curvature();
    return 1;
  }

  std::optional<double> curvature_at(double loss) const override {
    if constexpr (requires { loss_.curvature_at(loss); }) return loss_.curvature_at(loss);
    return std::nullopt;
  }

  void predict(const Samples& samples, const ConstWeights& weights, std::span<float> out) const override {
    for_each_margin(samples, weights, [&](std::size_t i, float margin) { out[i] = margin; });
  }

  Evaluation evaluate(const Samples& samples, const ConstWeights& weights) const override {
    Evaluation sum;
    for_each_margin(samples, weights, [&](std::size_t i, float margin) {
      const float label = samples.labels[i];
      const double weight = samples.weight(i);
      const double error = double{margin} - label;
      sum += {.loss = weight * loss_.value(margin, label),
              .weight = weight,
              .hits = (margin > 0) == (label > 0) ? weight : 0,
              .squared_error = weight * error * error,
              .absolute_error = weight * std::fabs(error)};
    });
    return sum;
  }

  bool to_probabilities(std::span<float> scores) const override {
    if constexpr (requires { loss_.probability(0.0F); }) {
      for (float& score : scores) score = loss_.probability(score);
      return true;
    }
    return false;
  }

  bool suits(Rule rule) const override {
    return visit(
        rule, [this]<class R>(R) { return R::template suits<Loss>() && (smooth() || !R::kTraits.smooth); });
  }

  std::uint64_t step(const Samples& samples, const LocalWeights& weights, const Step& step) const override {
    std::uint64_t rested = 0;
    visit(step.rule, [&]<class R>(R) {
      if constexpr (!R::template suits<Loss>()) {
        return false;
      } else if constexpr (std::is_void_v<decltype(R::step(loss_, samples, weights, step))>) {
        R::step(loss_, samples, weights, step);
      } else {
        rested = R::step(loss_, samples, weights, step);
      }
      return true;
    });
    return samples.nonzeros() - rested;
  }

  double conjugates(const Samples& samples, std::span<const float> slopes) const override {
    double sum = 0;
    if constexpr (requires { loss_.conjugate(0.0F, 0.0F); }) {
      for (std::size_t i = 0; i < slopes.size(); ++i)
        sum += double{samples.weight(i)} * loss_.conjugate(slopes[i], samples.labels[i]);
    }
    return sum;
  }

  void imply(const Samples& samples, std::span<double> implied) const override {
    for_each_row(samples, [&](std::size_t i, const auto& row) {
      const double factor = double{samples.weight(i)} * samples.memory[i];
      for (std::size_t k = 0; k < row.size; ++k) implied[row.positions[k]] += factor * row.values[k];
    });
  }

  // Of -(l2 / 2) |u|^2, u = -implied / (l2 n).
  double bound(std::size_t, std::span<const double> implied, double l2, double rows) const override {
    return -implied[0] * implied[0] / (2 * l2 * rows * rows);
  }

  void turn(Turn turn, const LocalWeights& weights, std::size_t count, const Step& step) const override {
    visit(step.rule, [&]<class R>(R) {
      if constexpr (R::kTraits.turns()) R::turn(turn, weights, count, step);
      return true;
    });
  }

 private:
  // What `body` returns for the type of the rule.
  template <class Body>
  static bool visit(Rule rule, Body&& body) {
    switch (rule) {
#define SOUNDER_CASE(Name) \
  case Rule::k##Name:      \
    return body(Name##Rule{});
      SOUNDER_RULES(SOUNDER_CASE)
#undef SOUNDER_CASE
    }
    return false;
  }

  template <class Body>
  static void for_each_margin(const Samples& samples, const ConstWeights& weights, Body&& body) {
    const float bias = weights.bias == nullptr ? 0.0F : *weights.bias;
    for_each_row(samples, [&](std::size_t i, const auto& row) {
      body(i, weights.scale * row.dot(weights.weights) + bias);
    });
  }

  std::string name_;
  LabelKind labels_;
  Loss loss_;
  Parameters parameters_;
};

template <ScalarLoss Loss>
std::unique_ptr<Objective> make_linear(std::string name, LabelKind labels, Loss loss,
                                       Objective::Parameters parameters = {}) {
  return std::make_unique<Linear<Loss>>(std::move(name), labels, std::move(loss), std::move(parameters));
}

}  // namespace sounder
