#include "engine/layout.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

#include "io/synthetic.h"
#include "test/support.h"

using namespace sounder;
using namespace sounder::test;

namespace {

Dataset data_of(std::size_t rows, std::size_t columns) {
  return generate(
      {.rows = rows, .columns = columns, .nonzeros_per_row = std::min(6.0, static_cast<double>(columns))});
}

// The place of a coordinate among all, from 0.
std::size_t rank_of(const Layout& layout, Coordinate c, std::size_t width) {
  const std::size_t per_cell = width == 1 ? 4 : 1;
  return (layout.cell(c) - layout.common()) * per_cell + layout.offset(c) / width;
}

template <class Body>
void for_each_layout(Body&& body) {
  for (const std::size_t width : {1, 2, 3, 4, 5}) {
    for (const std::size_t columns : {1, 3, 4, 5, 203}) {
      for (const bool bias : {false, true}) {
        CAPTURE(width);
        CAPTURE(columns);
        CAPTURE(bias);
        const Dataset data = data_of(60, columns);
        body(data, Layout(data, {.width = width}, bias), width);
      }
    }
  }
}

}  // namespace

TEST_CASE("layout: coordinates are ranked by falling degree, equals by number") {
  for_each_layout([](const Dataset& data, const Layout& layout, std::size_t width) {
    std::vector<std::size_t> degrees(data.dimension());
    for (const Coordinate c : data.indices()) ++degrees[c];
    std::vector<Coordinate> by_rank(data.dimension(), Coordinate(-1));
    for (Coordinate c = 0; c < data.dimension(); ++c) {
      const std::size_t rank = rank_of(layout, c, width);
      REQUIRE(rank < by_rank.size());
      CHECK(by_rank[rank] == Coordinate(-1));
      by_rank[rank] = c;
    }
    CHECK(std::ranges::is_sorted(by_rank, [&](Coordinate a, Coordinate b) {
      return degrees[a] != degrees[b] ? degrees[a] > degrees[b] : a < b;
    }));
  });
}

TEST_CASE("layout: cells are whole, aligned and enough for all floats") {
  for_each_layout([](const Dataset& data, const Layout& layout, std::size_t width) {
    CHECK(layout.cell_floats() % 4 == 0);
    for (Coordinate c = 0; c < data.dimension(); ++c) {
      CHECK(layout.cell(c) >= layout.common());
      CHECK(layout.cell(c) < layout.cells());
      CHECK(layout.offset(c) + width <= layout.cell_floats());
    }
    const std::size_t least = width == 1 ? (data.dimension() + 3) / 4 : data.dimension();
    CHECK(layout.cells() == least + layout.common());
  });
}

TEST_CASE("layout: extract undoes the order, with the bias apart") {
  for_each_layout([](const Dataset& data, const Layout& layout, std::size_t width) {
    std::vector<float> array(layout.cells() * layout.cell_floats(), -7);
    std::vector<float> expected(data.dimension() * width);
    std::iota(expected.begin(), expected.end(), 1.0F);
    for (Coordinate c = 0; c < data.dimension(); ++c) {
      float* place = array.data() + layout.cell(c) * layout.cell_floats() + layout.offset(c);
      std::copy_n(expected.begin() + static_cast<std::ptrdiff_t>(c * width), width, place);
    }
    if (layout.common() > 0)
      std::iota(array.begin(), array.begin() + static_cast<std::ptrdiff_t>(width), 100.0F);
    Model model;
    layout.extract(array, model);
    CHECK(model.weights == expected);
    REQUIRE(model.bias.size() == (layout.common() * width));
    for (std::size_t k = 0; k < model.bias.size(); ++k)
      CHECK(model.bias[k] == 100.0F + static_cast<float>(k));
  });
}

TEST_CASE("layout: norms count weights, not the bias nor what lies beside the weights") {
  for (const std::size_t width : {1, 3, 4, 6}) {
    for (const bool bias : {false, true}) {
      const Dataset data = data_of(20, 8);
      const Layout layout(data, {.width = width}, bias, {.reweight = true, .state = 2, .average = true});
      std::vector<float> array(layout.cells() * layout.cell_floats(), -2);
      CHECK(layout.norms(array).squared == 4.0 * 8 * static_cast<double>(width));
      CHECK(layout.norms(array).l1 == 2.0 * 8 * static_cast<double>(width));
    }
  }
}

