#include "engine/sampler.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

using namespace sounder;

namespace {

// Blocks of 10 empty rows, the last one of 3.
std::vector<Block> blocks_of(std::size_t count) {
  std::vector<Block> blocks(count);
  for (Block& block : blocks) block.labels.resize(&block == &blocks.back() ? 3 : 10);
  return blocks;
}

double rows_of(const std::vector<Block>& blocks) {
  double rows = 0;
  for (const Block& block : blocks) rows += static_cast<double>(block.rows());
  return rows;
}

StepClock constant(const std::vector<Block>& blocks, double step) {
  return {.schedule = Schedule::kConstant, .step = step, .rows = rows_of(blocks), .epochs = 100};
}

// The tasks until the sampler stops, which is at the end of the epoch or of a segment.
std::vector<Task> drain(Sampler& sampler) {
  std::vector<Task> tasks;
  for (Task task; sampler.next(task);) tasks.push_back(task);
  return tasks;
}

std::vector<const Block*> order_of(const std::vector<Task>& tasks) {
  std::vector<const Block*> order;
  for (const Task& task : tasks) order.push_back(task.block);
  return order;
}

}  // namespace

TEST_CASE("sampler: schedules have their closed forms") {
  StepClock clock{.step = 2, .decay = 0.5, .l2 = 0.01, .rows = 100, .epochs = 10};
  const struct {
    Schedule schedule;
    double samples, expected;
  } cases[] = {
      {Schedule::kConstant, 0, 2},
      {Schedule::kConstant, 999, 2},
      {Schedule::kGeometric, 0, 2},
      {Schedule::kGeometric, 99, 2},
      {Schedule::kGeometric, 100, 1},
      {Schedule::kGeometric, 350, 0.25},
      {Schedule::kInverse, 0, 2},
      {Schedule::kInverse, 150, 2.0 / (1 + 0.01 * 2 * 150)},
      {Schedule::kAnneal, 0, 2},
      {Schedule::kAnneal, 1000, 0},
      {Schedule::kAnneal, 250, 2 * 0.75 / (1 + (0.01 * 2 * 1000 + 8) * 0.25)},
  };
  for (const auto& [schedule, samples, expected] : cases) {
    CAPTURE(name_of(schedule));
    CAPTURE(samples);
    clock.schedule = schedule;
    CHECK(clock.at(samples) == doctest::Approx(expected));
    StepClock capped = clock;
    capped.cap = 0.3;
    CHECK(capped.at(samples) == doctest::Approx(std::min(0.3, expected)));
  }
}

TEST_CASE("sampler: every block once an epoch, in an order that the seed and the epoch decide") {
  const std::vector<Block> blocks = blocks_of(20);
  Sampler sampler(blocks, constant(blocks, 1), 0.001, Rule::kSgd, 7);
  Sampler again(blocks, constant(blocks, 1), 0.001, Rule::kSgd, 7);
  Sampler other(blocks, constant(blocks, 1), 0.001, Rule::kSgd, 8);
  std::vector<const Block*> before;
  for (int epoch = 1; epoch <= 5; ++epoch) {
    CAPTURE(epoch);
    for (Sampler* each : {&sampler, &again, &other}) each->begin_epoch(epoch);
    const std::vector<const Block*> order = order_of(drain(sampler));
    CHECK(sampler.epoch_done());
    CHECK(order == order_of(drain(again)));
    CHECK(order != order_of(drain(other)));
    CHECK(order != before);
    before = order;
    std::vector<const Block*> sorted = order;
    std::ranges::sort(sorted);
    CHECK(sorted.size() == blocks.size());
    CHECK(std::ranges::adjacent_find(sorted) == sorted.end());
  }
}

TEST_CASE("sampler: no task before the first epoch and none after the last block") {
  const std::vector<Block> blocks = blocks_of(3);
  Sampler sampler(blocks, constant(blocks, 1), 0, Rule::kSgd, 1);
  Task task;
  CHECK(!sampler.next(task));
  sampler.begin_epoch(1);
  CHECK(drain(sampler).size() == 3);
  CHECK(!sampler.next(task));
}

