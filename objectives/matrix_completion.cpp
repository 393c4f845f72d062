// Ratings by matrix factorisation (factorisation.h), label r any number:  (z - r)^2 / 2.
// Derivative in z: z - r. The mean is that of the ratings, sd their standard deviation. non_negative holds for the
// weights p and q, which still add to the mean and the biases; without biases there is no mean either and sd is the root of
// the mean r^2, so that it is non-negative matrix factorisation. What is not known is predicted by the mean all the same.
// Source: Koren, Bell, Volinsky, Matrix factorization techniques for recommender systems, Computer 2009.
#include <fmt/format.h>

#include <cmath>
#include <memory>

#include "io/error.h"
#include "objectives/catalogue.h"
#include "objectives/factorisation.h"

namespace sounder {
namespace {

class MatrixCompletion final : public Factorisation {
 public:
  explicit MatrixCompletion(Form form)
      : Factorisation(form, PairLoss::kSquared, {.sgd = 0.085, .adagrad = 0.1}) {}

  std::string name() const override { return "matrix_completion"; }
  LabelKind labels() const override { return LabelKind::kReal; }
  Parameters parameters() const override {
    return {{"rank", static_cast<double>(form().rank)},
            {"biases", form().biases},
            {"non_negative", form().non_negative},
            {"mean", form().mean},
            {"sd", form().sd}};
  }

  std::unique_ptr<Objective> fitted(const Dataset& data) const override {
    const Spread spread = spread_of_labels(data);
    if (spread.deviation == 0)
      throw InputError(fmt::format("every rating is {}: there is nothing to learn", spread.mean));
    Form known = form();
    known.mean = spread.mean;
    known.sd = only_products() ? std::hypot(spread.mean, spread.deviation) : spread.deviation;
    return std::make_unique<MatrixCompletion>(known);
  }

 protected:
  double offset() const override { return only_products() ? 0 : form().mean; }
  double value(float output, float label) const override {
    const double error = double{output} - label;
    return error * error / 2;
  }

 private:
  bool only_products() const { return form().non_negative && !form().biases; }
};

}  // namespace

std::unique_ptr<Objective> make_matrix_completion(const ObjectiveParameters& parameters) {
  return std::make_unique<MatrixCompletion>(Factorisation::form_of(parameters, {}));
}

}  // namespace sounder
