// Contention on purpose: many threads push to the same few coordinates, and still reach the exact optimum,
// which is worked out here by other means: Newton's method where the loss is smooth, dual coordinate descent
// for the hinge.
#include <doctest/doctest.h>

#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "engine/train.h"
#include "io/random.h"
#include "io/synthetic.h"
#include "objectives/catalogue.h"
#include "objectives/linear.h"
#include "test/support.h"

using namespace sounder;
using namespace sounder::test;

namespace {

constexpr double kL2 = 1e-3;

// A loss in double, written down a second time.
struct Loss {
  const char* name;
  double (*value)(double z, double y);
  double (*slope)(double z, double y);
  double (*curvature)(double z, double y);
};

double sigmoid(double z) {
  return 1 / (1 + std::exp(-z));
}

const Loss kSmoothLosses[] = {
    {"least_squares", [](double z, double y) { return (z - y) * (z - y) / 2; },
     [](double z, double y) { return z - y; }, [](double, double) { return 1.0; }},
    {"logistic", [](double z, double y) { return std::log1p(std::exp(-y * z)); },
     [](double z, double y) { return -y * sigmoid(-y * z); },
     [](double z, double y) { return sigmoid(y * z) * sigmoid(-y * z); }},
    {"squared_hinge", [](double z, double y) { return std::pow(std::max(0.0, 1 - y * z), 2); },
     [](double z, double y) { return -2 * y * std::max(0.0, 1 - y * z); },
     [](double z, double y) { return y * z < 1 ? 2.0 : 0.0; }},
    {"huber",
     [](double z, double y) {
       return std::fabs(z - y) <= 1 ? (z - y) * (z - y) / 2 : std::fabs(z - y) - 0.5;
     },
     [](double z, double y) { return std::clamp(z - y, -1.0, 1.0); },
     [](double z, double y) { return std::fabs(z - y) <= 1 ? 1.0 : 0.0; }},
    {"squared_epsilon_insensitive",
     [](double z, double y) { return std::pow(std::max(0.0, std::fabs(z - y) - 0.1), 2); },
     [](double z, double y) { return std::copysign(2 * std::max(0.0, std::fabs(z - y) - 0.1), z - y); },
     [](double z, double y) { return std::fabs(z - y) > 0.1 ? 2.0 : 0.0; }},
};

double margin(const Row& row, const Eigen::VectorXd& w) {
  double sum = 0;
  for (std::size_t k = 0; k < row.support.size(); ++k) sum += double{row.values[k]} * w[row.support[k]];
  return sum;
}

double objective_at(const Dataset& data, double (*value)(double, double), const Eigen::VectorXd& w) {
  double sum = 0;
  for (std::size_t i = 0; i < data.rows(); ++i) sum += value(margin(data.row(i), w), data.labels()[i]);
  return sum / static_cast<double>(data.rows()) + kL2 / 2 * w.squaredNorm();
}

// One step of Newton's method with backtracking; false when it gains nothing any more.
bool newton_step(const Dataset& data, const Loss& loss, Eigen::VectorXd& w) {
  const auto n = static_cast<double>(data.rows());
  Eigen::VectorXd gradient = kL2 * w;
  Eigen::MatrixXd hessian = kL2 * Eigen::MatrixXd::Identity(w.size(), w.size());
  for (std::size_t i = 0; i < data.rows(); ++i) {
    const Row row = data.row(i);
    const double z = margin(row, w);
    for (std::size_t a = 0; a < row.support.size(); ++a) {
      gradient[row.support[a]] += loss.slope(z, row.label) * row.values[a] / n;
      for (std::size_t b = 0; b < row.support.size(); ++b)
        hessian(row.support[a], row.support[b]) +=
            loss.curvature(z, row.label) * row.values[a] * row.values[b] / n;
    }
  }
  const Eigen::VectorXd direction = hessian.ldlt().solve(gradient);
  const double before = objective_at(data, loss.value, w);
  for (double step = 1; step > 1e-6; step /= 2) {
    const Eigen::VectorXd next = w - step * direction;
    if (objective_at(data, loss.value, next) >= before * (1 - 1e-12)) continue;
    w = next;
    return true;
  }
  return false;
}

double smooth_optimum(const Dataset& data, const Loss& loss) {
  Eigen::VectorXd w = Eigen::VectorXd::Zero(static_cast<Eigen::Index>(data.dimension()));
  for (int step = 0; step < 50 && newton_step(data, loss, w);) ++step;
  return objective_at(data, loss.value, w);
}

// Hsieh et al., A dual coordinate descent method for large-scale linear SVM (2008).
double hinge_optimum(const Dataset& data) {
  const double strength = kL2 * static_cast<double>(data.rows());
  Eigen::VectorXd w = Eigen::VectorXd::Zero(static_cast<Eigen::Index>(data.dimension()));
  std::vector<double> alpha(data.rows());
  for (int pass = 0; pass < 2000; ++pass) {
    for (std::size_t i = 0; i < data.rows(); ++i) {
      const Row row = data.row(i);
      double norm = 0;
      for (const float x : row.values) norm += double{x} * x;
      const double target = alpha[i] + (1 - row.label * margin(row, w)) * strength / norm;
      const double change = std::clamp(target, 0.0, 1.0) - alpha[i];
      alpha[i] += change;
      for (std::size_t k = 0; k < row.support.size(); ++k)
        w[row.support[k]] += change * row.label * row.values[k] / strength;
    }
  }
  return objective_at(
      data, [](double z, double y) { return std::max(0.0, 1 - y * z); }, w);
}

Dataset problem(LabelKind labels, bool dense) {
  return generate(
      {.kind = labels == LabelKind::kReal ? SyntheticKind::kRegression : SyntheticKind::kClassification,
       .rows = dense ? 400U : 2000U,
       .columns = dense ? 10U : 100U,
       .nonzeros_per_row = 10,
       .noise = labels == LabelKind::kReal ? 0.5 : 0.1,
       .seed = 11});
}

void check_reaches(const Objective& objective, const Dataset& data, double optimum) {
  for (const std::size_t threads : kThreadSweep) {
    for (const Discipline discipline : {Discipline::kAtomic, Discipline::kLockFree, Discipline::kRacy}) {
      Options options;
      options.l2 = kL2;
      options.step = 4;
      options.epochs = 40;
      options.threads = static_cast<int>(threads);
      options.block_rows = 8;
      options.discipline = discipline;
      const double reached = train(data, objective, options).report.objective;
      CAPTURE(data.dimension());
      CAPTURE(options.seed);
      CAPTURE(threads);
      CAPTURE(name_of(discipline));
      CHECK(reached / optimum > 1 - 1e-4);
      CHECK(reached / optimum < 1.02);
    }
  }
}

}  // namespace

