#include <doctest/doctest.h>

#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "engine/evaluate.h"
#include "engine/train.h"
#include "io/random.h"
#include "test/many_classes.h"
#include "test/support.h"

using namespace sounder;
using namespace sounder::test;

namespace {

constexpr double kL2 = 1e-3;

// W as one vector, W(c, k) at c * classes + k.
using Vector = Eigen::VectorXd;

Vector probabilities(const Row& row, const Vector& w, std::size_t classes) {
  Vector z = Vector::Zero(static_cast<Eigen::Index>(classes));
  for (std::size_t j = 0; j < row.support.size(); ++j)
    z += double{row.values[j]} * w.segment(static_cast<Eigen::Index>(row.support[j] * classes), z.size());
  z = (z.array() - z.maxCoeff()).exp();
  return z / z.sum();
}

double objective_at(const Dataset& data, const Vector& w, std::size_t classes) {
  double sum = 0;
  for (std::size_t i = 0; i < data.rows(); ++i)
    sum -= std::log(probabilities(data.row(i), w, classes)[static_cast<Eigen::Index>(data.labels()[i])]);
  return sum / static_cast<double>(data.rows()) + kL2 / 2 * w.squaredNorm();
}

// The direction of Newton's method.
Vector newton_direction(const Dataset& data, const Vector& w, std::size_t classes) {
  const auto k = static_cast<Eigen::Index>(classes);
  Vector gradient = kL2 * w;
  Eigen::MatrixXd hessian = kL2 * Eigen::MatrixXd::Identity(w.size(), w.size());
  for (std::size_t i = 0; i < data.rows(); ++i) {
    const Row row = data.row(i);
    Vector p = probabilities(row, w, classes);
    Eigen::MatrixXd curvature = -p * p.transpose();
    curvature.diagonal() += p;
    p[static_cast<Eigen::Index>(row.label)] -= 1;
    for (std::size_t a = 0; a < row.support.size(); ++a) {
      const double x = double{row.values[a]} / static_cast<double>(data.rows());
      gradient.segment(row.support[a] * k, k) += x * p;
      for (std::size_t b = 0; b < row.support.size(); ++b)
        hessian.block(row.support[a] * k, row.support[b] * k, k, k) += x * double{row.values[b]} * curvature;
    }
  }
  return hessian.ldlt().solve(gradient);
}

double optimum(const Dataset& data, std::size_t classes) {
  Vector w = Vector::Zero(static_cast<Eigen::Index>(data.dimension() * classes));
  double best = objective_at(data, w, classes);
  for (int round = 0; round < 30; ++round) {
    const Vector direction = newton_direction(data, w, classes);
    for (double step = 1; step > 1e-4; step /= 2) {
      const double reached = objective_at(data, w - step * direction, classes);
      if (reached >= best) continue;
      best = reached;
      w -= step * direction;
      break;
    }
  }
  return best;
}

}  // namespace

TEST_CASE("softmax: loss and hits at a point worked out by hand") {
  const auto softmax = make_objective("softmax", {{"classes", 3}});
  const Dataset one(1, {{0, 1}, {0}, {2}, {1}, {}});
  const float weights[] = {0, 0.5F, -1};
  const float bias[] = {0.25F, 0, 0};
  const ConstWeights local{.weights = weights, .bias = bias};
  const double expected = std::log(std::exp(0.25) + std::exp(1.0) + std::exp(-2.0)) - 1;
  const Evaluation sum = softmax->evaluate(samples_of(one, 0, 1), local);
  CHECK(sum.loss == doctest::Approx(expected));
  CHECK(sum.hits == 1);
  float prediction = -1;
  softmax->predict(samples_of(one, 0, 1), local, {&prediction, 1});
  CHECK(prediction == 1);
}

TEST_CASE("softmax: a small step goes along the finite differences of the loss") {
  check_gradient(*make_objective("softmax", {{"classes", 4}}), {.bias = true});
}

TEST_CASE("softmax: a step is the gradient's, over 1 + reach / 2") {
  constexpr float kTiny = 0x1p-12F;
  const auto softmax = make_objective("softmax", {{"classes", 4}});
  const Sample start(*softmax, true, 3);
  Sample tiny = start;
  tiny.step({.size = kTiny});
  for (const float size : {0.01F, 1.0F, 100.0F, 1e6F}) {
    CAPTURE(size);
    Sample moved = start;
    moved.step({.size = size});
    CHECK(moved.loss() < start.loss());
    for (std::size_t i = 0; i < start.weights.size(); ++i) {
      const double gradient = (double{tiny.weights[i]} - double{start.weights[i]}) / double{kTiny};
      const double expected = gradient * size / (1 + start.reach(size) / 2);
      CHECK(std::fabs(moved.weights[i] - start.weights[i] - expected) <= 0.01 * (std::fabs(expected) + 0.01));
    }
  }
}

