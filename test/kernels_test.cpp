#include "objectives/kernels.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include "io/random.h"
#include "objectives/samples.h"

using namespace sounder;

namespace {

constexpr double kEpsilon = std::numeric_limits<float>::epsilon();

// A row of `size` values at distinct positions of a local array, its last one among them. The vectors are
// just as long as they need to be, so that a read beyond them is found.
template <class Position>
struct Problem {
  Problem(std::size_t size, std::size_t local_size, std::uint64_t seed) : values(size), local(local_size) {
    Random random(seed);
    std::vector<Position> all(local_size);
    std::iota(all.begin(), all.end(), Position{0});
    shuffle(std::span(all).first(local_size - 1), random);
    positions.assign(all.end() - static_cast<std::ptrdiff_t>(size), all.end());
    for (float& x : values) x = static_cast<float>(random.gaussian());
    for (float& x : local) x = static_cast<float>(random.gaussian());
  }

  std::vector<Position> positions;
  std::vector<float> values;
  std::vector<float> local;
};

template <class Position, class Body>
void for_each_problem(Body&& body) {
  for (std::size_t size = 0; size <= 1000; size += size < 50 ? 1 : 475) {  // each number of values left over
    for (const std::size_t local_size : {size + 1, std::size_t{1} << 16}) {
      CAPTURE(size);
      CAPTURE(local_size);
      body(Problem<Position>(size, local_size, size + local_size));
    }
  }
}

}  // namespace

TEST_CASE_TEMPLATE("kernels: dot agrees with a sum in double", Position, std::uint16_t, std::uint32_t) {
  for_each_problem<Position>([](const Problem<Position>& p) {
    for (std::size_t skipped = 0; skipped < 2 && skipped <= p.values.size(); ++skipped) {  // and unaligned
      double sum = 0;
      double magnitude = 0;
      for (std::size_t k = skipped; k < p.values.size(); ++k) {
        sum += double{p.values[k]} * double{p.local[p.positions[k]]};
        magnitude += std::fabs(double{p.values[k]} * double{p.local[p.positions[k]]});
      }
      const float dot = kernels<Position>().dot(p.positions.data() + skipped, p.values.data() + skipped,
                                                p.values.size() - skipped, p.local.data());
      const auto terms = static_cast<double>(p.values.size());
      CHECK(std::fabs(dot - sum) <= terms * kEpsilon * magnitude);
    }
  });
}

TEST_CASE_TEMPLATE("kernels: measure has the bits of dot, and the sum of squares", Position, std::uint16_t,
                   std::uint32_t) {
  for_each_problem<Position>([](const Problem<Position>& p) {
    for (std::size_t skipped = 0; skipped < 2 && skipped <= p.values.size(); ++skipped) {
      const Position* const positions = p.positions.data() + skipped;
      const float* const values = p.values.data() + skipped;
      const std::size_t size = p.values.size() - skipped;
      float squared_norm = -1;
      const float dot = kernels<Position>().measure(positions, values, size, p.local.data(), &squared_norm);
      CHECK(dot == kernels<Position>().dot(positions, values, size, p.local.data()));
      CHECK(squared_norm == doctest::Approx(squared_norm_of({values, size})).epsilon(1e-6));
    }
  });
}

TEST_CASE_TEMPLATE("samples: a row is measured by its norm, given or not, long or short", Position,
                   std::uint16_t, std::uint32_t) {
  for (const std::size_t size : {5, 1024, 1025}) {
    const Problem<Position> p(size, size + 1, size);
    const std::vector<std::uint64_t> offsets{0, size};
    Samples samples{.offsets = offsets, .positions = p.positions.data(), .values = p.values.data()};
    const float known = 7;
    const float exact = squared_norm_of(p.values);
    for (const float* given : {&known, static_cast<const float*>(nullptr)}) {
      samples.squared_norms = given;
      for_each_row(samples, [&](std::size_t i, const auto& row) {
        const auto [dot, squared_norm] = measure(samples, i, row, p.local.data());
        CHECK(dot == row.dot(p.local.data()));
        CHECK(squared_norm == doctest::Approx(given == nullptr ? exact : known).epsilon(1e-6));
      });
    }
  }
  const std::vector<float> huge(4, 1e30F);
  const std::vector<Position> positions{0, 1, 2, 3};
  const std::vector<std::uint64_t> offsets{0, 4};
  const Samples samples{.offsets = offsets, .positions = positions.data(), .values = huge.data()};
  const std::vector<float> zeros(4);
  for_each_row(samples, [&](std::size_t i, const auto& row) {
    CHECK(measure(samples, i, row, zeros.data()).squared_norm == std::numeric_limits<float>::max());
  });
}

TEST_CASE_TEMPLATE("kernels: axpy adds at the positions and nowhere else", Position, std::uint16_t,
                   std::uint32_t) {
  for_each_problem<Position>([](const Problem<Position>& p) {
    std::vector<double> expected(p.local.begin(), p.local.end());
    std::vector<double> tolerance(p.local.size(), 0);
    for (std::size_t k = 0; k < p.values.size(); ++k) {
      const double change = -0.7 * double{p.values[k]};
      tolerance[p.positions[k]] = 2 * kEpsilon * (std::fabs(expected[p.positions[k]]) + std::fabs(change));
      expected[p.positions[k]] += change;
    }
    std::vector<float> local = p.local;
    kernels<Position>().axpy(p.positions.data(), p.values.data(), p.values.size(), -0.7F, local.data());
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < local.size(); ++i)
      wrong += std::fabs(local[i] - expected[i]) > tolerance[i] ? 1 : 0;
    CHECK(wrong == 0);
  });
}

TEST_CASE("kernels: the instruction set has a name") {
  CHECK(!std::string(kernel_target()).empty());
}
