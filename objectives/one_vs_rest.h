#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "objectives/classes.h"
#include "objectives/linear.h"
#include "objectives/logistic_loss.h"
#include "objectives/many_class.h"
#include "objectives/rule_sgd.h"

namespace sounder {

// Of a loss of two classes, one of many:  l(z, y) = sum over c of loss(z_c, +1 if c = y, else -1). With the L2 of all rows of
// W, its minimum is that of one problem for each class, that class against all others, and its value their sum.
// Source: Rifkin, Klautau, In defense of one-vs-all classification (JMLR 2004).
template <ScalarLoss Loss>
class OneVsRest {
 public:
  static constexpr bool kSmooth = HasCurvature<Loss>;

  explicit OneVsRest(Loss loss) : loss_(std::move(loss)) {}

  double value(std::span<const float> z, std::size_t label) const {
    double sum = 0;
    for (std::size_t c = 0; c < z.size(); ++c) sum += loss_.value(z[c], side(c, label));
    return sum;
  }
  float to_slopes(std::span<float> z, std::size_t label) const {
    for (std::size_t c = 0; c < z.size(); ++c) z[c] = loss_.slope(z[c], side(c, label));
    return squared_norm_of(z);
  }
  float to_safe_slopes(std::span<float> z, std::size_t label, float reach) const {
    for (std::size_t c = 0; c < z.size(); ++c) z[c] = safe_slope(loss_, z[c], side(c, label), reach);
    return 1;
  }
  double curvature() const {
    if constexpr (HasCurvature<Loss>) return loss_.curvature();
    return 1;
  }
  double first_curvature(std::size_t) const { return curvature(); }

  // Each class's own, made to add up to 1, as LIBLINEAR has it: what is 0 in floats is told apart by its logarithm.
  void to_probabilities(std::span<float> scores, std::size_t classes) const requires
      requires(const Loss& loss) {
    loss.probability(0.0F);
  }
  {
    for (float& z : scores) z = static_cast<float>(-logistic_loss(z));
    sounder::to_probabilities(scores, classes);
  }

 private:
  static float side(std::size_t c, std::size_t label) { return c == label ? 1.0F : -1.0F; }

  Loss loss_;
};

template <ScalarLoss Loss>
std::unique_ptr<Objective> make_one_vs_rest(std::string name, const Objective::Parameters& parameters,
                                            Loss loss) {
  return make_many_class(std::move(name), parameters, OneVsRest<Loss>(std::move(loss)));
}

}  // namespace sounder
