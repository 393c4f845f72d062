// Counts and other ratings r >= 0 by non-negative matrix factorisation without biases or a mean (factorisation.h):
// generalised Kullback-Leibler divergence  r log(r / z) - r + z  of z = p_u . q_i, all weights >= 0.
// Derivative in z: 1 - r / z, without bound near zero; so a step takes it at the z where it leads (implicit SGD,
// rule_sgd.h), which is the root of a quadratic and above zero. What is not known is predicted by the mean rating.
// Source: Lee, Seung, Learning the parts of objects by non-negative matrix factorization, Nature 1999.
#include <algorithm>
#include <cmath>
#include <memory>

#include "io/error.h"
#include "io/random.h"
#include "objectives/catalogue.h"
#include "objectives/factorisation.h"

namespace sounder {
namespace {

constexpr double kLeast = 1e-6;  // output, in the loss

class MatrixCompletionKl final : public Factorisation {
 public:
  explicit MatrixCompletionKl(Form form)
      : Factorisation(form, PairLoss::kKullbackLeibler, {.sgd = 0.2, .adagrad = 0.4}) {}

  std::string name() const override { return "matrix_completion_kl"; }
  LabelKind labels() const override { return LabelKind::kNonNegative; }
  Parameters parameters() const override {
    return {{"rank", static_cast<double>(form().rank)}, {"mean", form().mean}};
  }

  std::unique_ptr<Objective> fitted(const Dataset& data) const override {
    Form known = form();
    known.mean = spread_of_labels(data).mean;
    if (known.mean == 0) throw InputError("every rating is 0: there is nothing to learn");
    return std::make_unique<MatrixCompletionKl>(known);
  }

  // So that z is near the mean, whatever the rank.
  void start(std::size_t, std::span<float> weights, Random& random) const override {
    const double level = std::sqrt(form().mean / static_cast<double>(form().rank));
    for (float& weight : weights.first(form().rank))
      weight = static_cast<float>(level * (0.5 + random.uniform()));
  }

 protected:
  double value(float output, float label) const override {
    const double z = std::max<double>(output, kLeast);
    return (label > 0 ? label * std::log(label / z) : 0) - label + z;
  }
  double offset() const override { return 0; }
  // A slope of about 1, of a row with |q|^2 near the mean.
  double squared_gradient() const override { return form().mean; }
};

}  // namespace

std::unique_ptr<Objective> make_matrix_completion_kl(const ObjectiveParameters& parameters) {
  const Factorisation::Form form{.biases = false, .non_negative = true};
  return std::make_unique<MatrixCompletionKl>(Factorisation::form_of(parameters, form));
}

}  // namespace sounder
