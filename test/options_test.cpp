#include "engine/options.h"

#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <optional>
#include <string>

#include "test/support.h"

using namespace sounder;
using namespace sounder::test;

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
const double kNaN = std::nan("");

struct Case {
  std::function<void(Options&)> change;
  std::string message;
};

std::string refusal(const Case& test) {
  Options options;
  test.change(options);
  return input_error_of([&] { validate(options); });
}

}  // namespace

TEST_CASE("options: the defaults are valid") {
  CHECK(input_error_of([] { validate({}); }).empty());
}

TEST_CASE("options: what is minimised and how is refused with field, value and constraint") {
  const Case cases[] = {
      {[](Options& o) { o.rule = static_cast<Rule>(99); }, "rule = 99: must be one that there is"},
      {[](Options& o) { o.discipline = static_cast<Discipline>(99); },
       "discipline = 99: must be one that there is"},
      {[](Options& o) { o.schedule = static_cast<Schedule>(99); },
       "schedule = 99: must be one that there is"},
      {[](Options& o) { o.sparsify = static_cast<Sparsify>(-1); },
       "sparsify = -1: must be one that there is"},
      {[](Options& o) { o.priority = static_cast<Priority>(3); }, "priority = 3: must be one that there is"},
      {[](Options& o) { o.l2 = -0.5; }, "l2 = -0.5: must be >= 0"},
      {[](Options& o) { o.l2 = kInfinity; }, "l2 = inf: must be >= 0"},
      {[](Options& o) { o.l2 = kNaN; }, "l2 = nan: must be >= 0"},
      {[](Options& o) { o.epochs = 0; }, "epochs = 0: must be >= 1"},
      {[](Options& o) { o.step = -1; }, "step = -1: must be > 0"},
      {[](Options& o) { o.step = 0; }, "step = 0: must be > 0"},
      {[](Options& o) { o.step = kInfinity; }, "step = inf: must be > 0"},
      {[](Options& o) { o.step = kNaN; }, "step = nan: must be > 0"},
      {[](Options& o) { o.decay = 0; }, "decay = 0: must be > 0 and <= 1"},
      {[](Options& o) { o.decay = 1.5; }, "decay = 1.5: must be > 0 and <= 1"},
      {[](Options& o) { o.decay = 0.5; }, "schedule = auto: has no decay to set"},
      {[](Options& o) { o.decay = 0.5, o.schedule = Schedule::kAnneal; },
       "schedule = anneal: has no decay to set"},
      {[](Options& o) { o.accuracy = 0.1; }, "schedule = auto: has no accuracy to set"},
      {[](Options& o) { o.schedule = Schedule::kTheorem; }, "schedule = theorem: needs an accuracy > 0"},
  };
  for (const Case& test : cases) {
    const std::string message = refusal(test);
    CHECK_MESSAGE(message.starts_with(test.message), message);
  }
}

TEST_CASE("options: the theorem's schedule is refused where the theorem says nothing") {
  const Case cases[] = {
      {[](Options& o) { o.accuracy = 0; }, "accuracy = 0: must be > 0"},
      {[](Options& o) { o.accuracy = kInfinity; }, "accuracy = inf: must be > 0"},
      {[](Options& o) { o.rule = Rule::kAdagrad; }, "schedule = theorem: is about the rule sgd, not adagrad"},
      {[](Options& o) { o.l2 = 0; }, "schedule = theorem: needs l2 > 0"},
      {[](Options& o) { o.bias = true; }, "schedule = theorem: a bias is not regularised"},
      {[](Options& o) { o.step = 1; }, "schedule = theorem: works out the step itself"},
  };
  for (const Case& test : cases) {
    const std::string message = refusal({[&](Options& o) {
                                           o.schedule = Schedule::kTheorem;
                                           o.accuracy = 0.1;
                                           test.change(o);
                                         },
                                         ""});
    CHECK_MESSAGE(message.starts_with(test.message), message);
  }
}

TEST_CASE("options: a rule whose weights follow from its step has a constant one") {
  for (const Rule rule : all_rules())
    for (const Schedule schedule :
         {Schedule::kAuto, Schedule::kConstant, Schedule::kAnneal, Schedule::kLinear, Schedule::kGeometric,
          Schedule::kInverse, Schedule::kBackoff}) {
      if (traits_of(rule).step == StepChoice::kNone) continue;
      const std::string message = refusal({[&](Options& o) { o.rule = rule, o.schedule = schedule; }, ""});
      if (!traits_of(rule).derives || schedule == Schedule::kAuto || schedule == Schedule::kConstant) {
        CHECK(message.empty());
      } else {
        CHECK(message == "rule = " + std::string(name_of(rule)) +
                             ": its weights follow from its step, and would shrink with it by the schedule " +
                             std::string(name_of(schedule)) + "; take constant");
      }
    }
}

