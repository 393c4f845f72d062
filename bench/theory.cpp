// The analysis of asynchronous SGD (engine/theory.h) on problems of which everything is known: of n samples,
// each touches one of G groups of four coordinates, so Dbar = n / G - 1; the loss of a sample is (m G / 2)
// |w_g - t|^2, so the objective is m-strongly convex, and its optimum is the mean of the targets t. A
// simulated writer makes every read exactly tau samples old. For each cell of a grid of Dbar, tau and step:
//
//   R1, R2    the terms E |x - x_hat|^2 and |E <x - x_hat, g>|, over their bounds
//   of T      iterations until |w - w*|^2 <= eps for good, over the theorem's T
//   inflation the same over those of tau = 0, measured and predicted
//
//   bench/theory [PLOT.svg [RUNS]]     exits with 1 if a bound does not hold where the theorem says that it does
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <exception>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

#include "engine/discipline.h"
#include "engine/parameters.h"
#include "engine/theory.h"
#include "io/output.h"
#include "io/plot.h"
#include "io/random.h"

namespace sounder {
namespace {

constexpr std::size_t kSamples = 4096;
constexpr std::size_t kWidth = 4;   // coordinates of a group: a cell
constexpr double kM = 0.5;          // m, strong convexity
constexpr double kAccuracy = 0.05;  // eps over the error at the start
constexpr int kRuns = 8;            // unless another number is asked for
constexpr double kNever = std::numeric_limits<double>::infinity();

using Group = std::array<float, kWidth>;

struct Problem {
  explicit Problem(std::size_t count) : groups(count), targets(kSamples) {
    Random random(count);
    const double spread = 1.0 / static_cast<double>(groups);
    std::vector<std::array<double, kWidth>> means(groups);
    for (std::size_t i = 0; i < kSamples; ++i) {
      for (std::size_t k = 0; k < kWidth; ++k) {
        targets[i][k] = static_cast<float>(spread * random.gaussian());
        means[i % groups][k] += targets[i][k] * static_cast<double>(groups) / kSamples;
      }
    }
    for (std::size_t i = 0; i < kSamples; ++i) {  // so that the optimum is 1 / G everywhere
      for (std::size_t k = 0; k < kWidth; ++k)
        targets[i][k] += static_cast<float>(spread - means[i % groups][k]);
    }
    for (const Group& t : targets) bound_squared = std::max(bound_squared, squared(gradient(t, {})));
  }

  Group gradient(const Group& target, const Group& weights) const {
    Group g;
    for (std::size_t k = 0; k < kWidth; ++k)
      g[k] = static_cast<float>(curvature()) * (weights[k] - target[k]);
    return g;
  }
  static double squared(const Group& g) { return std::inner_product(g.begin(), g.end(), g.begin(), 0.0); }

  double curvature() const { return kM * static_cast<double>(groups); }  // L
  double optimum() const { return 1.0 / static_cast<double>(groups); }
  double start() const {
    return static_cast<double>(groups * kWidth) * optimum() * optimum();
  }  // a_0, of w = 0
  double accuracy() const { return kAccuracy * start(); }
  double degree() const { return static_cast<double>(kSamples / groups) - 1; }  // Dbar
  double chance() const { return degree() / kSamples; }
  double step() const { return accuracy() * kM / (2 * bound_squared); }
  double iterations() const {  // T
    return 2 * bound_squared / (accuracy() * kM * kM) * std::log(2 * start() / accuracy());
  }

  std::size_t groups;
  std::vector<Group> targets;
  double bound_squared = 0;  // M^2: the longest gradient at w = 0, where the longest ones are
};

// What one run met, or the mean of some.
struct Outcome {
  double iterations = 0;
  double position = 0;   // R1 / (gamma^2 M^2)
  double alignment = 0;  // R2 / (gamma M^2)
};

class Run {
 public:
  Run(const Problem& problem, std::size_t tau, double step, std::uint64_t seed)
      : problem_(problem),
        step_(step),
        random_(seed),
        parameters_(problem.groups, kWidth),
        writer_(make_simulated_writer(parameters_, tau + 1)),
        cells_(problem.groups),
        x_(problem.groups) {
    std::iota(cells_.begin(), cells_.end(), 0U);
    error_ = problem.start();
  }

  // What is reached must last: iterations are counted to the last one above the accuracy, and there are
  // `most`.
  Outcome go(double most) {
    double last = 0;
    double iteration = 0;
    while (iteration < most && error_ < kLost * problem_.start()) {
      iterate();
      if (error_ > problem_.accuracy()) last = iteration + 1;
      if (static_cast<std::uint64_t>(++iteration) % kEvery == 0) look();
    }
    const double scale = step_ * step_ * problem_.bound_squared;
    return {.iterations = last < 0.9 * most && iteration >= most ? last : kNever,
            .position = position_ / looks_ / scale,
            .alignment = std::fabs(alignment_) / iteration * step_ / scale};
  }

 private:
  static constexpr std::uint64_t kEvery = 61;
  static constexpr double kLost = 1e6;

