// Softmax regression  l(z) = log(sum over c of exp z_c) - z_y (objectives/classes.h),  y in {0 ... classes - 1}. Gradient in
// W: x (p - e_y)', p_c = exp z_c / sum of exp; curvature along a sample at most |x|^2 / 2, and |x|^2 / classes where all classes
// are as likely. Stable form: all z less their largest. Implicit: the gradient / (1 + reach / 2), one Newton step with the
// largest curvature.
// Source: Boehning, Multinomial logistic regression algorithm (1992).
#include "objectives/catalogue.h"
#include "objectives/classes.h"
#include "objectives/many_class.h"

namespace sounder {
namespace {

struct Softmax {
  static constexpr bool kSmooth = true;

  double value(std::span<const float> z, std::size_t label) const { return cross_entropy(z, label); }
  float to_slopes(std::span<float> z, std::size_t label) const { return sounder::to_slopes(z, label); }
  float to_safe_slopes(std::span<float> z, std::size_t label, float reach) const {
    sounder::to_slopes(z, label);
    return safe_part(reach);
  }
  double curvature() const { return 0.5; }
  double first_curvature(std::size_t classes) const { return 1 / static_cast<double>(classes); }
  void to_probabilities(std::span<float> scores, std::size_t classes) const {
    sounder::to_probabilities(scores, classes);
  }
};

}  // namespace

std::unique_ptr<Objective> make_softmax(const ObjectiveParameters& parameters) {
  return make_many_class("softmax", parameters, Softmax{});
}

}  // namespace sounder
