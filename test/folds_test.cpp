#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "engine/tune.h"
#include "test/support.h"

using namespace sounder;
using namespace sounder::test;

TEST_CASE("folds: every row is held out once, and trained on in all other folds") {
  const Dataset data = numbered_rows(3, std::vector<std::vector<Coordinate>>(23, {0, 2}));
  for (const std::size_t folds : {2, 5, 23}) {
    CAPTURE(folds);
    std::vector<float> held_out;
    for (std::size_t k = 0; k < folds; ++k) {
      const Split parts = fold(data, folds, k, 7);
      const auto own = parts.validation.labels();
      CHECK((own.size() == 23 / folds || own.size() == 23 / folds + 1));
      held_out.insert(held_out.end(), own.begin(), own.end());
      std::vector<float> all(own.begin(), own.end());
      all.insert(all.end(), parts.training.labels().begin(), parts.training.labels().end());
      std::ranges::sort(all);
      CHECK(std::ranges::equal(all, data.labels()));
      CHECK(parts.validation.dimension() == data.dimension());
    }
    CHECK(!std::ranges::is_sorted(held_out));
    std::ranges::sort(held_out);
    CHECK(std::ranges::equal(held_out, data.labels()));
  }
}

TEST_CASE("folds: refuses fewer than two, and more than there are rows") {
  const Dataset data = numbered_rows(1, {{0}, {0}, {0}});
  CHECK(input_error_of([&] { fold(data, 1, 0, 1); }) == "folds = 1: must be 2 to 3, the rows");
  CHECK(input_error_of([&] { fold(data, 4, 0, 1); }) == "folds = 4: must be 2 to 3, the rows");
  CHECK(input_error_of([&] { fold(data, 3, 3, 1); }) == "number = 3: must be below folds = 3");
}
