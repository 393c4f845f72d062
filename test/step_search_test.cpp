#include "engine/step_search.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "engine/arena.h"
#include "engine/layout.h"
#include "io/synthetic.h"
#include "objectives/catalogue.h"
#include "test/support.h"

using namespace sounder;
using namespace sounder::test;

namespace {

constexpr std::size_t kRows = 4000;

double found_on(const Trial& trial, std::size_t threads) {
  Arena arena(with_threads(threads));
  double step = 0;
  arena.execute([&] { step = find_step(trial, kRows, 10); });
  return step;
}

double best_of_fours(const Trial& trial) {
  double best = std::numeric_limits<double>::infinity();
  for (int k = -2; k <= 6; ++k)
    best = std::min(best, trial.objective_after(trial.natural_step() * std::pow(4, k)));
  return best;
}

}  // namespace

TEST_CASE("step search: the smallest power of two that does about as well as the best of four") {
  for (const char* name : {"hinge", "logistic", "squared_hinge"}) {
    for (const std::size_t columns : {50, 3000}) {
      for (const double l2 : {1e-2, 1e-4}) {
        CAPTURE(name);
        CAPTURE(columns);
        CAPTURE(l2);
        const auto objective = make_objective(name);
        Options options;
        options.l2 = l2;
        const Source source(generate({.rows = kRows, .columns = columns, .nonzeros_per_row = 20}));
        const Layout layout(source.data(), objective->shape(), false, planes_of(options));
        const std::vector<float> start = layout.start(*objective, 1);
        const Trial trial(source, layout, start, *objective, options);

        const double found = found_on(trial, 1);
        for (const std::size_t threads : kThreadSweep) CHECK(found_on(trial, threads) == found);

        // Of losses with kinks it is less by the part of the rows that were tried.
        const double seen = static_cast<double>(trial.rows()) / kRows;
        const double tried = found / (trial.smooth() ? 1 : std::pow(seen, (2 + trial.crowd()) / 12));
        const double power = std::log2(tried / trial.natural_step());
        CHECK(power == doctest::Approx(std::round(power)));

        const Search search = search_for(trial);
        const double enough = search.tie * best_of_fours(trial);
        CHECK(trial.objective_after(tried) < 1.1 * enough);  // what is between two was not tried
        if (power > 2 * search.first + 2) CHECK(trial.objective_after(tried / 4) > 0.9 * enough);
      }
    }
  }
}
