#include "io/dataset.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "io/eigen.h"
#include "io/error.h"
#include "io/normalize.h"
#include "test/support.h"

using namespace sounder;
using namespace sounder::test;

namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

// Three rows over 6 columns: two entries, none, three.
Dataset::Columns three_rows() {
  return {.offsets = {0, 2, 2, 5},
          .indices = {1, 4, 0, 2, 5},
          .values = {3, 4, 1, 2, 2},
          .labels = {1, -1, 1},
          .weights = {}};
}

std::string error_of(const Dataset::Columns& parts) {
  return input_error_of([&] { Dataset(6, parts); });
}

}  // namespace

TEST_CASE("dataset: shows its rows") {
  const Dataset data(6, three_rows());
  CHECK(data.rows() == 3);
  CHECK(data.dimension() == 6);
  CHECK(data.nonzeros() == 5);
  CHECK(!data.weighted());
  CHECK(data.row(1).support.empty());
  CHECK(std::ranges::equal(data.row(2).support, std::vector<Coordinate>{0, 2, 5}));
  CHECK(std::ranges::equal(data.row(2).values, std::vector<float>{1, 2, 2}));
  CHECK(data.row(1).label == -1);
  CHECK(data.row(1).weight == 1);
}

TEST_CASE("dataset: is empty by default") {
  const Dataset data;
  CHECK(data.rows() == 0);
  CHECK(data.dimension() == 0);
  CHECK(data.nonzeros() == 0);
}

TEST_CASE("dataset: carries weights") {
  Dataset::Columns parts = three_rows();
  parts.weights = {0, 2, 0.5F};
  const Dataset data(6, parts);
  CHECK(data.weighted());
  CHECK(data.row(1).weight == 2);
  CHECK(data.with_labels({1, 2, 3}).row(2).weight == 0.5F);
  CHECK(data.normalized().row(2).weight == 0.5F);
  const Dataset other = data.with_weights({1, 0, 3});
  CHECK(other.row(2).weight == 3);
  CHECK(other.values().data() == data.values().data());
  CHECK(other.labels()[1] == data.labels()[1]);
  CHECK(data.row(2).weight == 0.5F);
  CHECK(!data.with_weights({}).weighted());
  CHECK(input_error_of([&] { data.with_weights({1, 2}); }) == "found 2 weights, expected 3");
  CHECK(input_error_of([&] {
          data.with_weights({1, -1, 2});
        }) == "row 1 (counted from 0): its weight is -1, expected 0 or more");
}

TEST_CASE("dataset: refuses parts that do not fit together, naming the row") {
  struct Case {
    const char* message;
    void (*spoil)(Dataset::Columns&);
  };
  const Case cases[] = {
      {"found 0 row offsets, expected 4", [](Dataset::Columns& p) { p.offsets.clear(); }},
      {"found 4 row offsets, expected 3", [](Dataset::Columns& p) { p.labels.pop_back(); }},
      {"found a first row offset of 1, expected 0", [](Dataset::Columns& p) { p.offsets[0] = 1; }},
      {"row 1 (counted from 0): it ends before it begins", [](Dataset::Columns& p) { p.offsets[1] = 3; }},
      {"found 5 coordinates, expected 6", [](Dataset::Columns& p) { p.offsets[3] = 6; }},
      {"found 4 values, expected 5", [](Dataset::Columns& p) { p.values.pop_back(); }},
      {"found 2 weights, expected 3",
       [](Dataset::Columns& p) {
         p.weights = {1, 1};
       }},
      {"row 0 (counted from 0): its coordinates are not strictly",
       [](Dataset::Columns& p) { p.indices[0] = 4; }},
      {"row 2 (counted from 0): its coordinates are not strictly",
       [](Dataset::Columns& p) { p.indices[3] = 9; }},
      {"row 2 (counted from 0): found coordinate 6, expected less than 6",
       [](Dataset::Columns& p) { p.indices[4] = 6; }},
      {"row 2 (counted from 0): a value is not finite", [](Dataset::Columns& p) { p.values[3] = kNaN; }},
      {"row 0 (counted from 0): a value is not finite",
       [](Dataset::Columns& p) { p.values[1] = -kInfinity; }},
      {"row 1 (counted from 0): its label is nan", [](Dataset::Columns& p) { p.labels[1] = kNaN; }},
      {"row 2 (counted from 0): its weight is -1, expected",
       [](Dataset::Columns& p) {
         p.weights = {1, 0, -1};
       }},
      {"row 0 (counted from 0): its weight is inf",
       [](Dataset::Columns& p) {
         p.weights = {kInfinity, 0, 1};
       }},
  };
  CHECK(error_of(three_rows()).empty());
  for (const Case& c : cases) {
    Dataset::Columns parts = three_rows();
    c.spoil(parts);
    const std::string message = error_of(parts);
    CAPTURE(c.message);
    CAPTURE(message);
    CHECK(message.starts_with(c.message));
  }
}

