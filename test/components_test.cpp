#include "engine/components.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <set>
#include <vector>

#include "io/random.h"
#include "io/synthetic.h"
#include "test/support.h"

using namespace sounder;
using namespace sounder::test;

namespace {

using Numbers = std::vector<std::uint32_t>;

template <class T>
std::vector<T> copy(std::span<const T> items) {
  return {items.begin(), items.end()};
}

Numbers first_rows(std::size_t count) {
  Numbers rows(count);
  std::iota(rows.begin(), rows.end(), 0U);
  return rows;
}

// Rows of 0 to `longest` non-zeros, evenly spread.
Dataset random_data(std::size_t rows, std::size_t columns, std::size_t longest, Random& random) {
  std::vector<std::vector<Coordinate>> supports(rows);
  for (auto& support : supports) {
    std::set<Coordinate> drawn;
    for (std::uint64_t left = random.below(longest + 1); left > 0; --left) {
      drawn.insert(static_cast<Coordinate>(random.below(columns)));
    }
    support.assign(drawn.begin(), drawn.end());
  }
  return numbered_rows(columns, supports);
}

// With replacement.
Numbers random_batch(const Dataset& data, std::size_t size, Random& random) {
  Numbers batch(size);
  for (std::uint32_t& row : batch) row = static_cast<std::uint32_t>(random.below(data.rows()));
  return batch;
}

bool meet(std::span<const Coordinate> a, std::span<const Coordinate> b) {
  return std::ranges::any_of(a, [&](Coordinate c) { return std::ranges::binary_search(b, c); });
}

// By breadth-first search over all pairs of samples.
Numbers expected_labels(const Dataset& data, const Numbers& batch) {
  constexpr auto kNone = std::numeric_limits<std::uint32_t>::max();
  Numbers labels(batch.size(), kNone);
  std::uint32_t count = 0;
  for (std::size_t first = 0; first < batch.size(); ++first) {
    if (labels[first] != kNone) continue;
    std::vector<std::size_t> queue{first};
    labels[first] = count;
    for (std::size_t head = 0; head < queue.size(); ++head) {
      for (std::size_t k = 0; k < batch.size(); ++k) {
        if (labels[k] != kNone) continue;
        if (!meet(data.row(batch[queue[head]]).support, data.row(batch[k]).support)) continue;
        labels[k] = count;
        queue.push_back(k);
      }
    }
    ++count;
  }
  return labels;
}

// Sparse to dense: from all apart to all in one.
struct Shape {
  std::size_t rows, columns, longest, batch;
};
constexpr Shape kShapes[] = {{1, 1, 1, 1},    {50, 2000, 3, 40}, {50, 100, 3, 40}, {80, 100, 2, 60},
                             {80, 60, 3, 60}, {30, 10, 1, 50},   {30, 20, 8, 30},  {10, 5, 5, 0}};

constexpr std::size_t kGroups[] = {1, 2, 3, 8};

// Several batches for each shape and seed, through one object.
template <class Body>
void for_random_batches(Body&& body, std::uint32_t first_number = 1) {
  for (const Shape& shape : kShapes) {
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
      Random random(seed);
      const Dataset data = random_data(shape.rows, shape.columns, shape.longest, random);
      Components components(1 + data.dimension(), first_number);
      for (int k = 0; k < 5; ++k) {
        CAPTURE(shape.rows);
        CAPTURE(shape.columns);
        CAPTURE(seed);
        CAPTURE(k);
        const Numbers batch = random_batch(data, shape.batch, random);
        components.find(data, batch);
        body(data, batch, components);
      }
    }
  }
}

}  // namespace

TEST_CASE("components: agree with a breadth-first search") {
  for_random_batches([](const Dataset& data, const Numbers& batch, const Components& components) {
    CHECK(copy(components.labels()) == expected_labels(data, batch));
  });
}

