// What programs do that link the library, beside calling it: oneTBB of their own inside an objective, another rounding mode, the
// end of oneTBB's threads, memory of their own for each sample.
#include <doctest/doctest.h>
#include <tbb/global_control.h>
#include <tbb/parallel_for.h>

#include <atomic>
#include <cfenv>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "engine/arena.h"
#include "engine/discipline.h"
#include "engine/train.h"
#include "io/synthetic.h"
#include "objectives/catalogue.h"
#include "test/support.h"

using namespace sounder;
using namespace sounder::test;

namespace {

Dataset problem(std::size_t rows, std::size_t columns) {
  SyntheticOptions options;
  options.kind = SyntheticKind::kRegression;
  options.rows = rows;
  options.columns = columns;
  options.nonzeros_per_row = 20;
  return generate(options);
}

// Adds 1 to each weight of a sample, whose sum is exact in floats.
class Counting : public Objective {
 public:
  std::string name() const override { return "counting"; }
  LabelKind labels() const override { return LabelKind::kReal; }
  bool smooth() const override { return true; }
  std::optional<Pace> pace(Rule) const override { return Pace{.step = 1, .fade = Fade::kNone}; }
  void predict(const Samples&, const ConstWeights&, std::span<float> out) const override {
    std::ranges::fill(out, 0.0F);
  }
  Evaluation evaluate(const Samples& samples, const ConstWeights&) const override {
    return {.loss = static_cast<double>(samples.rows() * (kMany - looks_++)),
            .weight = static_cast<double>(samples.rows())};
  }
  std::uint64_t step(const Samples& samples, const LocalWeights& local, const Step&) const override {
    std::visit(
        [&](auto* positions) {
          for (std::size_t k = 0; k < samples.nonzeros(); ++k) local.weights[positions[k]] += 1;
        },
        samples.positions);
    return samples.nonzeros();
  }

 private:
  static constexpr std::size_t kMany = 1'000'000;
  mutable std::atomic<std::size_t> looks_ = 0;  // each epoch looks better than the one before
};

class Nesting final : public Counting {
 public:
  std::uint64_t step(const Samples& samples, const LocalWeights& local, const Step& step) const override {
    const std::uint64_t gone = Counting::step(samples, local, step);
    const auto wait = [](int i) { std::this_thread::sleep_for(std::chrono::microseconds(20 + i % 3 * 40)); };
    tbb::parallel_for(0, 4, wait);
    return gone;
  }
};

class Remembering final : public Counting {
 public:
  std::size_t memory(Rule) const override { return 1; }
  std::uint64_t step(const Samples& samples, const LocalWeights& local, const Step& step) const override {
    if (samples.memory != nullptr) {
      const std::atomic_ref<float> first(samples.memory[0]);
      overlaps += first.exchange(1) != 0;
      std::this_thread::sleep_for(std::chrono::microseconds(20));
      first.store(0);
    }
    return Counting::step(samples, local, step);
  }

  mutable std::atomic<int> overlaps = 0;
};

Options counted(std::size_t threads) {
  Options options = with_threads(threads);
  options.l2 = 0;
  options.schedule = Schedule::kConstant;
  return options;
}

std::vector<float> reproducible_weights() {
  Options options = with_threads(2);
  options.discipline = Discipline::kReproducible;
  options.epochs = 3;
  return train(problem(500, 50), *make_objective("least_squares"), options).model.weights;
}

}  // namespace

TEST_CASE("hosts: a step that waits for oneTBB loses nothing") {
  const Dataset data = problem(200, 300);
  for (const Discipline discipline : all_disciplines()) {
    if (discipline == Discipline::kRacy) continue;
    for (const std::size_t threads : kThreadSweep) {
      CAPTURE(name_of(discipline));
      CAPTURE(threads);
      Options options = counted(threads);
      options.discipline = discipline;
      options.epochs = 2;
      options.block_rows = 4;
      const Model model = train(data, Nesting(), options).model;
      double sum = 0;
      for (const float weight : model.weights) sum += weight;
      CHECK(sum == 2.0 * static_cast<double>(data.nonzeros()));
    }
  }
}

TEST_CASE("hosts: what an objective keeps for a sample is never at work twice") {
  Remembering objective;
  for (int seed = 1; seed <= 10; ++seed) {
    Options options = counted(2);
    options.seed = static_cast<std::uint64_t>(seed);
    options.epochs = 50;
    options.evaluate_every = 50;
    options.block_rows = 50;
    options.refresh_rows = 10;
    train(problem(400, 60), objective, options);
  }
  CHECK(objective.overlaps == 0);
}

TEST_CASE("hosts: a run rounds as its own thread does, not as an earlier one did") {
  const std::vector<float> expected = reproducible_weights();
  release_arenas();  // so that the next one makes its own
  std::fesetround(FE_UPWARD);
  const std::vector<float> upward = reproducible_weights();
  std::fesetround(FE_TONEAREST);
  CHECK(upward != expected);
  CHECK(reproducible_weights() == expected);
}

TEST_CASE("hosts: oneTBB's threads may be ended once arenas are released, and the next run begins anew") {
  const Dataset data = problem(2000, 50);
  const auto objective = make_objective("least_squares");
  for (int k = 0; k < 2; ++k) {
    tbb::task_scheduler_handle handle{tbb::attach{}};
    CHECK(train(data, *objective, with_threads(2)).report.epochs == 30);
    release_arenas();
    CHECK(tbb::finalize(handle, std::nothrow));
  }
}
