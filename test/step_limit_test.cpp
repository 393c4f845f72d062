#include "engine/step_limit.h"

#include <doctest/doctest.h>

#include "engine/train.h"
#include "io/synthetic.h"
#include "objectives/catalogue.h"
#include "test/support.h"

using namespace sounder;
using namespace sounder::test;

namespace {

// Ten epochs of 100 samples.
Sampler sampler_with(const StepClock& clock) {
  StepClock whole = clock;
  whole.rows = 100;
  whole.epochs = 10;
  return {{.rows = {50, 50}}, whole, {}, 1};
}

StepClock constant(double step, double cap) {
  return {.schedule = Schedule::kConstant, .step = step, .cap = cap};
}

}  // namespace

TEST_CASE("step limit: grows fourfold with each epoch that ends lowest, as long as it limits anything") {
  Sampler sampler = sampler_with(constant(10, 1));
  StepLimit limit(sampler, true);
  limit.took(1, true);
  CHECK(sampler.cap() == 4);
  limit.took(2, true);
  CHECK(sampler.cap() == 16);
  CHECK(sampler.step_of_epoch(3) == 10);
  limit.took(3, true);
  CHECK(sampler.cap() == 16);
  CHECK(limit.growth() == 16);
}

TEST_CASE("step limit: not beyond what decays allow, and not unless asked to") {
  StepClock clock = constant(10, 1);
  clock.highest_cap = 3;
  Sampler sampler = sampler_with(clock);
  StepLimit limit(sampler, true);
  limit.took(1, true);
  limit.took(2, true);
  CHECK(sampler.cap() == 3);
  CHECK(limit.growth() == 3);

  Sampler other = sampler_with(constant(10, 1));
  StepLimit fixed(other, false);
  fixed.took(1, true);
  CHECK(other.cap() == 1);
}

TEST_CASE("step limit: an epoch that rises takes back the last growth, and ends it") {
  Sampler sampler = sampler_with(constant(100, 1));
  StepLimit limit(sampler, true);
  limit.took(1, true);
  limit.took(2, true);
  limit.took(3, false);
  CHECK(sampler.cap() == 4);
  limit.took(4, true);
  CHECK(sampler.cap() == 4);
  CHECK(limit.growth() == 4);
}

TEST_CASE("step limit: an explosion takes back a growth that mattered, else quarters all steps") {
  Sampler sampler = sampler_with(constant(100, 1));
  StepLimit limit(sampler, true);
  limit.took(1, true);
  limit.went_back(2);
  CHECK(sampler.cap() == 1);
  CHECK(sampler.step_of_epoch(3) == 1);
  limit.went_back(3);
  CHECK(sampler.step_of_epoch(4) == 0.25);

  // Steps that have fallen below where the cap was are not the growth's.
  Sampler falling = sampler_with({.schedule = Schedule::kGeometric, .step = 8, .cap = 1, .decay = 1.0 / 16});
  StepLimit of_falling(falling, true);
  of_falling.took(1, true);
  CHECK(falling.cap() == 1);  // the next epoch has steps of 0.5
  of_falling.went_back(2);
  CHECK(falling.cap() == 0.25);
  CHECK(falling.step_of_epoch(1) == 0.25);
  CHECK(falling.step_of_epoch(2) == 0.125);
}

// Rows that all share a direction: eight workers that start together may only take small steps, and simulated ones do.
TEST_CASE("step limit: a run of more than two threads takes larger steps once an epoch went well") {
  const Dataset data =
      generate({.rows = 4000, .columns = 200, .nonzeros_per_row = 200, .zipf_exponent = 0.7});
  const auto hinge = make_objective("hinge");
  const auto steps = [&](std::size_t threads, int simulate, Discipline discipline) {
    Options options = with_threads(threads);
    options.simulate = simulate;
    options.discipline = discipline;
    options.l2 = 1e-5;
    options.epochs = 3;
    Report report = train(data, *hinge, options).report;
    // Once in some hundred runs the larger steps throw an epoch away, and the row after the first is not of the second.
    for (int tries = 0; report.rollbacks > 0 && tries < 5; ++tries) {
      ++options.seed;
      report = train(data, *hinge, options).report;
    }
    REQUIRE(report.rollbacks == 0);
    REQUIRE(report.per_epoch.size() >= 2);
    CHECK(report.choices.step.why.find("not overshoot") != std::string::npos);
    return report.per_epoch[1].step / report.per_epoch[0].step;
  };
  for (const std::size_t threads : {3U, 4U, 8U}) {
    CAPTURE(threads);
    CHECK(steps(threads, 0, Discipline::kAtomic) == doctest::Approx(4));
  }
  CHECK(steps(1, 8, Discipline::kAtomic) == doctest::Approx(1));
  CHECK(steps(8, 0, Discipline::kReproducible) == doctest::Approx(1));
}