TEST_CASE("softmax: many threads on few coordinates reach Newton's optimum") {
  const Dataset data = many_classes(2000, 12, 4, 7);
  const double best = optimum(data, 4);
  for (const Rule rule : {Rule::kSgd, Rule::kAdagrad}) {
    for (const std::size_t threads : kThreadSweep) {
      CAPTURE(threads);
      CAPTURE(name_of(rule));
      Options options = with_threads(threads);
      options.l2 = kL2;
      options.rule = rule;
      options.epochs = 60;
      const Trained trained = train(data, *make_objective("softmax"), options);
      CHECK(trained.report.objective >= best * 0.9999);
      CHECK(trained.report.objective <= best * (rule == Rule::kSgd ? 1.001 : 1.01));
      CHECK(trained.model.parameters.at("classes") == 4);
    }
  }
}

// As pictures do: no value is negative, so all rows share a direction, and threads might overshoot along it together.
TEST_CASE("softmax: many threads on rows that share a direction keep up with one") {
  constexpr std::size_t kClasses = 10;
  Random random(3);
  std::vector<std::vector<double>> centres(kClasses, std::vector<double>(60));
  for (auto& centre : centres)
    for (double& x : centre) x = random.uniform();
  Dataset::Columns parts;
  for (std::size_t i = 0; i < 4000; ++i) {
    const std::uint64_t label = random.below(kClasses);
    for (std::size_t c = 0; c < 60; ++c) {
      parts.indices.push_back(static_cast<Coordinate>(c));
      parts.values.push_back(static_cast<float>(centres[label][c] + random.uniform()));
    }
    parts.offsets.push_back(parts.indices.size());
    parts.labels.push_back(static_cast<float>(label));
  }
  const Dataset data(60, std::move(parts));
  const auto objective_after = [&](std::size_t threads, int epochs) {
    Options options = with_threads(threads);
    options.epochs = epochs;
    options.l2 = 1e-4;
    const Report report = train(data, *make_objective("softmax"), options).report;
    CHECK(report.rollbacks == 0);
    return report.objective;
  };
  for (const int epochs : {1, 4}) {
    const double alone = objective_after(1, epochs);
    for (const std::size_t threads : kThreadSweep) {
      CAPTURE(epochs);
      CAPTURE(threads);
      CHECK(objective_after(threads, epochs) < (epochs == 1 ? 5 : 2.5) * alone);  // 3.4 and 1.8 on eight
    }
  }
}

TEST_CASE("softmax: reproducible gives the same bits for any number of threads") {
  check_reproducible("softmax", many_classes(600, 12, 4, 8));
}

TEST_CASE("softmax: a model evaluates as the run that trained it reports") {
  Options options = with_threads(1);
  options.bias = true;
  const Dataset data = many_classes(500, 12, 4, 9);
  const Trained trained = train(data, *make_objective("softmax"), options);
  const auto objective = make_objective("softmax", trained.model.parameters);
  CHECK(trained.model.width == 4);
  CHECK(trained.model.bias.size() == 4);
  CHECK(*evaluate(trained.model, *objective, data).accuracy ==
        doctest::Approx(*trained.report.training.accuracy).epsilon(1e-3));
}

TEST_CASE("softmax: refuses classes it does not have") {
  for (const double classes : {1.0, -2.0, 2.5, 1e9, std::nan("")}) {
    CAPTURE(classes);
    const std::string error = input_error_of([&] { make_objective("softmax", {{"classes", classes}}); });
    CHECK(error.starts_with("classes = "));
  }
  const Dataset data = many_classes(50, 12, 4, 1);
  const std::string error = input_error_of([&] {
    train(data, *make_objective("softmax", {{"classes", 2}}), {});
  });
  CHECK(error.ends_with("expected a class: 0 to 1"));
  const Dataset sparse(
      1, {.offsets = {0, 1, 2}, .indices = {0, 0}, .values = {1, 1}, .labels = {0, 10'000}, .weights = {}});
  for (const char* objective : {"softmax", "network"}) {
    const std::string refusal = input_error_of([&] { train(sparse, *make_objective(objective), {}); });
    CHECK(refusal == "classes = 10001: must be a whole number from 2 to 10000");
  }
}
