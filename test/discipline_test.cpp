#include "engine/discipline.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <numeric>
#include <set>
#include <stdexcept>
#include <string_view>
#include <thread>
#include <vector>

#include "engine/train.h"
#include "io/random.h"
#include "io/synthetic.h"
#include "objectives/catalogue.h"
#include "test/support.h"
#include "test/writer_rig.h"

using namespace sounder;
using namespace sounder::test;

namespace {

Options quick() {
  Options options;
  options.threads = 1;
  options.step = 4;
  options.epochs = 20;
  options.l2 = 1e-3;
  options.block_rows = 1;
  return options;
}

Dataset problem() {
  return generate({.rows = 1000, .columns = 100, .nonzeros_per_row = 8});
}

// Adds one to the weight of coordinate 0 in every step, and writes down what it was.
class Recorder : public FakeObjective {
 public:
  std::uint64_t step(const Samples& samples, const LocalWeights& weights, const Step&) const override {
    seen.push_back(weights.weights[0]);
    weights.weights[0] += 1;
    return samples.nonzeros();
  }
  mutable std::vector<float> seen;
};

}  // namespace

TEST_CASE("discipline: each has a name of its own and a line of help") {
  std::set<std::string_view> names;
  for (const Discipline discipline : all_disciplines()) {
    CHECK(names.insert(traits_of(discipline).name).second);
    CHECK(!traits_of(discipline).help.empty());
  }
}

TEST_CASE("discipline: increments under contention add up exactly where nothing is lost") {
  for (const Discipline discipline : lossless_disciplines()) {
    for (const std::size_t threads : kThreadSweep) {
      CAPTURE(name_of(discipline));
      CAPTURE(threads);
      Parameters parameters(kCells, 4);
      const auto writer = make_writer(discipline, parameters, 1);
      on_threads(threads, kSupports, [&](std::size_t, std::span<const Cell> support, LocalCopy& copy) {
        visit(*writer, support, copy, [&] { add_one(copy); });
      });
      writer->flush();
      CHECK(read(parameters) == totals(threads * kRounds / kSupports.size()));
    }
  }
}

TEST_CASE("discipline: what is refreshed adds up exactly, and shows what others added") {
  for (const Discipline discipline : lossless_disciplines()) {
    if (!traits_of(discipline).refreshes) continue;
    for (const std::size_t threads : kThreadSweep) {
      CAPTURE(name_of(discipline));
      CAPTURE(threads);
      Parameters parameters(kCells, 4);
      const auto writer = make_writer(discipline, parameters, 1);
      std::atomic<int> decreases = 0;
      on_threads(threads, kSupports, [&](std::size_t, std::span<const Cell> support, LocalCopy& copy) {
        Visit visit{.support = support};
        writer->pull(visit, copy);
        add_one(copy);
        const std::vector<float> changed(copy.after(), copy.after() + copy.size());
        writer->refresh(visit, copy, 1);
        decreases += copy.after()[0] < changed[0] || copy.before()[0] != copy.after()[0] ? 1 : 0;
        for (std::size_t i = 4; i < copy.size(); ++i) decreases += copy.after()[i] != changed[i] ? 1 : 0;
        writer->push(visit, copy);
        writer->leave(visit);
      });
      CHECK(decreases == 0);
      CHECK(read(parameters) == totals(threads * kRounds / kSupports.size()));
    }
  }
}

TEST_CASE("discipline: a step that throws writes nothing and holds nobody up") {
  for (const Discipline discipline : lossless_disciplines()) {
    for (const std::size_t threads : kThreadSweep) {
      CAPTURE(name_of(discipline));
      CAPTURE(threads);
      Parameters parameters(kCells, 4);
      const auto writer = make_writer(discipline, parameters, 1);
      std::atomic<std::size_t> thrown = 0;
      on_threads(threads, kSupports, [&](std::size_t round, std::span<const Cell> support, LocalCopy& copy) {
        try {
          visit(*writer, support, copy, [&] {
            add_one(copy);
            if (round / kSupports.size() % 2 == 1) throw std::runtime_error("step");
          });
        } catch (const std::runtime_error&) {
          ++thrown;
        }
      });
      CHECK(thrown == threads * kRounds / 2);
      CHECK(read(parameters) == totals(threads * kRounds / kSupports.size() / 2));
    }
  }
}