TEST_CASE("components: agree with a breadth-first search when the numbers of samples run out") {
  constexpr std::uint32_t kLast = std::numeric_limits<std::uint32_t>::max();
  for (const std::uint32_t left : {0U, 1U, 59U, 60U, 61U, 100U, 150U}) {
    CAPTURE(left);
    for_random_batches(
        [](const Dataset& data, const Numbers& batch, const Components& components) {
          CHECK(copy(components.labels()) == expected_labels(data, batch));
        },
        kLast - left);
  }
}

TEST_CASE("components: the largest has the most samples and non-zeros") {
  for_random_batches([](const Dataset& data, const Numbers& batch, const Components& components) {
    std::vector<Components::Size> expected(components.count());
    std::uint64_t all = 0;
    for (std::size_t k = 0; k < batch.size(); ++k) {
      Components::Size& size = expected[components.labels()[k]];
      ++size.samples;
      size.nonzeros += data.row(batch[k]).support.size();
      all += data.row(batch[k]).support.size();
    }
    Components::Size largest;
    for (const Components::Size& size : expected) {
      largest.samples = std::max(largest.samples, size.samples);
      largest.nonzeros = std::max(largest.nonzeros, size.nonzeros);
    }
    CHECK(components.largest() == largest);
    CHECK(components.largest_share() * static_cast<double>(all) ==
          doctest::Approx(static_cast<double>(largest.nonzeros)));
  });
}

TEST_CASE("components: a row without non-zeros is alone") {
  const Dataset data = numbered_rows(3, {{}, {1}, {}, {1, 2}, {}});
  Components components(3);
  CHECK(components.deal(2) == std::vector<Numbers>(2));  // nothing yet
  components.find(data, first_rows(5));
  CHECK(copy(components.labels()) == Numbers{0, 1, 2, 1, 3});
  components.find(data, Numbers{0, 2, 0});
  CHECK(components.count() == 3);
  CHECK(components.largest_share() == 0);
}

TEST_CASE("components: deal to the least loaded, equals by lowest number") {
  const Dataset data = numbered_rows(13, {{0, 1}, {2, 3, 4, 5, 6}, {0, 7}, {8, 9, 10}, {}, {11}, {12}});
  Components components(13);
  components.find(data, first_rows(7));
  CHECK(copy(components.labels()) == Numbers{0, 1, 0, 2, 3, 4, 5});
  CHECK(components.deal(1) == std::vector<Numbers>{{0, 1, 2, 3, 4, 5, 6}});
  CHECK(components.deal(2) == std::vector<Numbers>{{1, 4, 5, 6}, {0, 2, 3}});
  CHECK(components.deal(3) == std::vector<Numbers>{{1}, {0, 2, 6}, {3, 4, 5}});
  CHECK(components.deal(7) == std::vector<Numbers>{{1}, {0, 2}, {3}, {5}, {6}, {4}, {}});
}

TEST_CASE("components: deal the largest first when sizes need many digits") {
  const std::vector<std::size_t> lengths{1, 4096, 5000, 2047, 2048, 2, 5001, 4096};
  std::vector<std::vector<Coordinate>> supports;
  Coordinate next = 0;
  for (const std::size_t length : lengths) {
    supports.emplace_back(length);
    for (Coordinate& c : supports.back()) c = next++;
  }
  Components components(next);
  components.find(numbered_rows(next, supports), first_rows(lengths.size()));
  CHECK(components.deal(8) == std::vector<Numbers>{{6}, {2}, {1}, {7}, {4}, {3}, {5}, {0}});
}