TEST_CASE(
    "dataset: a copy, other labels and another dimension share the non-zeros and outlive the original") {
  auto original = std::make_unique<Dataset>(6, three_rows());
  const float* values = original->values().data();
  const Dataset relabelled = Dataset(*original).with_labels({5, 6, 7}).with_dimension(9);
  original.reset();
  CHECK(relabelled.values().data() == values);
  CHECK(relabelled.dimension() == 9);
  CHECK(relabelled.row(0).label == 5);
  CHECK(std::ranges::equal(relabelled.row(0).values, std::vector<float>{3, 4}));
}

TEST_CASE("dataset: refuses labels and dimensions that do not fit") {
  const Dataset data(6, three_rows());
  CHECK(input_error_of([&] { data.with_labels({1, 2}); }) == "found 2 labels, expected 3");
  CHECK(input_error_of([&] {
          data.with_labels({1, kNaN, 2});
        }).starts_with("row 1 (counted from 0): its label"));
  CHECK(input_error_of([&] { data.with_dimension(5); }) == "found a dimension of 5, expected 6 or more");
}

TEST_CASE("dataset: columns are brought to a largest value of 1, and those without a value stay") {
  Dataset::Columns parts = three_rows();
  const Dataset data(6, parts);
  const std::vector<float> factors = to_unit_columns(data);
  REQUIRE(factors.size() == 6);
  const Dataset scaled = data.with_columns_times(factors);
  std::vector<float> largest(6);
  for (std::size_t k = 0; k < scaled.nonzeros(); ++k) {
    const Coordinate c = scaled.indices()[k];
    CHECK(scaled.values()[k] == doctest::Approx(data.values()[k] * factors[c]));
    largest[c] = std::max(largest[c], std::fabs(scaled.values()[k]));
  }
  for (std::size_t c = 0; c < 6; ++c)
    CHECK(largest[c] == doctest::Approx(std::ranges::count(data.indices(), c) > 0 ? 1 : 0));
  CHECK(std::ranges::equal(scaled.labels(), data.labels()));
  CHECK(input_error_of([&] { data.with_columns_times(std::vector<float>(5)); }) ==
        "found 5 factors, expected 6, one for each column");
}

TEST_CASE("dataset: normalized rows have length 1, and rows of zeros stay") {
  Dataset::Columns parts = three_rows();
  parts.values = {3e30F, 4e30F, 0, 0, 0};
  const Dataset data = Dataset(6, parts).normalized();
  CHECK(data.row(0).values[0] == doctest::Approx(0.6));
  CHECK(data.row(0).values[1] == doctest::Approx(0.8));
  CHECK(std::ranges::equal(data.row(2).values, std::vector<float>{0, 0, 0}));
  CHECK(Dataset(6, three_rows()).normalized().row(2).values[2] == doctest::Approx(2.0 / 3));
}

