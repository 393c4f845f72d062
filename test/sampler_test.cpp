#include "engine/sampler.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <vector>

using namespace sounder;

namespace {

// Units of 10 rows, the last one of 3.
Units units_of(std::size_t count) {
  Units units{.rows = std::vector<std::uint32_t>(count, 10)};
  units.rows.back() = 3;
  return units;
}

double rows_of(const Units& units) {
  return std::accumulate(units.rows.begin(), units.rows.end(), 0.0);
}

double rows_of(const Units& units, const Task& task) {
  double rows = 0;
  for (const std::uint32_t unit : task.blocks) rows += units.rows[unit];
  return rows;
}

StepClock constant(const Units& units, double step) {
  return {.schedule = Schedule::kConstant, .step = step, .rows = rows_of(units), .epochs = 100};
}

// The tasks until the sampler stops, which is at the end of the epoch or of a segment.
std::vector<Task> drain(Sampler& sampler) {
  std::vector<Task> tasks;
  for (Task task; sampler.next(task);) tasks.push_back(task);
  return tasks;
}

std::vector<std::uint32_t> order_of(const std::vector<Task>& tasks) {
  std::vector<std::uint32_t> order;
  for (const Task& task : tasks) order.insert(order.end(), task.blocks.begin(), task.blocks.end());
  return order;
}

}  // namespace

