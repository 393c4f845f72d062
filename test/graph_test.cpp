// What holds for the flow graph at any number of threads, whatever its tasks do:
//
//   (1) each row is visited exactly once an epoch;
//   (2) at most `threads` tasks run at once, at most `in_flight` are between sampler and ledger, and the
//   sampler and
//       the ledger are called one at a time;
//   (3) no task of an epoch begins before the epoch before it has ended;
//   (4) an exception from a body surfaces from run() and from train(), and the next run works;
//   (5) cancelling ends a run within one block a worker.
#include "engine/graph.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "engine/arena.h"
#include "engine/train.h"
#include "test/support.h"

using namespace sounder;
using namespace sounder::test;

namespace {

Options one_step(std::size_t threads) {
  Options options = with_threads(threads);
  options.step = 1;
  return options;
}

// Sends `tasks` tasks through a graph and watches them. sampled and accounted are plain on purpose:
// ThreadSanitizer would see calls that are not in order.
struct Watched {
  int tasks = 0;
  std::string thrower = {};  // the call that throws at its tenth task

  int sampled = 0;
  int accounted = 0;
  std::atomic<int> worked{0};
  std::atomic<int> in_flight{0};
  std::atomic<int> most_in_flight{0};
  Concurrency samplers, workers, ledgers;

  Graph::Calls calls() {
    return {.sample = [this](Task&) { return sample(); },
            .work = [this](const Task&) { work(); },
            .account = [this](const Task&) { account(); }};
  }
  void reset(int count, const std::string& who) {
    tasks = count;
    thrower = who;
    sampled = accounted = 0;
    worked = in_flight = 0;
  }

 private:
  void maybe_throw(const char* who, int count) const {
    if (thrower == who && count == 10) throw std::runtime_error(who);
  }
  bool sample() {
    const Concurrency::Inside inside(samplers);
    if (sampled == tasks) return false;
    maybe_throw("sample", ++sampled);
    return true;
  }
  void work() {
    const Concurrency::Inside inside(workers);
    const int now = ++in_flight;
    int most = most_in_flight;
    while (now > most && !most_in_flight.compare_exchange_weak(most, now)) {
    }
    maybe_throw("work", ++worked);
    std::this_thread::sleep_for(std::chrono::microseconds(10));
  }
  void account() {
    const Concurrency::Inside inside(ledgers);
    --in_flight;
    maybe_throw("account", ++accounted);
  }
};

// Counts the visits of each row, which its label names, and those that came in another epoch than they
// should.
class Visits final : public FakeObjective {
 public:
  explicit Visits(std::size_t rows) : visits_(rows) {}

  std::uint64_t step(const Samples& samples, const LocalWeights&, const Step&) const override {
    const Concurrency::Inside inside(concurrency);
    for (std::size_t i = 0; i < samples.rows(); ++i) {
      const auto row = static_cast<std::size_t>(samples.labels[i]);
      if (visits_[row]++ != epochs_ended) ++strays;
    }
    ++blocks;
    if (on_block) on_block();
    return samples.nonzeros();
  }

  std::size_t visited(int times) const {
    return static_cast<std::size_t>(
        std::count_if(visits_.begin(), visits_.end(), [&](const std::atomic<int>& v) { return v == times; }));
  }

  std::function<void()> on_block;
  std::atomic<int> epochs_ended{0};
  mutable std::atomic<int> strays{0};
  mutable std::atomic<int> blocks{0};
  mutable Concurrency concurrency;

 private:
  mutable std::vector<std::atomic<int>> visits_;
};

Dataset rows_of_one(std::size_t rows) {
  return numbered_rows(5, std::vector<std::vector<Coordinate>>(rows, {1, 3}));
}

}  // namespace

TEST_CASE("graph: each task goes through all three calls, within the limits (2)") {
  for (const std::size_t threads : kThreadSweep) {
    for (const std::size_t in_flight : {std::size_t{1}, threads, 3 * threads}) {
      CAPTURE(threads);
      CAPTURE(in_flight);
      Arena arena(one_step(threads));
      Watched watched;
      arena.execute([&] {
        Graph graph(arena, in_flight, watched.calls());
        for (const int tasks : {0, 1, 2, 300}) {
          watched.reset(tasks, "");
          graph.run();
          CHECK(watched.sampled == tasks);
          CHECK(watched.worked == tasks);
          CHECK(watched.accounted == tasks);
        }
      });
      CHECK(watched.workers.peak() <= static_cast<int>(threads));
      CHECK(watched.most_in_flight <= static_cast<int>(in_flight));
      CHECK(watched.samplers.peak() == 1);
      CHECK(watched.ledgers.peak() == 1);
    }
  }
}

TEST_CASE("graph: nothing is sampled a window ahead of a task that is held up") {
  for (const std::size_t threads : kThreadSweep) {
    CAPTURE(threads);
    constexpr int kTasks = 1000;
    const std::size_t window = 2 * threads;
    std::atomic<int> sampled = 0;
    int ahead = 0;
    Arena arena(with_threads(threads));
    arena.execute([&] {
      Graph graph(arena, window,
                  {.sample = [&](Task&) { return sampled < kTasks && ++sampled > 0; },
                   .work =
                       [&](const Task& task) {
                         if (task.number > 0) return;
                         std::this_thread::sleep_for(std::chrono::milliseconds(50));
                         ahead = sampled;
                       },
                   .account = [](const Task&) {}});
      graph.run();
    });
    CHECK(sampled == kTasks);
    // The sampler holds one more that the limiter has refused.
    CHECK(ahead <= static_cast<int>(window) + 1);
  }
}