// A loss with kinks or tails has its curvature where the labels are, whatever their units.
TEST_CASE("convergence: labels of any scale are fitted alike, by steps and by dual ascent") {
  const Dataset data = problem(LabelKind::kReal, true);
  const auto fitted = [&](const std::string& name, const Objective::Parameters& parameters, float scale,
                          Rule rule, std::size_t threads) {
    std::vector<float> labels(data.labels().begin(), data.labels().end());
    for (float& label : labels) label *= scale;
    Options options = with_threads(threads);
    options.l2 = kL2 / double{scale};
    options.rule = rule;
    options.epochs = 60;
    return train(data.with_labels(labels), *make_objective(name, parameters), options).report.objective /
           double{scale};
  };
  const double absolute = fitted("epsilon_insensitive", {{"epsilon", 0}}, 1, Rule::kSdca, 1);
  for (const float scale : {1e-3F, 1e5F}) {
    CAPTURE(scale);
    for (const std::size_t threads : kThreadSweep) {
      CAPTURE(threads);
      for (const Rule rule : {Rule::kSgd, Rule::kSdca}) {
        CAPTURE(name_of(rule));
        CHECK(fitted("epsilon_insensitive", {{"epsilon", 0}}, scale, rule, threads) ==
              doctest::Approx(absolute).epsilon(0.02));
        CHECK(fitted("quantile", {}, scale, rule, threads) >= absolute / 2 * 0.99);
        CHECK(fitted("quantile", {}, scale, rule, threads) <= absolute / 2 * 1.05);
        if (scale >= 1e3F)
          CHECK(fitted("huber", {}, scale, rule, threads) == doctest::Approx(absolute).epsilon(0.02));
      }
    }
  }
}

