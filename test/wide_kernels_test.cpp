#include "objectives/wide_kernels.h"

#include <doctest/doctest.h>

#include <cmath>
#include <numeric>
#include <span>
#include <vector>

#include "io/random.h"

using namespace sounder;

namespace {

constexpr std::size_t kWidths[] = {2, 3, 4, 5, 7, 8, 9, 10, 16, 20, 31, 32, 33, 47, 64, 65, 256};
constexpr std::size_t kSizes[] = {0, 1, 2, 3, 30};
constexpr std::size_t kRows = 40;

// A row of `size` coordinates among kRows of `width` floats, the last one among them; vectors end where they
// must.
template <class Position>
struct Problem {
  Problem(std::size_t size, std::size_t width) : values(size), local(kRows * width), change(width) {
    Random random(size + width);
    std::vector<Position> rows(kRows);
    std::iota(rows.begin(), rows.end(), Position{0});
    shuffle(std::span(rows).first(kRows - 1), random);
    for (std::size_t k = kRows - size; k < kRows; ++k)
      positions.push_back(static_cast<Position>(rows[k] * width));
    for (std::vector<float>* all : {&values, &local, &change}) {
      for (float& x : *all) x = static_cast<float>(random.gaussian());
    }
  }

  std::vector<Position> positions;
  std::vector<float> values, local, change;
};

template <class Position, class Body>
void for_each_problem(Body&& body) {
  for (const std::size_t width : kWidths) {
    for (const std::size_t size : kSizes) {
      CAPTURE(width);
      CAPTURE(size);
      body(Problem<Position>(size, width), width);
    }
  }
}

}  // namespace

TEST_CASE_TEMPLATE("wide kernels: gather adds up the rows", Position, std::uint16_t, std::uint32_t) {
  for_each_problem<Position>([](const Problem<Position>& p, std::size_t width) {
    std::vector<float> sum = p.change;
    wide_kernels<Position>().gather(p.positions.data(), p.values.data(), p.values.size(), p.local.data(),
                                    width, sum.data());
    for (std::size_t j = 0; j < width; ++j) {
      double expected = p.change[j];
      for (std::size_t k = 0; k < p.values.size(); ++k)
        expected += double{p.values[k]} * double{p.local[p.positions[k] + j]};
      CHECK(std::fabs(sum[j] - expected) <= 1e-5);
    }
  });
}

TEST_CASE_TEMPLATE("wide kernels: scatter changes the rows and nothing else", Position, std::uint16_t,
                   std::uint32_t) {
  for_each_problem<Position>([](const Problem<Position>& p, std::size_t width) {
    std::vector<double> expected(p.local.begin(), p.local.end());
    for (std::size_t k = 0; k < p.values.size(); ++k) {
      for (std::size_t j = 0; j < width; ++j)
        expected[p.positions[k] + j] += double{p.values[k]} * double{p.change[j]};
    }
    std::vector<float> local = p.local;
    wide_kernels<Position>().scatter(p.positions.data(), p.values.data(), p.values.size(), p.change.data(),
                                     width, local.data());
    for (std::size_t i = 0; i < local.size(); ++i) {
      if (expected[i] == p.local[i]) CHECK(local[i] == p.local[i]);
      CHECK(std::fabs(local[i] - expected[i]) <= 1e-6);
    }
  });
}