TEST_CASE("components: dealt groups hold every sample once, in drawn order, and no coordinate in common") {
  for_random_batches([](const Dataset& data, const Numbers& batch, const Components& components) {
    for (const std::size_t groups : kGroups) {
      std::vector<int> seen(batch.size(), 0);
      std::vector<std::size_t> owner(data.dimension(), groups);
      bool apart = true;
      const auto dealt = components.deal(groups);
      CHECK(dealt.size() == groups);
      for (std::size_t g = 0; g < groups; ++g) {
        CHECK(std::ranges::is_sorted(dealt[g]));
        for (const std::uint32_t k : dealt[g]) {
          ++seen[k];
          for (const Coordinate c : data.row(batch[k]).support) {
            apart = apart && (owner[c] == groups || owner[c] == g);
            owner[c] = g;
          }
        }
      }
      CHECK(apart);
      CHECK(std::ranges::count(seen, 1) == std::ssize(batch));
    }
  });
}

TEST_CASE("components: no group exceeds the mean by more than the largest component") {
  for_random_batches([](const Dataset& data, const Numbers& batch, const Components& components) {
    for (const std::size_t groups : kGroups) {
      std::uint64_t sum = 0;
      std::uint64_t most = 0;
      for (const Numbers& group : components.deal(groups)) {
        std::uint64_t load = 0;
        for (const std::uint32_t k : group) load += data.row(batch[k]).support.size();
        sum += load;
        most = std::max(most, load);
      }
      CHECK(groups * most <= sum + groups * components.largest().nonzeros);
    }
  });
}

TEST_CASE("choose_batch: finds the last size before the components join") {
  const Dataset data = generate({.rows = 20000, .columns = 20000, .nonzeros_per_row = 2, .zipf_exponent = 0});
  const Numbers order = first_rows(data.rows());
  Components components(data.dimension());
  for (const double share : {0.02, 0.1, 0.25}) {
    CAPTURE(share);
    const BatchChoice choice = choose_batch(components, data, order, share);
    CHECK(choice.rows > kSmallestBatch);
    CHECK(choice.rows < data.rows());
    components.find(data, std::span(order).first(choice.rows));
    CHECK(choice.largest_share == components.largest_share());
    CHECK(choice.largest_share <= share);
    components.find(data, std::span(order).first(2 * choice.rows));
    CHECK(components.largest_share() > share);
  }
}

TEST_CASE("choose_batch: says so when one column is in every row") {
  std::vector<std::vector<Coordinate>> supports(1000);
  for (Coordinate i = 0; i < supports.size(); ++i) supports[i] = {0, i + 1};
  const Dataset data = numbered_rows(1001, supports);
  const Numbers order = first_rows(1000);

  Components components(1001);
  const BatchChoice none = choose_batch(components, data, order, 0.25);
  CHECK(none.rows == kSmallestBatch);
  CHECK(none.largest_share == 1);
  CHECK(components.labels().size() == kSmallestBatch);  // it gave up there

  CHECK(choose_batch(components, data, order, 1).rows == 1000);
}

TEST_CASE("choose_batch: sizes double from 64 to the rows there are") {
  struct Case {
    std::size_t rows, expected;
  };
  for (const Case c :
       {Case{0, 0}, {1, 1}, {63, 63}, {64, 64}, {65, 65}, {300, 300}, {70000, kLargestBatch}}) {
    CAPTURE(c.rows);
    const Dataset data = numbered_rows(1, std::vector<std::vector<Coordinate>>(c.rows));
    Components components(1);
    CHECK(choose_batch(components, data, first_rows(c.rows), 0.5).rows == c.expected);
  }
}

TEST_CASE("choose_batch: one long row does not stop the search") {
  std::vector<std::vector<Coordinate>> supports(512, std::vector<Coordinate>(1));
  for (Coordinate i = 0; i < supports.size(); ++i) supports[i][0] = i;
  supports[0].resize(64);
  std::iota(supports[0].begin(), supports[0].end(), 1000U);
  const Dataset data = numbered_rows(2000, supports);
  Components components(2000);
  CHECK(choose_batch(components, data, first_rows(512), 0.2).rows == 512);
  const BatchChoice none = choose_batch(components, data, first_rows(512), 0.1);
  CHECK(none.rows == kSmallestBatch);
  CHECK(none.largest_share == doctest::Approx(64.0 / 127));
}
