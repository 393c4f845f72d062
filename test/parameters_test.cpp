#include "engine/parameters.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <barrier>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <thread>
#include <vector>

#include "io/random.h"
#include "test/support.h"

using namespace sounder;
using namespace sounder::test;

namespace {

constexpr Add kAdds[] = {Add::kGuarded, Add::kLockFree, Add::kRacy};
constexpr std::size_t kCellFloats[] = {4, 8, 36};

std::vector<float> read(const Parameters& parameters) {
  return {parameters.all().begin(), parameters.all().end()};
}

std::vector<std::uint32_t> bits_of(const Parameters& parameters) {
  const std::vector<float> all = read(parameters);
  std::vector<std::uint32_t> bits(all.size());
  std::ranges::transform(all, bits.begin(), [](float x) { return std::bit_cast<std::uint32_t>(x); });
  return bits;
}

std::vector<float> pull(const Parameters& parameters, const std::vector<Cell>& support) {
  std::vector<float> local(support.size() * parameters.cell_floats());
  parameters.pull(support, local.data());
  return local;
}

// Pulls, adds what delta(k) returns to local float k, pushes.
template <class Delta>
void add(Parameters& parameters, const std::vector<Cell>& support, Add how, Delta&& delta) {
  const std::vector<float> before = pull(parameters, support);
  std::vector<float> after = before;
  for (std::size_t k = 0; k < after.size(); ++k) after[k] += delta(k);
  parameters.push(support, before.data(), after.data(), how);
}

// Each cell with a chance of one half; sorted.
std::vector<Cell> random_support(std::size_t cells, Random& random) {
  std::vector<Cell> support;
  for (std::size_t c = 0; c < cells; ++c) {
    if (random.below(2) == 1) support.push_back(static_cast<Cell>(c));
  }
  return support;
}

// Runs body(thread number) on so many threads that set out together.
template <class Body>
void on_threads(std::size_t count, Body&& body) {
  std::barrier start(static_cast<std::ptrdiff_t>(count));
  std::vector<std::jthread> threads;
  for (std::size_t t = 0; t < count; ++t) {
    threads.emplace_back([&, t] {
      start.arrive_and_wait();
      body(t);
    });
  }
}

}  // namespace