TEST_CASE("options: the decay in force") {
  const struct {
    Schedule schedule;
    std::optional<double> decay;
    double expected;
  } cases[] = {{Schedule::kGeometric, {}, 0.9},
               {Schedule::kGeometric, 0.5, 0.5},
               {Schedule::kBackoff, {}, 0.37},
               {Schedule::kBackoff, 0.5, 0.5}};
  for (const auto& [schedule, decay, expected] : cases) {
    Options options;
    options.schedule = schedule;
    options.decay = decay;
    CHECK(decay_of(options) == expected);
  }
}

TEST_CASE("options: when to stop is refused with field, value and constraint") {
  const Case cases[] = {
      {[](Options& o) { o.tolerance = -1e-3; }, "tolerance = -0.001: must be >= 0 and < 1"},
      {[](Options& o) { o.tolerance = 1; }, "tolerance = 1: must be >= 0 and < 1"},
      {[](Options& o) { o.evaluate_every = 0; }, "evaluate_every = 0: must be >= 1"},
      {[](Options& o) { o.patience = 0; }, "patience = 0: must be >= 1"},
      {[](Options& o) { o.target = kNaN; }, "target = nan: must be a finite number"},
      {[](Options& o) { o.time_limit = 0; }, "time_limit = 0: must be > 0 seconds"},
      {[](Options& o) { o.time_limit = kNaN; }, "time_limit = nan: must be > 0 seconds"},
  };
  for (const Case& test : cases) CHECK(refusal(test) == test.message);
}

TEST_CASE("options: performance is refused with field, value and constraint") {
  const Case cases[] = {
      {[](Options& o) { o.threads = -1; }, "threads = -1: must be 0 (all there are) to 1024"},
      {[](Options& o) { o.threads = 1025; }, "threads = 1025: must be 0 (all there are) to 1024"},
      {[](Options& o) { o.discipline = Discipline::kExclusive, o.tau = 100; },
       "discipline = exclusive: a round is its staleness bound; tau must be 0"},
      {[](Options& o) { o.discipline = Discipline::kReproducible, o.tau = 100; },
       "discipline = reproducible: a round is its staleness bound; tau must be 0"},
      {[](Options& o) { o.simulate = -1; }, "simulate = -1: must be 0 (no simulation) to 65536"},
      {[](Options& o) { o.simulate = 65537; }, "simulate = 65537: must be 0 (no simulation) to 65536"},
      {[](Options& o) { o.simulate = 4, o.threads = 2; },
       "simulate = 4: runs on one thread, not on threads = 2"},
      {[](Options& o) { o.simulate = 4, o.discipline = Discipline::kLocked; },
       "simulate = 4: takes the atomic discipline, not locked"},
      {[](Options& o) { o.simulate = 4, o.tau = 100; },
       "simulate = 4: is the staleness itself, in blocks; tau must be 0"},
      {[](Options& o) { o.tau = 5, o.block_rows = 6; },
       "tau = 5: must be >= block_rows = 6: a block is the least that can be in flight"},
      {[](Options& o) { o.refresh_rows = 64, o.discipline = Discipline::kLocked; },
       "refresh_rows = 64: is for the disciplines atomic, lock_free and racy; leave it at 0"},
      {[](Options& o) { o.refresh_rows = 64, o.simulate = 2; },
       "refresh_rows = 64: is for the disciplines atomic, lock_free and racy; leave it at 0"},
      {[](Options& o) { o.refresh_rows = 64, o.rule = Rule::kSaga; },
       "refresh_rows = 64: does not go with averages or masks, nor with rules other than sgd, adagrad and "
       "ftrl; leave "
       "it at 0"},
      {[](Options& o) { o.refresh_rows = 64, o.average_from = 2; },
       "refresh_rows = 64: does not go with averages or masks, nor with rules other than sgd, adagrad and "
       "ftrl; leave "
       "it at 0"},
      {[](Options& o) { o.reserved_slots = -1; }, "reserved_slots = -1: must be 0 to 1024"},
      {[](Options& o) { o.reserved_slots = 1025; }, "reserved_slots = 1025: must be 0 to 1024"},
      {[](Options& o) { o.threads = 2, o.reserved_slots = 3; }, "reserved_slots = 3: must be <= threads = 2"},
      {[](Options& o) { o.numa_nodes = {-2}; }, "numa_nodes = -2: must be a node, or -1 for any"},
      {[](Options& o) {
         o.numa_nodes = {1, 0, 1};
       },
       "numa_nodes = 1: must be there once"},
      {[](Options& o) {
         o.numa_nodes = {0, 1}, o.discipline = Discipline::kReproducible;
       },
       "numa_nodes = 0,1: every round of the discipline reproducible would wait for all nodes; name one "
       "node"},
      {[](Options& o) { o.numa_nodes = {}, o.discipline = Discipline::kExclusive; },
       "numa_nodes = all: every round of the discipline exclusive would wait for all nodes; name one node"},
      {[](Options& o) { o.numa_nodes = {}, o.simulate = 2; },
       "numa_nodes = all: simulated workers run on one thread; name one node"},
      {[](Options& o) { o.core_type = -2; }, "core_type = -2: must be a kind of cores, or -1 for any"},
      {[](Options& o) { o.threads_per_core = -1; }, "threads_per_core = -1: must be >= 0, and 0 is all"},
  };
  for (const Case& test : cases) CHECK(refusal(test) == test.message);
}

