#include "engine/fit_notes.h"

#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <functional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "engine/run_report.h"
#include "engine/train.h"
#include "objectives/catalogue.h"
#include "test/support.h"

namespace sounder {
namespace {

// Linear in three columns, with noise; labels of deviation 1, and 0 in the mean, as `change` makes them.
Dataset regression(const std::function<float(float)>& change, float noise = 0.1F) {
  std::mt19937 random(3);
  std::normal_distribution<float> normal;
  Dataset::Columns parts;
  for (int i = 0; i < 600; ++i) {
    const std::array<float, 3> x{normal(random), normal(random), normal(random)};
    parts.indices.insert(parts.indices.end(), {0, 1, 2});
    parts.values.insert(parts.values.end(), x.begin(), x.end());
    parts.offsets.push_back(parts.indices.size());
    parts.labels.push_back(change(0.8F * x[0] - 0.5F * x[1] + 0.3F * x[2] + noise * normal(random)));
  }
  return Dataset(3, std::move(parts));
}

Dataset with_ones(const Dataset& data) {
  Dataset::Columns parts;
  for (std::size_t i = 0; i < data.rows(); ++i) {
    parts.append(data.row(i));
    parts.indices.push_back(static_cast<Coordinate>(data.dimension()));
    parts.values.push_back(1);
    parts.offsets.back() = parts.indices.size();
  }
  return Dataset(data.dimension() + 1, std::move(parts));
}

std::string note_of(const Dataset& data, const char* objective, double l2, bool bias = false,
                    Rule rule = Rule::kSgd) {
  Options options = test::with_threads(1);
  options.l2 = l2;
  options.bias = bias;
  options.rule = rule;
  return train(data, *make_objective(objective), options).report.note;
}

const char* const kLinearLosses[] = {"huber", "quantile", "epsilon_insensitive"};

}  // namespace

TEST_CASE("fit notes: a penalty that ruins the fit of large labels is told of, with an l2 that does not") {
  const Dataset data = regression([](float label) { return 20'000 * label; });
  for (const char* objective : kLinearLosses) {
    CAPTURE(objective);
    const std::string note = note_of(data, objective, 1e-4);
    CAPTURE(note);
    CHECK(note.starts_with("l2 = 0.0001 is large for labels of this size, a deviation of "));
    CHECK(note.ends_with(" and holds the weights back: try --l2 1e-08, or tune"));
    CHECK(note_of(data, objective, 1e-8).empty());
  }
}

TEST_CASE(
    "fit notes: no penalty is told of where labels are small, the fit is good, or the loss grows like it") {
  for (const char* objective : kLinearLosses) {
    CAPTURE(objective);
    CHECK(note_of(regression([](float label) { return label; }), objective, 0.1).empty());
    CHECK(note_of(regression([](float label) { return 100 * label; }, 0), objective, 1e-4).empty());
  }
  const Dataset large = regression([](float label) { return 20'000 * label; });
  for (const char* objective : {"least_squares", "squared_epsilon_insensitive"})
    for (const double l2 : {1e-4, 0.1, 10.0}) CHECK(note_of(large, objective, l2).empty());
  const Dataset classes = regression([](float label) { return label > 0 ? 1.0F : -1.0F; });
  CHECK(note_of(classes, "logistic", 10).empty());
}

TEST_CASE("fit notes: labels far from 0 are told of, unless the model has a constant") {
  const Dataset far = regression([](float label) { return label + 100; });
  for (const char* objective : {"least_squares", "huber"}) {
    CAPTURE(objective);
    const std::string note = note_of(far, objective, 1e-6);
    CAPTURE(note);
    CHECK(note.starts_with("the labels' mean is "));
    CHECK(note.ends_with(" and the model has no constant: --bias"));
    CHECK(note_of(far, objective, 1e-6, true).empty());
    CHECK(note_of(regression([](float label) { return label; }), objective, 1e-6).empty());
  }
  CHECK(note_of(with_ones(far), "least_squares", 0).empty());
  CHECK(note_of(regression([](float label) { return label * 0.1F + 100; }), "least_squares", 1e-6, true)
            .empty());
  CHECK(note_of(far, "least_squares", 1e-6, false, Rule::kSdca).ends_with("add a column of ones"));
}

TEST_CASE("fit notes: indicators that add up to a constant are one") {
  Dataset::Columns parts;
  for (std::size_t i = 0; i < 200; ++i) {
    parts.indices.push_back(static_cast<Coordinate>(i % 4));
    parts.values.push_back(1);
    parts.offsets.push_back(parts.indices.size());
    parts.labels.push_back(static_cast<float>(100 + i % 4 + (i / 4) % 7));
  }
  CHECK(note_of(Dataset(4, std::move(parts)), "least_squares", 0).empty());
}

TEST_CASE("fit notes: the scales of samples") {
  Dataset::Columns parts{.offsets = {0, 2, 3, 4},
                         .indices = {0, 1, 0, 0},
                         .values = {1, 2, 3, 2},
                         .labels = {0, 4, 0},
                         .weights = {1, 1, 2}};
  const auto objective = make_objective("least_squares");
  const auto scales = sample_scales(Source(Dataset(2, parts)), *objective);
  REQUIRE(scales);
  CHECK(scales->mean == doctest::Approx(1));
  CHECK(scales->deviation == doctest::Approx(std::sqrt(3.0)));
  CHECK(scales->squared_row == doctest::Approx(6));
  CHECK(!scales->indicators);
  parts.values[2] = parts.values[3] = 1;
  CHECK(sample_scales(Source(Dataset(2, parts)), *objective)->indicators);
  CHECK(!sample_scales(Source(Dataset(2, parts)), *make_objective("hinge")));
}

TEST_CASE("fit notes: several notes are one") {
  std::string note;
  add_note(note, "");
  CHECK(note.empty());
  add_note(note, "one");
  add_note(note, "");
  add_note(note, "another");
  CHECK(note == "one; another");
}

}  // namespace sounder