  void iterate() {
    const std::size_t sample = random_.below(kSamples);
    const std::size_t group = sample % problem_.groups;
    Visit visit{.support = std::span(cells_).subspan(group, 1)};
    writer_->pull(visit, copy_);
    Group seen;
    std::copy_n(copy_.before(), kWidth, seen.begin());
    const Group g = problem_.gradient(problem_.targets[sample], seen);
    for (std::size_t k = 0; k < kWidth; ++k) {
      alignment_ += (x_[group][k] - seen[k]) * g[k];
      copy_.after()[k] = seen[k] - static_cast<float>(step_) * g[k];
      const double before = x_[group][k] - problem_.optimum();
      x_[group][k] += copy_.after()[k] - copy_.before()[k];
      const double after = x_[group][k] - problem_.optimum();
      error_ += after * after - before * before;
    }
    writer_->push(visit, copy_);
  }

  // x is what all updates so far make, x_hat what the next pull would see.
  void look() {
    const std::span<const float> seen = parameters_.all();
    for (std::size_t i = 0; i < seen.size(); ++i) {
      const double difference = x_[i / kWidth][i % kWidth] - seen[i];
      position_ += difference * difference;
    }
    ++looks_;
  }

  const Problem& problem_;
  double step_;
  Random random_;
  Parameters parameters_;
  std::unique_ptr<Writer> writer_;
  LocalCopy copy_;
  std::vector<Cell> cells_;
  std::vector<std::array<double, kWidth>> x_;
  double error_ = 0;
  double position_ = 0;
  double alignment_ = 0;
  double looks_ = 0;
};

// As many iterations as are twice enough by the theorem.
Outcome mean_of_runs(const Problem& problem, std::size_t tau, double factor, int runs) {
  const double step = factor * problem.step();
  const double most = 2 * problem.iterations() / factor;
  Outcome mean;
  for (int run = 1; run <= runs; ++run) {
    const Outcome one = Run(problem, tau, step, static_cast<std::uint64_t>(run)).go(most);
    mean.iterations += one.iterations / runs;
    mean.position += one.position / runs;
    mean.alignment += one.alignment / runs;
  }
  return mean;
}

std::string or_never(double value) {
  return std::isfinite(value) ? fmt::format("{:.3g}", value) : "never";
}

struct Curve {
  std::string name;
  std::vector<std::pair<double, double>> measured;  // tau / tau_safe, inflation
  std::vector<std::pair<double, double>> predicted;
};

// One line of the table for each tau. The theorem is about its own step, and tau of the order of tau_safe.
class Grid {
 public:
  explicit Grid(int runs) : runs_(runs) {}

  void add(const Problem& problem, double factor) {
    const double step = factor * problem.step();
    Curve curve{.name = fmt::format("Dbar {:g}, step x {:g}", problem.degree(), factor),
                .measured = {},
                .predicted = {}};
    double serial = 0;
    for (const std::size_t tau : {0, 1, 4, 16, 64, 256, 1024}) {
      const Outcome met = mean_of_runs(problem, tau, factor, runs_);
      if (tau == 0) serial = met.iterations;
      const auto t = static_cast<double>(tau);
      const double position = tau == 0 ? 0 : met.position / position_noise_bound(t, problem.chance());
      const double alignment = tau == 0 ? 0 : met.alignment / alignment_noise_bound(t, problem.chance());
      const double predicted = predicted_inflation(t, problem.chance(), step * kM);
      const double of_safe = t / safe_staleness(problem.chance());
      const double inflation = met.iterations / serial;
      fmt::print("{:>6g}{:>6}{:>10.3g}{:>7g}{:>10.3g}{:>10.3g}{:>9}{:>11}{:>11.4g}\n", problem.degree(), tau,
                 of_safe, factor, position, alignment, or_never(met.iterations / problem.iterations()),
                 or_never(inflation), predicted);
      if (factor == 1 && of_safe <= 1)
        within_ = within_ && position <= 1 && alignment <= 1 && met.iterations <= problem.iterations();
      if (tau == 0) continue;
      curve.measured.emplace_back(of_safe, inflation);
      curve.predicted.emplace_back(of_safe, predicted);
    }
    curves_.push_back(std::move(curve));
  }

  bool within() const { return within_; }

  Chart chart() const {
    Chart chart{.title = "Iterations over serial against staleness",
                .note = "whole lines: measured, to where it never converges; dashed: predicted",
                .x = {.label = "tau over n / (2 Dbar)", .scale = Scale::kLog},
                .y = {.label = "iterations over serial", .scale = Scale::kLog},
                .series = {}};
    for (const Curve& curve : curves_) {
      chart.series.push_back({.name = curve.name, .points = curve.measured});
      chart.series.push_back({.name = curve.name, .points = curve.predicted, .dashed = true});
    }
    return chart;
  }

 private:
  int runs_;
  bool within_ = true;
  std::vector<Curve> curves_;
};

}  // namespace
}  // namespace sounder

int main(int argc, char** argv) try {
  using namespace sounder;
  fmt::print("{:>6}{:>6}{:>10}{:>7}{:>10}{:>10}{:>9}{:>11}{:>11}\n", "Dbar", "tau", "/ safe", "step x", "R1",
             "R2", "of T", "inflation", "predicted");
  Grid grid(argc > 2 ? std::max(1, std::atoi(argv[2])) : kRuns);
  for (const std::size_t groups : {1, 16, 256}) {
    const Problem problem(groups);
    for (const double factor : {1.0, 8.0}) grid.add(problem, factor);
  }
  if (argc > 1 && *argv[1] != 0) write_file(argv[1], to_svg(std::vector{grid.chart()}));
  return grid.within() ? 0 : 1;
} catch (const std::exception& error) {
  fmt::print(stderr, "theory: {}\n", error.what());
  return 2;
}