TEST_CASE("dataset: a view borrows its non-zeros and is checked like an owner") {
  Dataset::Columns parts = three_rows();
  const auto view = [&] {
    return Dataset::view(6, parts.offsets, parts.indices, parts.values, parts.labels);
  };
  CHECK(view().values().data() == parts.values.data());
  CHECK(view().nonzeros() == 5);
  parts.indices[4] = 6;
  CHECK(input_error_of(view).starts_with("row 2 (counted from 0): found coordinate 6"));
}

TEST_CASE("dataset: a view holds the owner of its non-zeros, in every copy") {
  const auto owner = std::make_shared<Dataset::Columns>(three_rows());
  const std::weak_ptr<Dataset::Columns> watched = owner;
  std::optional<Dataset> copy;
  {
    const Dataset view =
        Dataset::view(6, owner->offsets, owner->indices, owner->values, owner->labels, {}, owner);
    copy = view.with_labels({3, 2, 1});
  }
  CHECK(watched.use_count() == 2);
  copy.reset();
  CHECK(watched.use_count() == 1);
}

TEST_CASE("dataset: gives up indices that it adopted, when no copy looks at them") {
  const auto memory = [](auto... numbers) {
    std::shared_ptr<std::byte> bytes(new std::byte[4 * sizeof...(numbers)],
                                     std::default_delete<std::byte[]>());
    std::size_t place = 0;
    ((std::memcpy(bytes.get() + place, &numbers, 4), place += 4), ...);
    return bytes;
  };
  std::shared_ptr<std::byte> indices = memory(1U, 0U, 2U);
  const std::byte* const place = indices.get();
  Dataset data = Dataset::adopt(3, {0, 1, 3}, indices, memory(1.0F, 2.0F, 3.0F), {1, -1});
  CHECK(std::ranges::equal(data.row(1).support, std::vector<Coordinate>{0, 2}));
  CHECK(std::ranges::equal(data.row(1).values, std::vector<float>{2, 3}));
  CHECK(data.take_indices() == nullptr);  // held above
  indices.reset();
  {
    const Dataset copy = data.with_labels({0, 0});
    CHECK(data.take_indices() == nullptr);
  }
  CHECK(data.take_indices().get() == place);
  CHECK(std::ranges::equal(data.values(), std::vector<float>{1, 2, 3}));
  CHECK(Dataset(data).take_indices() == nullptr);
#ifndef NDEBUG
  CHECK(input_error_of([&] {
          Dataset::adopt(1, {0, 1}, memory(1U), memory(1.0F), {1});
        }) == "row 0 (counted from 0): found coordinate 1, expected less than 1");
#endif
}

TEST_CASE("eigen: a compressed matrix is viewed without a copy") {
  Eigen::SparseMatrix<float, Eigen::RowMajor> x(3, 4);
  x.insert(0, 1) = 2;
  x.insert(2, 0) = 3;
  x.insert(2, 3) = 4;
  const std::vector<float> labels{1, -1, 1};
  CHECK(input_error_of([&] { view_of(x, labels); }).starts_with("the matrix is not compressed"));
  x.makeCompressed();
  const Dataset data = view_of(x, labels);
  CHECK(data.values().data() == x.valuePtr());
  CHECK(data.dimension() == 4);
  CHECK(data.row(1).support.empty());
  CHECK(std::ranges::equal(data.row(2).support, std::vector<Coordinate>{0, 3}));
  CHECK(input_error_of([&] { view_of(x, std::vector<float>{1}); }) ==
        "found 1 labels, expected 3, one for each row of the matrix");
}

TEST_CASE("eigen: the weights of a model become a vector") {
  Model model;
  model.weights = {1, 0, -2};
  CHECK(weights_of(model) == Eigen::Vector3f(1, 0, -2));
  CHECK(weights_of(Model()).size() == 0);
}