TEST_CASE("layout: planes are apart, and what belongs together has the same place in each") {
  const Dataset data = numbered_rows(5, {{0, 4}, {4}, {1, 4}});
  for (const std::size_t width : {1, 3}) {
    const Layout layout(data, {.width = width}, true, {.reweight = true, .state = 2, .average = true});
    std::vector<float> array = layout.start(FakeObjective(), 1);
    const LocalWeights local = layout.local(array.data());
    CHECK(local.bias == array.data());
    CHECK(local.reweight[0] == 1);
    const float expected[] = {3, 3, 3, 3, 1};
    for (Coordinate c = 0; c < 5; ++c) {
      const std::size_t place = layout.cell(c) * layout.cell_floats() + layout.offset(c);
      CHECK(local.reweight[place] == expected[c]);
      for (float* plane : {local.weights, local.state[0], local.state[1], layout.average(array.data())}) {
        CHECK(plane[place] == 0);
        plane[place] = 1;
      }
    }
  }
}

TEST_CASE("layout: hot cells end where the share of the samples falls below a power of two") {
  std::vector<std::vector<Coordinate>> supports(64);
  for (Coordinate c = 0; c < 6; ++c)  // coordinate c is in 64 / 2^c rows, and 6 ... 9 in none
    for (std::size_t row = 0; row < std::size_t{64} >> c; ++row) supports[row].push_back(c);
  const Dataset data = numbered_rows(10, supports);
  const Layout wide(data, {.width = 3}, true);  // a cell each, the first for the bias
  for (const auto& [share, end] : {std::pair{1.0, 2}, {0.5, 3}, {0.4, 3}, {0.25, 4}, {1e-9, 7}}) {
    CAPTURE(share);
    CHECK(wide.hot_end(share) == end);
  }
  CHECK(Layout(data, {}, false).hot_end(0.25) == 1);  // four to a cell
  CHECK(Layout(data, {}, false).hot_end(1e-9) == 2);
}

TEST_CASE("layout: cells that some rows touch, by degrees from all rows to one") {
  constexpr std::size_t kRows = 4096;
  std::vector<std::uint32_t> degrees;
  for (std::uint32_t degree = kRows; degree > 0; degree /= 2)
    degrees.insert(degrees.end(), 64, degree + degree / 3);
  std::ranges::replace_if(
      degrees, [](std::uint32_t degree) { return degree > kRows; }, kRows);
  degrees.insert(degrees.end(), 400, 0);
  const Layout layout(degrees, kRows, {}, false);
  for (const std::size_t rows : {1, 10, 100, 1000, 4096}) {
    CAPTURE(rows);
    double expected = 0;  // a cell has four columns of one degree
    for (std::size_t c = 0; c < degrees.size(); c += 4)
      expected += 1 - std::pow(1 - static_cast<double>(rows) / kRows, 4.0 * degrees[c]);
    CHECK(layout.touched_cells(rows) == doctest::Approx(expected).epsilon(0.1));
    CHECK(layout.touched_cells(rows) <= static_cast<double>(layout.cells() - 100));
  }
}

TEST_CASE("layout: columns that no row touches and rows without columns") {
  const Dataset data = numbered_rows(6, {{4}, {}, {2, 4}});
  const Layout layout(data, {}, false);
  const std::size_t expected[] = {2, 3, 1, 4, 0, 5};
  for (Coordinate c = 0; c < 6; ++c) CHECK(rank_of(layout, c, 1) == expected[c]);
}

TEST_CASE("layout: columns that no row touches may be left out, unless rows of weight zero touch them") {
  const std::vector<std::vector<Coordinate>> supports{{4}, {}, {2, 4}, {6}};
  const Dataset data = numbered_rows(9, supports);
  for (const std::size_t width : {1, 3}) {
    for (const bool bias : {false, true}) {
      const Planes planes{.reweight = true, .state = 1};
      const Layout all(data, {.width = width}, bias, planes);
      const Layout touched(data, {.width = width}, bias, planes, Held::kTouched);
      CHECK(touched.dimension() == 9);
      CHECK(touched.cells() == touched.common() + (width == 1 ? 1 : 3));
      for (const Coordinate c : data.indices()) {
        CHECK(touched.cell(c) == all.cell(c));
        CHECK(touched.offset(c) == all.offset(c));
      }
      std::vector<float> array(touched.cells() * touched.cell_floats(), 7);
      Model model;
      touched.extract(array, model);
      for (Coordinate c = 0; c < 9; ++c)
        CHECK(model.weights[c * width] == (c == 2 || c == 4 || c == 6 ? 7 : 0));
      const Dataset weighted = numbered_rows(9, supports, {1, 1, 1, 0});
      CHECK(Layout(weighted, {.width = width}, bias, planes, Held::kTouched).cells() == all.cells());
    }
  }
}