TEST_CASE("parameters: begin at zero, small and large") {
  for (const std::size_t cells : {0, 1, 3, 1000, 400'000}) {
    const Parameters parameters(cells, 4);
    CHECK(parameters.floats() == 4 * cells);
    if (cells > 0)
      CHECK(std::ranges::count(read(parameters), 0.0F) == static_cast<std::ptrdiff_t>(4 * cells));
  }
}

TEST_CASE("parameters: a pull copies the cells of the support in order") {
  for (const std::size_t cell_floats : kCellFloats) {
    CAPTURE(cell_floats);
    Parameters parameters(5, cell_floats);
    std::vector<float> all(parameters.floats());
    std::iota(all.begin(), all.end(), 1.0F);
    parameters.write(all);
    CHECK(read(parameters) == all);
    CHECK(pull(parameters, {}).empty());
    const std::vector<float> local = pull(parameters, {1, 4});
    for (std::size_t k = 0; k < cell_floats; ++k) {
      CHECK(local[k] == all[cell_floats + k]);
      CHECK(local[cell_floats + k] == all[4 * cell_floats + k]);
    }
  }
}

TEST_CASE("parameters: a push adds what changed, however many words") {
  for (const Add how : kAdds) {
    for (const std::size_t cells : {1, 63, 64, 127, 128, 129, 1000}) {
      CAPTURE(cells);
      Parameters parameters(cells, 4);
      std::vector<Cell> support(cells);
      std::iota(support.begin(), support.end(), 0U);
      const auto change = [](std::size_t k) { return k % 7 == 3 ? 0.0F : static_cast<float>(k % 100); };
      add(parameters, support, how, change);
      add(parameters, support, how, change);
      const std::vector<float> all = read(parameters);
      std::size_t wrong = 0;
      for (std::size_t k = 0; k < all.size(); ++k) wrong += all[k] != 2 * change(k) ? 1 : 0;
      CHECK(wrong == 0);
    }
  }
}

TEST_CASE("parameters: a push adds to what is there now, not to what was pulled") {
  for (const Add how : kAdds) {
    Parameters parameters(2, 4);
    const std::vector<Cell> support{0, 1};
    const std::vector<float> before = pull(parameters, support);
    add(parameters, support, how, [](std::size_t) { return 8.0F; });
    std::vector<float> after = before;
    after[0] = 1;
    after[5] = -2;
    parameters.push(support, before.data(), after.data(), how);
    CHECK(read(parameters) == std::vector<float>{9, 8, 8, 8, 8, 6, 8, 8});
  }
}

TEST_CASE("parameters: a push leaves what the pusher has where nobody else changed it, and adds elsewhere") {
  constexpr float kLarge = 1 << 24;  // to whose rounding a difference from 0.1 falls victim
  for (const Add how : kAdds) {
    Parameters parameters(2, 4);
    const std::vector<Cell> support{0, 1};
    add(parameters, support, how, [](std::size_t) { return kLarge; });
    const std::vector<float> before = pull(parameters, support);
    const std::vector<Cell> other{1};
    add(parameters, other, how, [](std::size_t) { return 4.0F; });
    const std::vector<float> after(8, 0.1F);
    parameters.push(support, before.data(), after.data(), how);
    CHECK(read(parameters) == std::vector<float>{0.1F, 0.1F, 0.1F, 0.1F, 4, 4, 4, 4});
  }
}

TEST_CASE("parameters: an exchange adds what changed, and both sides are then what is there") {
  for (const std::size_t cell_floats : kCellFloats) {
    Parameters parameters(200, cell_floats);
    const std::vector<Cell> support{0, 1, 70, 130, 199};
    std::vector<float> before = pull(parameters, support);
    std::vector<float> after = before;
    after[0] = 1;
    after[cell_floats] = 2;
    after.back() = 3;
    add(parameters, {0, 130}, Add::kGuarded, [](std::size_t) { return 0.5F; });  // somebody else
    parameters.exchange(support, before.data(), after.data());
    CHECK(after == before);
    CHECK(after == pull(parameters, support));
    CHECK(after[0] == 1.5F);
    CHECK(after[1] == 0.5F);
    CHECK(after[cell_floats] == 2);
    CHECK(after[2 * cell_floats] == 0);
    CHECK(after[3 * cell_floats] == 0.5F);
    CHECK(after.back() == 3);
  }
}

TEST_CASE("parameters: what did not change keeps its bits") {
  constexpr float kPayload = std::bit_cast<float>(0x7fc12345U);
  for (const Add how : kAdds) {
    Parameters parameters(65, 4);  // two stripes
    std::vector<float> array(parameters.floats(), -0.0F);
    array[2] = 1;
    array[3] = 0;
    array[256] = kPayload;
    array[257] = std::numeric_limits<float>::infinity();
    if (how == Add::kGuarded) array[0] = array[1] = 0;  // zeros are added within a stripe
    parameters.write(array);
    const auto start = bits_of(parameters);
    const std::vector<Cell> support{0, 64};
    std::vector<float> before(8);
    parameters.pull(support, before.data());
    parameters.push(support, before.data(), before.data(), how);
    CHECK(bits_of(parameters) == start);
    std::vector<float> after = before;
    after[2] += 1;
    parameters.push(support, before.data(), after.data(), how);
    auto expected = start;
    expected[2] = std::bit_cast<std::uint32_t>(2.0F);
    CHECK(bits_of(parameters) == expected);
  }
}

TEST_CASE("parameters: scale multiplies part of each cell from the first one given") {
  for (const std::size_t first : {0, 1, 3}) {
    Parameters parameters(3, 8);
    parameters.write(std::vector<float>(24, 2));
    parameters.scale(first, 2, 5, 0.25F);
    const std::vector<float> all = read(parameters);
    for (std::size_t k = 0; k < 24; ++k)
      CHECK(all[k] == (k >= first * 8 && k % 8 >= 2 && k % 8 < 5 ? 0.5F : 2));
  }
}

TEST_CASE("parameters: a lone racy pusher loses nothing, and counts what it wrote") {
  Parameters parameters(3, 4);
  const std::vector<float> before(8, 0);
  std::vector<float> after = before;
  after[1] = after[6] = 2;
  const std::vector<Cell> support{0, 2};
  const auto losses = parameters.push_and_count(support, before.data(), after.data());
  CHECK(losses.written == 2);
  CHECK(losses.lost == 0);
  CHECK(pull(parameters, support) == after);
}

TEST_CASE("parameters: racy pushers that meet count losses if there are any, and no more than two for one") {
  constexpr int kRounds = 20'000;
  for (const std::size_t threads : kThreadSweep) {
    CAPTURE(threads);
    Parameters parameters(1, 4);
    std::atomic<std::uint64_t> lost = 0;
    const std::vector<float> zero(4, 0), one{1, 0, 0, 0};
    const std::vector<Cell> support{0};
    on_threads(threads, [&](std::size_t) {
      for (int round = 0; round < kRounds; ++round)
        lost += parameters.push_and_count(support, zero.data(), one.data()).lost;
    });
    // The sum is the length of a chain of stores, each of which loaded what the chain's one before had stored; the adds of all others
    // are missing. A store that counts a loss is missing itself, or else the one is that it has overwritten: a late store may bury
    // a hundred adds, and the next, of a thread that had loaded them, dig up all but its own.
    const double missing = static_cast<double>(threads) * kRounds - read(parameters)[0];
    CHECK(2 * missing >= static_cast<double>(lost));
    CHECK((missing == 0) == (lost == 0));
  }
}

TEST_CASE("parameters: owners of floats of one cell store theirs and leave the others alone") {
  for (const std::size_t threads : {1, 2, 3, 4}) {
    CAPTURE(threads);
    Parameters parameters(64, 4);
    std::vector<Cell> support(64);
    std::iota(support.begin(), support.end(), Cell{0});
    on_threads(threads, [&](std::size_t t) {
      std::vector<float> before(256);
      for (int round = 0; round < 200; ++round) {
        parameters.pull_owned(support, before.data());
        std::vector<float> after = before;
        for (std::size_t k = t; k < 256; k += threads) after[k] = before[k] / 2 + 1;
        parameters.store_owned(support, before.data(), after.data());
      }
    });
    for (const float x : read(parameters)) CHECK(x == doctest::Approx(2));
  }
}

TEST_CASE("parameters: atomic pushes of many threads add up exactly") {
  constexpr std::size_t kCells = 12;
  constexpr int kRounds = 300;
  for (const std::size_t threads : kThreadSweep) {
    for (const std::size_t cell_floats : kCellFloats) {
      CAPTURE(threads);
      CAPTURE(cell_floats);
      Parameters parameters(kCells, cell_floats);
      std::vector<std::vector<float>> sums(threads, std::vector<float>(parameters.floats()));
      on_threads(threads, [&](std::size_t t) {
        Random random(t + 1);
        for (int round = 0; round < kRounds; ++round) {
          const std::vector<Cell> support = random_support(kCells, random);
          add(parameters, support, Add::kGuarded, [&](std::size_t k) {
            const float delta = static_cast<float>(random.below(4)) - 1;
            sums[t][support[k / cell_floats] * cell_floats + k % cell_floats] += delta;
            return delta;
          });
        }
      });
      std::vector<float> expected(parameters.floats());
      for (const auto& sum : sums) std::ranges::transform(expected, sum, expected.begin(), std::plus<>());
      CHECK(read(parameters) == expected);
    }
  }
}

TEST_CASE("parameters: racy pushes may be lost but never tear") {
  constexpr std::size_t kCells = 6;
  constexpr int kRounds = 500;
  for (const std::size_t threads : kThreadSweep) {
    CAPTURE(threads);
    Parameters parameters(kCells, 4);
    // Numbers whose halves, mixed, are no whole multiples of 3 below the limit any more.
    const float limit = 3 * 4099.0F * kRounds * static_cast<float>(threads);
    std::vector<int> strange(threads);
    on_threads(threads, [&](std::size_t t) {
      Random random(t + 1);
      for (int round = 0; round < kRounds; ++round) {
        const std::vector<Cell> support = random_support(kCells, random);
        for (const float x : pull(parameters, support))
          strange[t] += x >= 0 && x <= limit && std::fmod(x, 4099.0F) == 0 ? 0 : 1;
        add(parameters, support, Add::kRacy, [&](std::size_t) { return random.below(2) == 1 ? 4099.0F : 0; });
      }
    });
    CHECK(std::accumulate(strange.begin(), strange.end(), 0) == 0);
    for (const float x : read(parameters)) CHECK((x > 0 && x <= limit && std::fmod(x, 4099.0F) == 0));
  }
}