TEST_CASE("discipline: locked pushes whose supports share some of their locks lose nothing") {
  constexpr std::size_t kMany = 5000;
  const Supports supports{{0, 1, 4999}, {1, 2100, 4999}, {2100, 3000, 3001}, {0, 1500, 3001}};
  for (const std::size_t threads : kThreadSweep) {
    CAPTURE(threads);
    Parameters parameters(kMany, 4);
    const auto writer = make_Locked_writer(parameters, 1);
    on_threads(threads, supports, [&](std::size_t, std::span<const Cell> support, LocalCopy& copy) {
      visit(*writer, support, copy, [&] { add_one(copy); });
    });
    const std::vector<float> sums = read(parameters);
    const auto visits = static_cast<float>(threads * kRounds / supports.size());
    for (const Cell twice : {0, 1, 2100, 3001, 4999}) CHECK(sums[4 * twice] == 2 * visits);
    for (const Cell once : {1500, 3000}) CHECK(sums[4 * once + 3] == visits);
  }
}

TEST_CASE("discipline: ordered visits write one at a time, in the order of their tickets") {
  for (const std::size_t threads : kThreadSweep) {
    CAPTURE(threads);
    Parameters parameters(kCells, 4);
    const auto writer = make_Ordered_writer(parameters, 1);
    std::vector<std::uint64_t> tickets;  // guarded by the turn alone
    on_threads(threads, kSupports, [&](std::size_t round, std::span<const Cell> support, LocalCopy& copy) {
      const auto step = [&] {
        if (round % 3 == 0) std::this_thread::yield();
      };
      visit(*writer, support, copy, step, [&](const Visit& visit) { tickets.push_back(visit.ticket); });
    });
    std::vector<std::uint64_t> expected(threads * kRounds);
    std::iota(expected.begin(), expected.end(), 0U);
    CHECK(tickets == expected);
  }
}

TEST_CASE("discipline: a lone visit works on the parameters themselves") {
  Parameters parameters(4, 4);
  const auto writer = make_lone_writer(parameters);
  const std::vector<Cell> support = {0, 1, 2, 3};
  Visit visit{.support = support};
  LocalCopy copy;
  for (int round = 1; round < 3; ++round) {
    writer->pull(visit, copy);
    CHECK(copy.size() == parameters.floats());
    copy.after()[5] += 1;
    writer->push(visit, copy);
    writer->leave(visit);
    CHECK(parameters.all()[5] == static_cast<float>(round));
  }
  copy.pull(parameters, std::span(support).last(3));  // a copy of its own again
  copy.after()[1] = 7;
  CHECK(copy.before()[1] == 2);
  CHECK(parameters.all()[5] == 2);
  visit.compared = true;
  writer->pull(visit, copy);
  copy.after()[5] += 1;
  CHECK(copy.before()[5] == 2);
  CHECK(parameters.all()[5] == 2);
  writer->push(visit, copy);
  CHECK(parameters.all()[5] == 3);
}

TEST_CASE("discipline: threads that keep their copies exchange a part of them at a time, and lose nothing") {
  const std::vector<Cell> ends{2, 3, 70};  // after each stride, every second, every fourth
  Supports supports(1, std::vector<Cell>(kCells));
  std::iota(supports[0].begin(), supports[0].end(), 0U);
  static_assert(kRounds % 4 == 0);
  for (const std::size_t threads : {1, 2, 3, 4, 8}) {
    for (const Discipline discipline : lossless_disciplines()) {
      if (!traits_of(discipline).refreshes) continue;
      CAPTURE(threads);
      CAPTURE(traits_of(discipline).name);
      Parameters parameters(kCells, 4);
      const auto writer =
          make_keeping_writer(make_writer(discipline, parameters, 1), parameters, ends, run_serially);
      std::atomic<std::size_t> wrong = 0;
      for (int epoch = 1; epoch <= 2; ++epoch) {
        const float before = read(parameters).back();
        on_threads(threads, supports, [&](std::size_t round, std::span<const Cell> all, LocalCopy& copy) {
          visit(*writer, all, copy, [&] {
            // The last cell holds what there was at the start and what this thread itself has added.
            if (copy.after()[copy.size() - 1] != before + static_cast<float>(2 * round)) ++wrong;
            add_one(copy);
            Visit same{.support = all};
            writer->refresh(same, copy, 1);
            add_one(copy);
          });
        });
        CHECK(wrong == 0);
        const auto sum = static_cast<float>(static_cast<std::size_t>(2 * epoch) * threads * kRounds);
        std::vector<float> expected(parameters.floats(), before);
        std::fill_n(expected.begin(), 4 * ends.back(), sum);
        CHECK(read(parameters) == expected);
        writer->flush();
        std::ranges::fill(expected, sum);
        CHECK(read(parameters) == expected);
      }
    }
  }
}