TEST_CASE("convergence: rules with steps of their own for each column find the scale of labels and columns") {
  const Dataset data = problem(LabelKind::kReal, true);
  for (const float noise : {0.0F, 5.0F}) {  // with which most of the loss stays, whatever the weights
    for (const float scale : {1e-3F, 1.0F, 1e4F}) {
      CAPTURE(noise);
      CAPTURE(scale);
      std::vector<float> labels(data.labels().begin(), data.labels().end());
      Random random(7);
      for (float& label : labels)
        label = scale * (label + noise * static_cast<float>(2 * random.uniform() - 1));
      const auto reached = [&](Rule rule) {
        Options options = with_threads(2);
        options.l2 = 1e-6;
        options.rule = rule;
        options.epochs = 60;
        return train(data.with_labels(labels), *make_objective("least_squares"), options).report.objective;
      };
      const double best = reached(Rule::kSgd);
      CHECK(reached(Rule::kAdagrad) < 1.05 * best);
      CHECK(reached(Rule::kFtrl) < 1.05 * best);
    }
  }
}

TEST_CASE("convergence: a bias finds labels that lie anywhere, though slopes are bounded") {
  const Dataset data = problem(LabelKind::kReal, true);
  for (const std::string name : {"quantile", "epsilon_insensitive", "huber"}) {
    const auto objective = make_objective(name);
    for (const Rule rule : all_rules()) {
      if (!objective->suits(rule) || traits_of(rule).dual || traits_of(rule).derives) continue;
      for (const std::size_t threads : kThreadSweep) {
        CAPTURE(name);
        CAPTURE(name_of(rule));
        CAPTURE(threads);
        const auto reached = [&](float offset) {
          std::vector<float> labels(data.labels().begin(), data.labels().end());
          for (float& label : labels) label += offset;
          Options options = with_threads(threads);
          options.l2 = 1e-2;
          options.bias = true;
          options.rule = rule;
          return train(data.with_labels(labels), *objective, options).report.objective;
        };
        const double near = reached(0);
        for (const float offset : {-1e3F, 1e3F})
          CHECK(reached(offset) == doctest::Approx(near).epsilon(0.02));
      }
    }
  }
}

TEST_CASE(
    "convergence: reduced variance takes steps of 1 / L of losses whose labels are mostly on their slopes") {
  const Dataset data = problem(LabelKind::kReal, true);
  std::vector<float> labels(data.labels().begin(), data.labels().end());
  for (float& label : labels) label *= 20;
  const auto reached = [&](Rule rule, int epochs) {
    Options options = with_threads(1);
    options.rule = rule;
    options.epochs = epochs;
    return train(data.with_labels(labels), *make_objective("huber"), options).report.objective;
  };
  const double best = reached(Rule::kSgd, 1000);
  for (const Rule rule : {Rule::kSvrg, Rule::kSaga}) {
    CAPTURE(name_of(rule));
    CHECK(reached(rule, 300) < 1.001 * best);
  }
}

TEST_CASE("convergence: smooth losses reach the exact optimum on any number of threads") {
  for (const Loss& loss : kSmoothLosses) {
    SUBCASE(loss.name) {
      const auto objective = make_objective(loss.name);
      for (const bool dense : {false, true}) {
        const Dataset data = problem(objective->labels(), dense);
        check_reaches(*objective, data, smooth_optimum(data, loss));
      }
    }
  }
}

