// One class against all others: each row of W is the solution of a problem of two classes, which is what is checked.
#include <doctest/doctest.h>

#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include "engine/evaluate.h"
#include "engine/train.h"
#include "test/many_classes.h"
#include "test/support.h"

using namespace sounder;
using namespace sounder::test;

namespace {

constexpr std::size_t kClasses = 4;
constexpr double kL2 = 1e-3;

// The losses of two classes, and what makes each of them one of many.
const std::string kLosses[] = {"hinge", "squared_hinge", "logistic"};
std::string of_many(const std::string& loss) {
  return "one_vs_rest_" + loss;
}

Dataset against_others(const Dataset& data, std::size_t c) {
  std::vector<float> labels(data.labels().begin(), data.labels().end());
  for (float& label : labels) label = label == static_cast<float>(c) ? 1 : -1;
  return data.with_labels(labels);
}

// What dual coordinate ascent proves, class by class.
double optimum(const Dataset& data, const std::string& loss) {
  Options options = with_threads(1);
  options.l2 = kL2;
  options.rule = Rule::kSdca;
  options.epochs = 1000;
  options.gap = 1e-5;
  double sum = 0;
  for (std::size_t c = 0; c < kClasses; ++c) {
    const Report report = train(against_others(data, c), *make_objective(loss), options).report;
    REQUIRE(report.outcome == Outcome::kConverged);
    sum += report.objective;
  }
  return sum;
}

}  // namespace

TEST_CASE("one_vs_rest: loss, hits and prediction are those of the two-class losses") {
  const float weights[] = {0, 0.5F, -1};
  const Dataset one(1, {{0, 1}, {0}, {2}, {1}, {}});  // z = 0, 1, -2
  const Dataset two(1, {{0, 1, 2, 3}, {0, 0, 0}, {0, 1, -2}, {-1, 1, -1}, {}});
  const float unit = 1;
  for (const std::string& loss : kLosses) {
    CAPTURE(loss);
    const auto objective = make_objective(of_many(loss), {{"classes", 3}});
    const Evaluation sum = objective->evaluate(samples_of(one, 0, 1), {.weights = weights});
    CHECK(sum.loss ==
          doctest::Approx(make_objective(loss)->evaluate(samples_of(two, 0, 3), {.weights = &unit}).loss));
    CHECK(sum.hits == 1);
    float prediction = -1;
    objective->predict(samples_of(one, 0, 1), {.weights = weights}, {&prediction, 1});
    CHECK(prediction == 1);
    CHECK(objective->smooth() == (loss != "hinge"));
  }
}

TEST_CASE("one_vs_rest: a small step goes along the finite differences of the loss") {
  for (const std::string& loss : kLosses)
    check_gradient(*make_objective(of_many(loss), {{"classes", 4}}), {.bias = true});
}

TEST_CASE("one_vs_rest: no step makes its own sample's loss larger") {
  for (const std::string& loss : kLosses) {
    CAPTURE(loss);
    const auto objective = make_objective(of_many(loss), {{"classes", 4}});
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
      const Sample start(*objective, true, seed);
      for (const float size : {1e-3F, 1.0F, 1e3F, 1e6F}) {
        Sample moved = start;
        moved.step({.size = size});
        CHECK(moved.loss() <= start.loss() * (1 + 1e-6));
      }
    }
  }
}

TEST_CASE("one_vs_rest: many threads on few coordinates reach the optima of all classes") {
  const Dataset data = many_classes(1000, 12, kClasses, 7);
  for (const std::string& loss : kLosses) {
    CAPTURE(loss);
    const double best = optimum(data, loss);
    for (const Rule rule : {Rule::kSgd, Rule::kAdagrad}) {
      CAPTURE(name_of(rule));
      for (const std::size_t threads : kThreadSweep) {
        CAPTURE(threads);
        Options options = with_threads(threads);
        options.l2 = kL2;
        options.rule = rule;
        options.epochs = 60;
        const Trained trained = train(data, *make_objective(of_many(loss)), options);
        CHECK(trained.report.objective >= best * 0.9999);
        CHECK(trained.report.objective <= best * 1.01);
        CHECK(*trained.report.training.accuracy > 0.7);
        CHECK(trained.model.parameters.at("classes") == kClasses);
      }
    }
  }
}

TEST_CASE("one_vs_rest: reproducible gives the same bits for any number of threads") {
  for (const std::string& loss : kLosses)
    check_reproducible(of_many(loss), many_classes(600, 12, kClasses, 8));
}

TEST_CASE("one_vs_rest: probabilities are each class's own, made to add up to 1") {
  const auto objective = make_objective("one_vs_rest_logistic", {{"classes", 3}});
  std::vector<float> scores{0, 1, -2, -1e6F, -1e6F, -1e30F};
  REQUIRE(objective->to_probabilities(scores));
  const double all = 0.5 + 1 / (1 + std::exp(-1.0)) + 1 / (1 + std::exp(2.0));
  CHECK(scores[0] == doctest::Approx(0.5 / all));
  CHECK(scores[1] == doctest::Approx(1 / (1 + std::exp(-1.0)) / all));
  CHECK(scores[2] == doctest::Approx(1 / (1 + std::exp(2.0)) / all));
  CHECK(scores[3] == doctest::Approx(0.5));
  CHECK(scores[4] == doctest::Approx(0.5));
  CHECK(scores[5] == 0);
  CHECK(!make_objective("one_vs_rest_hinge")->has_probabilities());
}