TEST_CASE("discipline: cells of a kept copy are exchanged the less often the colder they are") {
  const std::vector<Cell> support{0, 1, 2, 3};
  Parameters parameters(support.size(), 4);
  const auto writer = make_keeping_writer(make_writer(Discipline::kAtomic, parameters, 1), parameters,
                                          {1, 2, 3}, run_serially);
  LocalCopy copy;
  const std::vector<std::vector<float>> expected{{1, 0, 0, 0}, {2, 2, 0, 0}, {3, 2, 0, 0},
                                                 {4, 4, 4, 0}, {5, 4, 4, 0}, {6, 6, 4, 0}};
  for (const auto& row : expected) {
    visit(*writer, support, copy, [&] { add_one(copy); });
    const std::vector<float> all = read(parameters);
    CHECK(std::vector{all[0], all[4], all[8], all[12]} == row);
  }
  writer->flush();
  CHECK(read(parameters) == std::vector<float>(16, 6));
}

TEST_CASE("discipline: simulated pulls see all but the last workers - 1 pushes, added in order") {
  constexpr std::size_t kVisits = 3000;
  const std::vector<Cell> support{0};
  for (const std::size_t workers : {1, 2, 3, 8, 1024}) {
    CAPTURE(workers);
    Parameters parameters(1, 4);
    const auto writer = make_simulated_writer(parameters, workers);
    LocalCopy copy;
    Random random(5);
    std::vector<float> sums{0};  // after 0, 1, 2, ... pushes; rounded, so the order counts
    std::size_t flushed = 0;
    std::size_t wrong = 0;
    for (std::size_t k = 0; k < kVisits; ++k) {
      visit(*writer, support, copy, [&] {
        const std::size_t visible = std::max(flushed, k + 1 - std::min(workers, k + 1));
        wrong += copy.before()[0] == sums[visible] ? 0 : 1;
        copy.after()[0] += static_cast<float>(random.below(1'000'000)) / 7;
        sums.push_back(sums.back() + (copy.after()[0] - copy.before()[0]));
      });
      if (k + 1 != kVisits / 2 && k + 1 != kVisits) continue;
      writer->flush();
      flushed = k + 1;
      CHECK(read(parameters)[0] == sums.back());
    }
    CHECK(wrong == 0);
  }
}

TEST_CASE("discipline: a simulated step that throws leaves nothing behind") {
  Parameters parameters(1, 4);
  const auto writer = make_simulated_writer(parameters, 2);
  const std::vector<Cell> support{0};
  LocalCopy copy;
  for (int round = 0; round < 10; ++round) {
    const auto fail = [&] {
      add_one(copy);
      throw std::runtime_error("step");
    };
    CHECK_THROWS_AS(visit(*writer, support, copy, fail), std::runtime_error);
    visit(*writer, support, copy, [&] { add_one(copy); });
  }
  writer->flush();
  CHECK(read(parameters)[0] == 10);
}