TEST_CASE("sampler: schedules have their closed forms") {
  StepClock clock{
      .step = 2, .decay = 0.5, .fading = {.power = 0.5, .fall = 30}, .l2 = 0.01, .rows = 100, .epochs = 10};
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
      {Schedule::kBackoff, 0, 2},
      {Schedule::kBackoff, 99, 2},
      {Schedule::kBackoff, 100, 1},
      {Schedule::kBackoff, 299, 1},
      {Schedule::kBackoff, 300, 0.5},
      {Schedule::kBackoff, 699, 0.5},
      {Schedule::kBackoff, 700, 0.25},
      {Schedule::kTheorem, 0, 2},
      {Schedule::kTheorem, 999, 2},
      {Schedule::kLinear, 0, 2},
      {Schedule::kLinear, 250, 1.5},
      {Schedule::kInverse, 0, 2},
      {Schedule::kInverse, 150, 2.0 / (1 + 0.01 * 2 * 150)},
      {Schedule::kAnneal, 0, 2},
      {Schedule::kAnneal, 1000, 0},
      {Schedule::kAnneal, 250, 2 * std::sqrt(0.75) / (1 + 30 * 0.25)},
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

TEST_CASE("sampler: phases of backoff grow as the step shrinks, for any decay") {
  for (const double decay : {0.05, 0.37, 0.5, 0.9, 0.999, 1.0}) {
    CAPTURE(decay);
    const StepClock clock{
        .schedule = Schedule::kBackoff, .step = 3, .decay = decay, .rows = 1000, .epochs = 10};
    double end = 0;
    for (int phase = 0; phase < 12; ++phase) {
      CAPTURE(phase);
      const double begin = end;
      end += 1000 * std::pow(decay, -phase);
      CHECK(clock.at(begin * (1 + 1e-6)) == doctest::Approx(3 * std::pow(decay, phase)));
      CHECK(clock.at(end * (1 - 1e-6)) == doctest::Approx(3 * std::pow(decay, phase)));
    }
  }
}

TEST_CASE("sampler: every block once an epoch, in an order that the seed and the epoch decide") {
  const Units units = units_of(20);
  Sampler sampler(units, constant(units, 1), {.l2 = 0.001}, 7);
  Sampler again(units, constant(units, 1), {.l2 = 0.001}, 7);
  Sampler other(units, constant(units, 1), {.l2 = 0.001}, 8);
  std::vector<std::uint32_t> before;
  for (int epoch = 1; epoch <= 5; ++epoch) {
    CAPTURE(epoch);
    for (Sampler* each : {&sampler, &again, &other}) each->begin_epoch(epoch);
    const std::vector<std::uint32_t> order = order_of(drain(sampler));
    CHECK(sampler.epoch_done());
    CHECK(order == order_of(drain(again)));
    CHECK(order != order_of(drain(other)));
    CHECK(order != before);
    before = order;
    std::vector<std::uint32_t> sorted = order;
    std::ranges::sort(sorted);
    CHECK(sorted.size() == units.rows.size());
    CHECK(std::ranges::adjacent_find(sorted) == sorted.end());
  }
}

TEST_CASE("sampler: epochs without an end in between are those that would come one by one") {
  const Units units = units_of(20);
  Sampler one(units, constant(units, 0.5), {.l2 = 0.001}, 7);
  Sampler all(units, constant(units, 0.5), {.l2 = 0.001}, 7);
  all.begin_epoch(1, Pass::kUpdate, 3);
  const std::vector<Task> together = drain(all);
  REQUIRE(together.size() == 60);
  std::size_t next = 0;
  for (int epoch = 1; epoch <= 3; ++epoch) {
    one.begin_epoch(epoch);
    for (const Task& task : drain(one)) {
      CHECK(task.blocks[0] == together[next].blocks[0]);
      CHECK(task.step.before == together[next].step.before);
      CHECK(task.step.scale == together[next].step.scale);
      ++next;
    }
  }
  one.begin_epoch(4);
  all.begin_epoch(4);
  CHECK(order_of(drain(one)) == order_of(drain(all)));
}

TEST_CASE("sampler: tasks of several units, rounds of several tasks") {
  for (const std::size_t task_units : {1, 3, 100}) {
    for (const std::size_t round_tasks : {1, 4}) {
      CAPTURE(task_units);
      CAPTURE(round_tasks);
      Units units = units_of(20);
      units.task_units = task_units;
      units.round_tasks = round_tasks;
      Sampler sampler(units, constant(units, 1), {}, 1);
      sampler.begin_epoch(1);
      const std::vector<Task> tasks = drain(sampler);
      CHECK(tasks.size() == (20 + task_units - 1) / task_units);
      CHECK(order_of(tasks).size() == 20);
      CHECK(tasks.back().ends_round);
      for (std::size_t i = 0; i < tasks.size(); ++i) {
        CHECK(tasks[i].slot == i % round_tasks);
        if (i + 1 < tasks.size()) CHECK(tasks[i].ends_round == (i % round_tasks + 1 == round_tasks));
      }
    }
  }
}

TEST_CASE(
    "sampler: towards the end of an epoch tasks are shorter, if a part of the rest is all they may take") {
  Units units = units_of(20);
  units.task_units = 4;
  units.task_part = 3;
  Sampler sampler(units, constant(units, 1), {}, 7);
  sampler.begin_epoch(1);
  const std::vector<Task> tasks = drain(sampler);
  std::vector<std::size_t> sizes;
  for (const Task& task : tasks) sizes.push_back(task.blocks.size());
  CHECK(sizes == std::vector<std::size_t>{4, 4, 4, 2, 2, 1, 1, 1, 1});
  std::vector<std::uint32_t> order = order_of(tasks);
  std::ranges::sort(order);
  std::vector<std::uint32_t> all(20);
  std::iota(all.begin(), all.end(), 0U);
  CHECK(order == all);
}

TEST_CASE("sampler: the blocks of a unit are tasks of one round, with one step") {
  Units units = units_of(6);
  units.unit_blocks = 3;
  std::vector<std::size_t> begun;
  units.begin = [&](std::size_t unit) { begun.push_back(unit); };
  Sampler sampler(units, constant(units, 0.5), {.l2 = 0.1}, 1);
  sampler.begin_epoch(1);
  double product = 1;
  for (std::size_t i = 0; i < 6; ++i) {
    for (std::size_t slot = 0; slot < 3; ++slot) {
      Task task;
      REQUIRE(sampler.next(task));
      REQUIRE(begun.size() == i + 1);
      CHECK(std::ranges::equal(task.blocks, std::vector{static_cast<std::uint32_t>(begun[i] * 3 + slot)}));
      CHECK(task.slot == slot);
      CHECK(task.ends_round == (slot == 2));
      CHECK(task.step.scale == doctest::Approx(product));
    }
    product *= std::pow(1.05, -static_cast<double>(units.rows[begun[i]]));
  }
  CHECK(sampler.epoch_done());
}

TEST_CASE("sampler: no task before the first epoch and none after the last block") {
  const Units units = units_of(3);
  Sampler sampler(units, constant(units, 1), {.l2 = 0}, 1);
  Task task;
  CHECK(!sampler.next(task));
  sampler.begin_epoch(1);
  CHECK(drain(sampler).size() == 3);
  CHECK(!sampler.next(task));
}

TEST_CASE("sampler: a task's step is that of the middle of its block") {
  const Units units = units_of(5);
  StepClock clock{.step = 3, .l2 = 0.01, .rows = rows_of(units), .epochs = 4};
  Sampler sampler(units, clock, {.l2 = 0.01}, 1);
  CHECK(sampler.initial_step() == 3);
  for (int epoch = 1; epoch <= 4; ++epoch) {
    sampler.begin_epoch(epoch);
    double samples = (epoch - 1) * clock.rows;
    CHECK(sampler.step_of_epoch(epoch) == doctest::Approx(clock.at(samples)));
    for (const Task& task : drain(sampler)) {
      const auto rows = rows_of(units, task);
      CHECK(task.step.size == doctest::Approx(clock.at(samples + rows / 2)));
      samples += rows;
    }
  }
  sampler.scale_steps(0.25);
  CHECK(sampler.initial_step() == 0.75);
}

TEST_CASE("sampler: the scale is the product of the shrinks of all samples before") {
  const Units units = units_of(30);
  for (const double l2 : {0.0, 1e-6, 1e-3, 0.05}) {
    CAPTURE(l2);
    Sampler sampler(units, constant(units, 1), {.l2 = l2}, 1);
    sampler.begin_epoch(1);
    double product = 1;
    for (const Task& task : drain(sampler)) {
      CHECK(task.step.scale / product == doctest::Approx(1));
      product *= std::pow(task.step.shrink, rows_of(units, task));
    }
    CHECK(sampler.epoch_done());
    CHECK(std::log(sampler.scale()) == doctest::Approx(std::log(product)));
    CHECK(std::log(product) == doctest::Approx(-std::log1p(l2) * rows_of(units)));
    sampler.fold();
    CHECK(sampler.scale() == 1);
  }
}

TEST_CASE("sampler: l2 far below the precision of a float still shrinks") {
  const Units units = units_of(1000);
  for (const double l2 : {1e-6, 1e-7, 1e-8, 1e-9}) {
    CAPTURE(l2);
    Sampler sampler(units, constant(units, 0.1), {.l2 = l2}, 1);
    sampler.begin_epoch(1);
    drain(sampler);
    CHECK(-std::log(sampler.scale()) / (0.1 * l2 * rows_of(units)) == doctest::Approx(1).epsilon(0.01));
  }
}

TEST_CASE("sampler: a scale that gets too small splits the epoch") {
  const Units units = units_of(50);
  for (const double l2 : {1.0, 1e3, 1e10, 1e30}) {
    CAPTURE(l2);
    Sampler sampler(units, constant(units, 1), {.l2 = l2}, 1);
    sampler.begin_epoch(1);
    std::size_t segments = 0;
    std::map<std::uint32_t, int> seen;
    for (; !sampler.epoch_done(); ++segments) {
      for (const Task& task : drain(sampler)) {
        ++seen[task.blocks[0]];
        const auto rows = rows_of(units, task);
        CHECK(task.step.scale >= std::exp(-30.001));
        CHECK(rows * std::log(task.step.shrink) >= -30.001);
        CHECK((task.step.size > 0 && task.step.size <= 1));
        CHECK(task.step.shrink * (1 + double{task.step.size} * l2) == doctest::Approx(1));
      }
      CHECK(sampler.scale() > 1e-30);
      sampler.fold();
    }
    CHECK(segments > 1);
    CHECK(seen.size() == units.rows.size());
    for (const auto& [block, times] : seen) CHECK(times == 1);
  }
}
