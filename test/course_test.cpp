#include "engine/course.h"

#include <doctest/doctest.h>

#include <initializer_list>
#include <limits>

namespace sounder {
namespace {

EpochReport epoch(double objective) {
  return {.objective = objective};
}

bool stalls(const Options& options, std::initializer_list<double> objectives) {
  Course course(options, false);
  for (const double objective : objectives) course.take(epoch(objective));
  return course.stalled();
}

}  // namespace

TEST_CASE("course: a run has exploded at twice the lowest objective, but not while far below the start") {
  const Options options;
  Course course(options, false);
  course.start(10);
  CHECK(!course.diverged(20));
  CHECK(course.diverged(20.1));
  CHECK(course.diverged(std::numeric_limits<double>::quiet_NaN()));
  course.take(epoch(0.1));
  CHECK(!course.diverged(1.0));
  CHECK(course.diverged(1.2));
}

TEST_CASE("course: an infinite objective has exploded, also where the run began with one") {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const Options options;
  for (const bool rounded : {false, true}) {
    Course course(options, rounded);
    course.start(kInfinity);
    CHECK(course.diverged(kInfinity));
    CHECK(!course.diverged(3));
    course.take(epoch(3));
    CHECK(course.diverged(kInfinity));
    CHECK(!course.diverged(1e9));
  }
}

TEST_CASE("course: one that settles may go four times as high as it began above the lowest") {
  const Options options;
  Course course(options, false, true);
  course.start(1);
  course.take(epoch(0.5));
  CHECK(!course.diverged(4.4));
  CHECK(course.diverged(4.6));
}

TEST_CASE("course: a rounded objective may go far up, but not away") {
  const Options options;
  Course course(options, true);
  course.start(1);
  CHECK(!course.diverged(1000));
  CHECK(course.diverged(std::numeric_limits<double>::infinity()));
}

TEST_CASE("course: the lowest objective counts from the start, the best epoch by what is held out") {
  const Options options;
  Course course(options, false);
  course.start(1);
  const Course::Standing worse = course.take(epoch(2));
  CHECK(!worse.lowest);
  CHECK(worse.best);
  EpochReport held_out = epoch(0.5);
  held_out.validation = Metrics{.loss = 3};
  const Course::Standing lower = course.take(held_out);
  CHECK(lower.lowest);
  CHECK(!lower.best);
  CHECK(course.lowest() == 0.5);
}

TEST_CASE("course: a target and a gap are reached from above") {
  Options options;
  options.target = 1;
  CHECK(Course(options, false).reached(epoch(1)));
  CHECK(!Course(options, false).reached(epoch(1.001)));
  options.target = {};
  options.gap = 0.01;
  CHECK(!Course(options, false).reached(epoch(0)));
  EpochReport near = epoch(1);
  near.gap = 0.01;
  CHECK(Course(options, false).reached(near));
}

TEST_CASE("course: a gap of 0 is reached by what is rounded alone") {
  const Options options;
  EpochReport minimum = epoch(1);
  minimum.gap = 0;
  CHECK(Course(options, true).reached(minimum));
  CHECK(!Course(options, false).reached(minimum));
  minimum.gap = 1e-12;
  CHECK(!Course(options, true).reached(minimum));
}

TEST_CASE("course: it stalls when the last epochs gain less than the tolerance") {
  Options options;
  options.tolerance = 0.01;
  options.patience = 2;
  CHECK(!stalls(options, {1, 0.999}));
  CHECK(stalls(options, {1, 0.999, 0.995}));
  CHECK(!stalls(options, {1, 0.98, 1.2}));
  options.tolerance = 0;
  CHECK(!stalls(options, {1, 1, 1, 1}));
}

TEST_CASE("course: an epoch that moves nothing is the best only for want of another, and does not stall") {
  Options options;
  options.tolerance = 0.01;
  options.patience = 1;
  Course course(options, false);
  course.start(1);
  CHECK(course.take(epoch(1), false).best);
  CHECK(course.take(epoch(1.5)).best);
  CHECK(!course.take(epoch(1.5), false).best);
  CHECK(!course.stalled());
  CHECK(course.take(epoch(1.4)).best);
  CHECK(!course.take(epoch(1.4), false).best);
  CHECK(!course.stalled());
  CHECK(course.take(epoch(1.399)).best);
  CHECK(course.stalled());
}

TEST_CASE("course: the lowest objective stays where it was through an epoch that rises") {
  const Options options;
  Course course(options, false);
  course.start(1);
  course.take(epoch(0.5));
  CHECK(!course.take(epoch(0.8)).lowest);
  CHECK(course.lowest() == 0.5);
  CHECK(!course.take(epoch(0.7)).lowest);
  CHECK(course.diverged(1.01));
}

}  // namespace sounder