TEST_CASE("sampler: a task's step is that of the middle of its block") {
  const std::vector<Block> blocks = blocks_of(5);
  StepClock clock{.step = 3, .l2 = 0.01, .rows = rows_of(blocks), .epochs = 4};
  Sampler sampler(blocks, clock, 0.01, Rule::kSgd, 1);
  CHECK(sampler.initial_step() == 3);
  for (int epoch = 1; epoch <= 4; ++epoch) {
    sampler.begin_epoch(epoch);
    double samples = (epoch - 1) * clock.rows;
    CHECK(sampler.step_of_epoch(epoch) == doctest::Approx(clock.at(samples)));
    for (const Task& task : drain(sampler)) {
      const auto rows = static_cast<double>(task.block->rows());
      CHECK(task.step.size == doctest::Approx(clock.at(samples + rows / 2)));
      samples += rows;
    }
  }
  sampler.scale_steps(0.25);
  CHECK(sampler.initial_step() == 0.75);
}

TEST_CASE("sampler: the scale is the product of the shrinks of all samples before") {
  const std::vector<Block> blocks = blocks_of(30);
  for (const double l2 : {0.0, 1e-6, 1e-3, 0.05}) {
    CAPTURE(l2);
    Sampler sampler(blocks, constant(blocks, 1), l2, Rule::kSgd, 1);
    sampler.begin_epoch(1);
    double product = 1;
    for (const Task& task : drain(sampler)) {
      CHECK(task.step.scale / product == doctest::Approx(1));
      product *= std::pow(task.step.shrink, static_cast<double>(task.block->rows()));
    }
    CHECK(sampler.epoch_done());
    CHECK(std::log(sampler.scale()) == doctest::Approx(std::log(product)));
    CHECK(std::log(product) == doctest::Approx(-std::log1p(l2) * rows_of(blocks)));
    sampler.fold();
    CHECK(sampler.scale() == 1);
  }
}

TEST_CASE("sampler: l2 far below the precision of a float still shrinks") {
  const std::vector<Block> blocks = blocks_of(1000);
  for (const double l2 : {1e-6, 1e-7, 1e-8, 1e-9}) {
    CAPTURE(l2);
    Sampler sampler(blocks, constant(blocks, 0.1), l2, Rule::kSgd, 1);
    sampler.begin_epoch(1);
    drain(sampler);
    CHECK(-std::log(sampler.scale()) / (0.1 * l2 * rows_of(blocks)) == doctest::Approx(1).epsilon(0.01));
  }
}

TEST_CASE("sampler: a scale that gets too small splits the epoch") {
  const std::vector<Block> blocks = blocks_of(50);
  for (const double l2 : {1.0, 1e3, 1e10, 1e30}) {
    CAPTURE(l2);
    Sampler sampler(blocks, constant(blocks, 1), l2, Rule::kSgd, 1);
    sampler.begin_epoch(1);
    std::size_t segments = 0;
    std::map<const Block*, int> seen;
    for (; !sampler.epoch_done(); ++segments) {
      for (const Task& task : drain(sampler)) {
        ++seen[task.block];
        const auto rows = static_cast<double>(task.block->rows());
        CHECK(task.step.scale >= std::exp(-30.001));
        CHECK(rows * std::log(task.step.shrink) >= -30.001);
        CHECK((task.step.size > 0 && task.step.size <= 1));
        CHECK(task.step.shrink * (1 + double{task.step.size} * l2) == doctest::Approx(1));
      }
      CHECK(sampler.scale() > 1e-30);
      sampler.fold();
    }
    CHECK(segments > 1);
    CHECK(seen.size() == blocks.size());
    for (const auto& [block, times] : seen) CHECK(times == 1);
  }
}
