#include "engine/run_clock.h"

#include <doctest/doctest.h>

#include <chrono>
#include <thread>

#include "engine/stopwatch.h"

using namespace sounder;

namespace {

void wait_a_moment() {
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
}

}  // namespace

TEST_CASE(
    "run clock: what is left takes as long as the training so far, and no account of what came before it") {
  Progress told;
  const Monitor monitor{.on_progress = [&](const Progress& progress) { told = progress; }};
  RunClock clock(monitor, {});
  wait_a_moment();
  const Clock::time_point began = Clock::now();
  double sum = 0;
  for (int epoch = 1; epoch <= 2; ++epoch) {
    clock.train(sum, [&] {
      wait_a_moment();
      clock.tell({.epoch = epoch, .epochs = 4}, epoch, 1000);
    });
    CHECK(told.fraction == epoch / 4.0);
    CHECK(told.seconds_left >= 0.02 * (4 - epoch));
    CHECK(told.seconds_left <= seconds_since(began) * (4 - epoch) / epoch);
    wait_a_moment();  // an evaluation, which is in it
  }
}

TEST_CASE("run clock: before anything is done nothing is known of what is left") {
  Progress told{.seconds_left = 1};
  const Monitor monitor{.on_progress = [&](const Progress& progress) { told = progress; }};
  RunClock clock(monitor, {});
  double sum = 0;
  clock.train(sum, [&] { clock.tell({.epochs = 4}, 0, 0); });
  CHECK(told.fraction == 0);
  CHECK(told.seconds_left == 0);
}