TEST_CASE("discipline: training simulates the workers asked for, on one thread") {
  constexpr std::size_t kRows = 100;
  const Dataset data = numbered_rows(1, Supports(kRows, {0}));
  for (const std::size_t workers : {1, 2, 7, 64, 1024}) {
    CAPTURE(workers);
    const Recorder recorder;
    Options options = quick();
    options.threads = 0;
    options.l2 = 0;
    options.epochs = 2;
    options.simulate = static_cast<int>(workers);
    CHECK(train(data, recorder, options).report.threads == 1);
    std::vector<float> expected;
    for (std::size_t k = 0; k < 2 * kRows; ++k) {
      const std::size_t seen = k % kRows + 1 - std::min(workers, k % kRows + 1);
      expected.push_back(static_cast<float>(k / kRows * kRows + seen));
    }
    CHECK(recorder.seen == expected);
  }
}

TEST_CASE("discipline: one simulated worker is atomic on one thread, bit for bit" *
          doctest::skip(kUnderTsan)) {
  const auto objective = make_objective("logistic");
  for (const std::size_t block_rows : {0, 1, 16}) {
    for (const bool bias : {false, true}) {
      CAPTURE(block_rows);
      CAPTURE(bias);
      Options options = quick();
      options.step.reset();
      options.epochs = 100;  // enough for blocks to be made
      options.block_rows = block_rows;
      options.bias = bias;
      options.average_from = bias ? 5 : 0;
      const Trained atomic = train(problem(), *objective, options);
      options.simulate = 1;
      const Trained simulated = train(problem(), *objective, options);
      CHECK(simulated.model.weights == atomic.model.weights);
      CHECK(simulated.model.bias == atomic.model.bias);
      CHECK(simulated.report.objective == atomic.report.objective);
    }
  }
}

TEST_CASE("discipline: the baselines reach the objective of atomic") {
  for (const char* name : {"hinge", "logistic"}) {
    const auto objective = make_objective(name);
    const double reference = train(problem(), *objective, quick()).report.objective;
    for (const Discipline discipline : all_disciplines()) {
      if (!traits_of(discipline).by_sample) continue;
      for (const std::size_t threads : kThreadSweep) {
        CAPTURE(name);
        CAPTURE(name_of(discipline));
        CAPTURE(threads);
        Options options = quick();
        options.discipline = discipline;
        options.threads = static_cast<int>(threads);
        options.block_rows = 0;
        const Report report = train(problem(), *objective, options).report;
        CHECK(report.block_rows == 1);
        CHECK(report.objective == doctest::Approx(reference).epsilon(0.01));
      }
    }
  }
}

TEST_CASE("discipline: two threads that do nothing but write one cell lose nothing") {
  constexpr auto kPushes = static_cast<int>(tries(1'500'000));
  const std::vector<Cell> support{0};
  for (const Discipline discipline : lossless_disciplines()) {
    if (discipline == Discipline::kOrdered) continue;  // which waits for its turn at every push
    CAPTURE(name_of(discipline));
    Parameters parameters(1, 4);
    const auto writer = make_writer(discipline, parameters, 1);
    std::atomic<int> there = 0;
    {
      std::vector<std::jthread> threads;
      for (int t = 0; t < 2; ++t)
        threads.emplace_back([&] {
          LocalCopy copy;
          Visit visit{.support = support};
          ++there;
          while (there < 2) std::this_thread::yield();
          writer->pull(visit, copy);
          for (int i = 0; i < kPushes; ++i) {
            for (std::size_t k = 0; k < copy.size(); ++k) copy.after()[k] = copy.before()[k] + 1;
            writer->push(visit, copy);
            writer->leave(visit);
          }
        });
    }
    CHECK(read(parameters)[0] == 2 * kPushes);
  }
}

TEST_CASE("discipline: an ordered visit that throws waits for its turn, which others still have before it") {
  Parameters parameters(kCells, 4);
  const auto writer = make_Ordered_writer(parameters, 1);
  const std::vector<Cell> support{0};
  LocalCopy copies[2];
  Visit first{.support = support};
  Visit second{.support = support};
  writer->pull(first, copies[0]);
  writer->pull(second, copies[1]);
  std::atomic<bool> left = false;
  const std::jthread thrower([&] {
    writer->leave(second);  // as after a step that threw
    left = true;
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  REQUIRE(!left);  // else the first would wait for ever
  add_one(copies[0]);
  writer->push(first, copies[0]);
  writer->leave(first);
  while (!left) std::this_thread::yield();
  CHECK(read(parameters)[0] == 1);
}