TEST_CASE("graph: an exception of any call comes out of run() and the next run works (4)") {
  for (const std::size_t threads : kThreadSweep) {
    Arena arena(one_step(threads));
    Watched watched;
    arena.execute([&] {
      Graph graph(arena, 2 * threads, watched.calls());
      for (int round = 0; round < 3; ++round) {
        for (const std::string thrower : {"sample", "work", "account"}) {
          CAPTURE(threads);
          CAPTURE(thrower);
          watched.reset(500, thrower);
          CHECK_THROWS_WITH_AS(graph.run(), thrower.c_str(), std::runtime_error);
          CHECK(watched.worked < 500);
          watched.reset(50, "");
          graph.run();
          CHECK(watched.accounted == 50);
        }
      }
    });
  }
}

TEST_CASE("graph: each row is visited once an epoch, in its epoch (1, 3), by at most `threads` at once (2)") {
  constexpr std::size_t kRows = 500;
  constexpr int kEpochs = 4;
  for (const std::size_t threads : kThreadSweep) {
    for (const std::size_t block_rows : {1, 7, 500, 1000}) {
      CAPTURE(threads);
      CAPTURE(block_rows);
      Visits visits(kRows);
      Options options = one_step(threads);
      options.epochs = kEpochs;
      options.block_rows = block_rows;
      options.tau = block_rows == 7 ? 100 : 0;
      Monitor monitor;
      monitor.on_epoch = [&](const EpochReport&) { ++visits.epochs_ended; };
      const Report report = train(rows_of_one(kRows), visits, options, monitor).report;
      CHECK(visits.visited(kEpochs) == kRows);
      CHECK(visits.strays == 0);
      CHECK(visits.concurrency.peak() <= static_cast<int>(threads));
      CHECK(report.outcome == Outcome::kEpochLimit);
      CHECK(report.epochs == kEpochs);
    }
  }
}

TEST_CASE("graph: an exception of the objective comes out of train() and the next call works (4)") {
  for (const std::size_t threads : kThreadSweep) {
    CAPTURE(threads);
    Options options = one_step(threads);
    options.epochs = 3;
    options.block_rows = 10;
    for (const int at : {1, 17, 60}) {
      Visits visits(200);
      visits.on_block = [&] {
        if (visits.blocks >= at) throw std::logic_error("block");
      };
      CHECK_THROWS_WITH_AS(train(rows_of_one(200), visits, options), "block", std::logic_error);
      visits.on_block = nullptr;
      CHECK(train(rows_of_one(200), visits, options).report.epochs == 3);
    }
  }
}

TEST_CASE("graph: cancelling ends the run within one block a worker (5)") {
  for (const std::size_t threads : kThreadSweep) {
    for (const std::size_t tau : {0, 2000}) {
      CAPTURE(threads);
      CAPTURE(tau);
      Options options = one_step(threads);
      options.block_rows = 10;
      options.tau = tau;
      std::stop_source stop;
      Monitor monitor;
      monitor.stop = stop.get_token();
      Visits visits(20'000);
      visits.on_block = [&] {
        if (visits.blocks >= 30) stop.request_stop();
        std::this_thread::sleep_for(std::chrono::microseconds(50));
      };
      const Report report = train(rows_of_one(20'000), visits, options, monitor).report;
      CHECK(report.outcome == Outcome::kCancelled);
      CHECK(visits.blocks <= 30 + static_cast<int>(threads));
    }
  }
}

TEST_CASE("graph: a round ends when all its tasks are done, and rounds do not overlap") {
  for (const std::size_t threads : kThreadSweep) {
    for (const int round_tasks : {1, 2, 5}) {
      CAPTURE(threads);
      CAPTURE(round_tasks);
      int sampled = 0;
      std::atomic<int> done = 0;
      int rounds = 0;
      std::atomic<int> overlaps = 0;
      const auto sample = [&](Task& task) {
        if (sampled == 203) return false;
        task.ends_round = ++sampled % round_tasks == 0;
        return true;
      };
      const auto work = [&](const Task& task) {
        if (static_cast<int>(task.number) / round_tasks != rounds) ++overlaps;
        ++done;
      };
      const auto end_round = [&] {
        if (done != std::min(203, (rounds + 1) * round_tasks)) ++overlaps;
        ++rounds;
      };
      Arena arena(with_threads(threads));
      arena.execute([&] {
        Graph graph(arena, static_cast<std::size_t>(round_tasks),
                    {.sample = sample, .work = work, .account = [](const Task&) {}, .end_round = end_round});
        graph.run();
        CHECK(rounds == (203 + round_tasks - 1) / round_tasks);  // the last one is cut short
        CHECK(overlaps == 0);
        sampled = 0;
        done = rounds = 0;
        graph.run();  // all slots are free again
        CHECK(sampled == 203);
      });
    }
  }
}
