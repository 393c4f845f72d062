// Likes and dislikes by matrix factorisation (factorisation.h), label y -1 or 1:  log(1 + exp(-y z)).
// Derivative in z: -y / (1 + exp(y z)). The output is the margin z, the log-odds of 1; the mean is that of the training
// labels' odds.
// Source: Johnson, Logistic matrix factorization for implicit feedback data, 2014, without its weights.
#include <algorithm>
#include <cmath>
#include <memory>

#include "objectives/catalogue.h"
#include "objectives/factorisation.h"
#include "objectives/logistic_loss.h"

namespace sounder {
namespace {

class MatrixCompletionLogistic final : public Factorisation {
 public:
  explicit MatrixCompletionLogistic(Form form)
      : Factorisation(form, PairLoss::kLogistic, {.sgd = 0.2, .adagrad = 0.3}) {}

  std::string name() const override { return "matrix_completion_logistic"; }
  LabelKind labels() const override { return LabelKind::kTwoClass; }
  Parameters parameters() const override {
    return {{"rank", static_cast<double>(form().rank)}, {"biases", form().biases}, {"mean", form().mean}};
  }

  // A sample of each class besides those there are, so that the odds are never zero.
  std::unique_ptr<Objective> fitted(const Dataset& data) const override {
    const double share = (1 + spread_of_labels(data).mean) / 2;
    const auto rows = static_cast<double>(data.rows());
    Form known = form();
    known.mean = std::log((share * rows + 1) / ((1 - share) * rows + 1));
    return std::make_unique<MatrixCompletionLogistic>(known);
  }

  bool to_probabilities(std::span<float> scores) const override {
    std::ranges::transform(scores, scores.begin(), sigmoid);
    return true;
  }

 protected:
  double value(float output, float label) const override { return logistic_loss(double{label} * output); }
};

}  // namespace

std::unique_ptr<Objective> make_matrix_completion_logistic(const ObjectiveParameters& parameters) {
  return std::make_unique<MatrixCompletionLogistic>(Factorisation::form_of(parameters, {}));
}

}  // namespace sounder
