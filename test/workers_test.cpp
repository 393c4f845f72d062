#include "engine/workers.h"

#include <doctest/doctest.h>

#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "engine/plan.h"
#include "io/synthetic.h"
#include "objectives/catalogue.h"

using namespace sounder;

namespace {

// All share a direction, as the entries are positive.
Dataset dense() {
  return generate({.rows = 4000, .columns = 100, .nonzeros_per_row = 100, .zipf_exponent = 0.7});
}

Options left_open(int epochs) {
  Options options;
  options.l2 = 1e-5;
  options.epochs = epochs;
  return options;
}

Plan plan_of(Dataset data, const Options& options, int threads) {
  const auto hinge = make_objective("hinge");
  const Source source(std::move(data));
  const Layout layout = source.layout(*hinge, options, threads);
  const std::vector<float> start = layout.start(*hinge, options.seed);
  return make_plan(source, layout, start, *hinge, options, threads);
}

}  // namespace

TEST_CASE("workers: two where more could take only small steps, and the plan is theirs") {
  const Plan plan = plan_of(dense(), left_open(20), 8);
  CHECK(plan.workers == 2);
  CHECK(plan.why.threads.value == "2");
  CHECK(!plan.cap_grows);
  const Plan two = plan_of(dense(), left_open(20), 2);
  CHECK(two.workers == 0);
  CHECK(plan.clock.cap == two.clock.cap);
  CHECK(plan.block_rows == two.block_rows);
  CHECK(plan.tau() == two.tau());
}

TEST_CASE("workers: they exchange no less of many epochs than of eight") {
  const auto hinge = make_objective("hinge");
  const Source source(generate({.rows = 4000, .columns = 3000, .nonzeros_per_row = 20}));
  const auto ends = [&](int epochs) {
    const Options options = left_open(epochs);
    const Layout layout(source.data(), hinge->shape(), false);
    return exchange_ends({source, layout, *hinge, options, 2}, 32);
  };
  CHECK(ends(1) != ends(8));
  for (const int epochs : {9, 1 << 29, std::numeric_limits<int>::max()}) CHECK(ends(epochs) == ends(8));
}

TEST_CASE("workers: all where small steps suffice, or nothing is shared, or they are asked for") {
  CHECK(plan_of(dense(), left_open(20'000), 8).workers == 0);
  CHECK(
      plan_of(generate({.rows = 4000, .columns = 5000, .nonzeros_per_row = 30}), left_open(20), 8).workers ==
      0);
  for (const auto& ask : std::vector<void (*)(Options&)>{
           [](Options& options) { options.threads = 8; }, [](Options& options) { options.step = 0.5; },
           [](Options& options) { options.block_rows = 64; },
           [](Options& options) { options.discipline = Discipline::kReproducible; },
           [](Options& options) { options.rule = Rule::kAdagrad; }}) {
    Options options = left_open(20);
    ask(options);
    CHECK(plan_of(dense(), options, 8).workers == 0);
  }
}