TEST_CASE("convergence: a bias beside sparse rows makes nothing worse" * doctest::skip(kUnderTsan)) {
  const Dataset data = generate({.rows = 3000, .columns = 20'000, .nonzeros_per_row = 40});
  for (const std::string name : {"hinge", "squared_hinge", "logistic"}) {
    const auto objective = make_objective(name);
    for (const Rule rule : {Rule::kSgd, Rule::kSvrg, Rule::kSaga}) {
      if (!objective->suits(rule)) continue;
      for (const std::size_t threads : {1, 2}) {
        CAPTURE(name);
        CAPTURE(name_of(rule));
        CAPTURE(threads);
        const auto reached = [&](bool bias) {
          Options options = with_threads(threads);
          options.l2 = 1e-4;
          options.rule = rule;
          options.bias = bias;
          return train(data, *objective, options).report.objective;
        };
        CHECK(reached(true) < 1.05 * reached(false));
      }
    }
  }
}

TEST_CASE("convergence: the hinge reaches the exact optimum on any number of threads") {
  const auto objective = make_objective("hinge");
  for (const bool dense : {false, true}) {
    const Dataset data = problem(LabelKind::kTwoClass, dense);
    check_reaches(*objective, data, hinge_optimum(data));
  }
}

TEST_CASE("convergence: a loss of the caller's own, without an implicit step") {
  struct Plain {
    double value(float z, float y) const { return (double{z} - y) * (double{z} - y) / 2; }
    float slope(float z, float y) const { return z - y; }
  };
  const Dataset data = problem(LabelKind::kReal, false);
  Options options;
  options.l2 = kL2;
  options.step = 0.5;
  options.epochs = 40;
  const double optimum = smooth_optimum(data, kSmoothLosses[0]);
  for (const std::size_t threads : kThreadSweep) {
    CAPTURE(threads);
    options.threads = static_cast<int>(threads);
    options.block_rows = 8;
    const Report report = train(data, *make_linear("plain", LabelKind::kReal, Plain{}), options).report;
    CHECK(report.objective / optimum < 1.02);
  }
}

TEST_CASE("convergence: two threads do not undo each other where all rows share a direction") {
  const Dataset data = generate({.rows = 20'000, .columns = 50, .nonzeros_per_row = 20});
  for (const char* const name : {"hinge", "logistic", "squared_hinge"})
    for (const int epochs : {1, 2, 8}) {
      CAPTURE(name);
      CAPTURE(epochs);
      Options options;
      options.epochs = options.evaluate_every = epochs;
      options.l2 = 1e-5;
      options.threads = 1;
      const double alone = train(data, *make_objective(name), options).report.objective;
      options.threads = 2;
      for (int round = 0; round < 3; ++round)
        CHECK(train(data, *make_objective(name), options).report.objective < 1.03 * alone);
    }
}

TEST_CASE("convergence: an early epoch that two threads throw high is no explosion where steps fall") {
  const Dataset data = generate({.rows = 400, .columns = 2000, .nonzeros_per_row = 2000, .zipf_exponent = 0});
  Options options = with_threads(1);
  options.l2 = 1e-4;
  options.epochs = 30;
  const double alone = train(data, *make_objective("hinge"), options).report.objective;
  options.threads = 2;
  int went_back = 0;  // one of 200 does, when the second epoch ends five times as high as the run began
  for (int run = 0; run < 5; ++run) {
    const Report report = train(data, *make_objective("hinge"), options).report;
    went_back += report.rollbacks > 0 ? 1 : 0;
    CHECK(report.objective < 1.05 * alone);
  }
  CHECK(went_back <= 1);
}

TEST_CASE("convergence: large blocks that refresh hot columns reach what small ones reach") {
  const Dataset data = generate({.rows = 6000, .columns = 400, .nonzeros_per_row = 12, .seed = 3});
  const auto objective = make_objective("logistic");
  Options options;
  options.threads = 1;
  options.l2 = 1e-4;
  const double reference = train(data, *objective, options).report.objective;
  for (const std::size_t threads : {2, 3, 4, 8}) {
    CAPTURE(threads);
    options.threads = static_cast<int>(threads);
    const Report report = train(data, *objective, options).report;
    CHECK(report.refresh_rows > 0);
    CHECK(report.refresh_rows < report.block_rows);
    CHECK(report.objective == doctest::Approx(reference).epsilon(0.01));
  }
}