TEST_CASE("options: a mask is refused where it makes no sense") {
  const auto tears = [](const std::string& rule) {
    return "sparsify = top_k: tears apart sums that the rule " + rule + " needs whole; take sgd or adagrad";
  };
  const Case cases[] = {
      {[](Options& o) { o.keep = 0; }, "keep = 0: must be > 0 and <= 1"},
      {[](Options& o) { o.keep = 1.5; }, "keep = 1.5: must be > 0 and <= 1"},
      {[](Options& o) { o.keep = kNaN; }, "keep = nan: must be > 0 and <= 1"},
      {[](Options& o) { o.rule = Rule::kSaga; }, tears("saga")},
      {[](Options& o) { o.rule = Rule::kSvrg; }, tears("svrg")},
      {[](Options& o) { o.rule = Rule::kSdca; }, tears("sdca")},
      {[](Options& o) { o.rule = Rule::kFtrl; }, tears("ftrl")},
      {[](Options& o) { o.discipline = Discipline::kExclusive; },
       "sparsify = top_k: the discipline exclusive stores, and adds nothing later; take reproducible or "
       "atomic"},
      {[](Options& o) { o.rule = Rule::kAdagrad, o.keep = 1; }, ""},
  };
  for (const Case& test : cases) {
    const auto masked = [&](Options& o) { o.sparsify = Sparsify::kTopK, test.change(o); };
    CHECK(refusal({masked, ""}) == test.message);
  }
}

TEST_CASE("options: limits themselves are allowed") {
  const std::function<void(Options&)> changes[] = {
      [](Options& o) { o.l2 = 0; },
      [](Options& o) { o.epochs = 1; },
      [](Options& o) { o.step = 1e-9; },
      [](Options& o) { o.decay = 1, o.schedule = Schedule::kGeometric; },
      [](Options& o) { o.decay = 1, o.schedule = Schedule::kBackoff; },
      [](Options& o) { o.accuracy = 1e-9, o.schedule = Schedule::kTheorem; },
      [](Options& o) { o.tolerance = 0.99; },
      [](Options& o) { o.target = -3; },
      [](Options& o) { o.threads = 1024; },
      [](Options& o) { o.simulate = 65536; },
      [](Options& o) { o.simulate = 1, o.threads = 1; },
      [](Options& o) { o.tau = 6, o.block_rows = 6; },
      [](Options& o) { o.threads = 2, o.reserved_slots = 2; },
  };
  for (const auto& change : changes) CHECK(refusal({change, ""}).empty());
}

TEST_CASE("options: names") {
  CHECK(name_of(Schedule::kAnneal) == "anneal");
  CHECK(name_of(Schedule::kConstant) == "constant");
  CHECK(name_of(Schedule::kGeometric) == "geometric");
  CHECK(name_of(Schedule::kInverse) == "inverse");
  CHECK(name_of(Schedule::kBackoff) == "backoff");
  CHECK(name_of(Schedule::kTheorem) == "theorem");
  CHECK(name_of(Discipline::kAtomic) == "atomic");
  CHECK(name_of(Discipline::kRacy) == "racy");
  CHECK(name_of(Rule::kSgd) == "sgd");
  CHECK(name_of(Sparsify::kNone) == "none");
  CHECK(name_of(Sparsify::kTopK) == "top_k");
  CHECK(name_of(Sparsify::kRandomK) == "random_k");
  CHECK(name_of(Priority::kLow) == "low");
  CHECK(name_of(Priority::kNormal) == "normal");
  CHECK(name_of(Priority::kHigh) == "high");
}
