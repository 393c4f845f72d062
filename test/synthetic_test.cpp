#include "io/synthetic.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include "io/random.h"
#include "test/support.h"

namespace sounder {
namespace {

SyntheticOptions small() {
  SyntheticOptions options;
  options.rows = 2000;
  options.columns = 5000;
  options.nonzeros_per_row = 20;
  return options;
}

bool same_rows(const Dataset& a, const Dataset& b) {
  return std::ranges::equal(a.offsets(), b.offsets()) && std::ranges::equal(a.indices(), b.indices()) &&
         std::ranges::equal(a.values(), b.values());
}

double mean_length(const Dataset& data) {
  return static_cast<double>(data.nonzeros()) / static_cast<double>(data.rows());
}

// The share of rows that have each column, commonest first.
std::vector<double> column_shares(const Dataset& data) {
  std::vector<double> shares(data.dimension());
  for (const Coordinate column : data.indices()) shares[column] += 1 / static_cast<double>(data.rows());
  std::ranges::sort(shares, std::greater<>());
  return shares;
}

double share_of_positive(const Dataset& data) {
  return static_cast<double>(std::ranges::count(data.labels(), 1.0f)) / static_cast<double>(data.rows());
}

TEST_CASE("random: the published sequence of SplitMix64") {
  Random random(1234567);
  for (const std::uint64_t expected : {6457827717110365317u, 3203168211198807973u, 9817491932198370423u,
                                       4593380528125082431u, 16408922859458223821u}) {
    CHECK(random.next() == expected);
  }
}

TEST_CASE("random: uniform and gaussian have their moments") {
  Random random(1);
  constexpr int kDraws = 200000;
  double sum = 0, squares = 0, gaussian_sum = 0, gaussian_squares = 0;
  for (int i = 0; i < kDraws; ++i) {
    const double u = random.uniform();
    const double g = random.gaussian();
    REQUIRE((u >= 0 && u < 1));
    sum += u, squares += u * u, gaussian_sum += g, gaussian_squares += g * g;
  }
  CHECK(std::abs(sum / kDraws - 0.5) < 0.005);
  CHECK(std::abs(squares / kDraws - 1.0 / 3) < 0.005);
  CHECK(std::abs(gaussian_sum / kDraws) < 0.015);
  CHECK(std::abs(gaussian_squares / kDraws - 1) < 0.02);
}

TEST_CASE("random: below stays below and is even") {
  for (const std::uint64_t n : {1u, 2u, 3u, 7u, 8u, 9u, 1000u}) {
    CAPTURE(n);
    Random random(n);
    std::vector<double> counts(n);
    for (std::uint64_t i = 0; i < 1000 * n; ++i) {
      const std::uint64_t draw = random.below(n);
      REQUIRE(draw < n);
      ++counts[draw];
    }
    double chi_square = 0;
    for (const double count : counts) chi_square += (count - 1000) * (count - 1000) / 1000;
    const auto freedom = static_cast<double>(n - 1);
    CHECK(chi_square <= freedom + 5 * std::sqrt(2 * freedom));
  }
  CHECK(Random(1).below(std::numeric_limits<std::uint64_t>::max()) > std::uint64_t{1} << 32);
}

TEST_CASE("random: shuffle makes every order equally likely") {
  Random random(1);
  std::vector<int> counts(1000);
  for (int i = 0; i < 60000; ++i) {
    int items[] = {1, 2, 3};
    shuffle(std::span<int>(items), random);
    ++counts[static_cast<std::size_t>(100 * items[0] + 10 * items[1] + items[2])];
  }
  for (const std::size_t order : {123u, 132u, 213u, 231u, 312u, 321u}) {
    CAPTURE(order);
    CHECK(std::abs(counts[order] - 10000) < 500);
  }
  shuffle(std::span<int>(), random);
}

TEST_CASE("synthetic: the seed decides the data") {
  const Dataset data = generate(small());
  const Dataset again = generate(small());
  SyntheticOptions other = small();
  other.seed = 2;
  CHECK(same_rows(data, again));
  CHECK(std::ranges::equal(data.labels(), again.labels()));
  CHECK_FALSE(same_rows(data, generate(other)));
}

TEST_CASE("synthetic: the shape is the one asked for") {
  const struct {
    std::size_t columns;
    double nonzeros_per_row;
    double zipf_exponent;
  } cases[] = {{5000, 20, 1.1}, {5000, 20, 1.00001}, {5000, 1, 1.1}, {1000, 1.5, 0}, {100, 60, 1},
               {100, 95, 1},    {8, 8, 2},           {1, 1, 1},      {300, 30, 10}};
  for (const auto& shape : cases) {
    CAPTURE(shape.columns);
    CAPTURE(shape.nonzeros_per_row);
    SyntheticOptions options = small();
    options.columns = shape.columns;
    options.nonzeros_per_row = shape.nonzeros_per_row;
    options.zipf_exponent = shape.zipf_exponent;
    const Dataset data = generate(options);  // whose constructor checks that columns increase strictly
    CHECK(data.rows() == options.rows);
    CHECK(data.dimension() == shape.columns);
    CHECK(std::abs(mean_length(data) / shape.nonzeros_per_row - 1) < 0.05);
    CHECK(std::ranges::adjacent_find(data.offsets()) == data.offsets().end());  // no row is empty
  }
}

TEST_CASE("synthetic: rows have length 1 and positive values, or tf-idf values when not normalised") {
  SyntheticOptions options = small();
  for (const bool normalize : {true, false}) {
    options.normalize = normalize;
    const Dataset data = generate(options);
    CHECK(*std::ranges::min_element(data.values()) > 0);
    double longest = 0;
    for (std::size_t i = 0; i < data.rows(); ++i) {
      const auto values = data.row(i).values;
      longest = std::max(longest, std::inner_product(values.begin(), values.end(), values.begin(), 0.0));
    }
    CHECK((std::abs(longest - 1) < 1e-5) == normalize);
  }
}

TEST_CASE("synthetic: the default looks like RCV1") {
  const Dataset data = generate({});
  CHECK(data.rows() == 20242);
  CHECK(data.dimension() == 47236);
  CHECK(std::abs(mean_length(data) - 74) < 2);
  const std::vector<double> shares = column_shares(data);
  CHECK(std::abs(shares[0] - 0.40) < 0.08);      // RCV1: 0.44
  CHECK(std::abs(shares[99] - 0.10) < 0.03);     // 0.11
  CHECK(std::abs(shares[999] - 0.012) < 0.006);  // 0.017
  CHECK(shares.back() == 0);                     // some terms never occur
}

TEST_CASE("synthetic: columns are not numbered by how common they are") {
  const Dataset data = generate(small());
  const double sum = std::accumulate(data.indices().begin(), data.indices().end(), 0.0);
  const double mean = sum / static_cast<double>(data.nonzeros()) / static_cast<double>(data.dimension());
  CHECK(std::abs(mean - 0.5) < 0.15);  // about 0.15 when numbered by rank
}

TEST_CASE("synthetic: exponent 0 makes columns equally common") {
  SyntheticOptions options = small();
  options.columns = 500;
  options.zipf_exponent = 0;
  const Dataset data = generate(options);
  const double expected = mean_length(data) / 500;
  double chi_square = 0;
  for (const double share : column_shares(data))
    chi_square += (share - expected) * (share - expected) / expected;
  chi_square *= static_cast<double>(data.rows());
  CHECK(chi_square > 350);
  CHECK(chi_square < 650);
}

TEST_CASE("synthetic: classes are halves and noise flips its share of them") {
  SyntheticOptions options = small();
  options.noise = 0;
  const Dataset clean = generate(options);
  CHECK(std::abs(share_of_positive(clean) - 0.5) < 0.01);
  for (const double noise : {0.05, 0.3, 1.0}) {
    CAPTURE(noise);
    options.noise = noise;
    const Dataset noisy = generate(options);
    CHECK(same_rows(clean, noisy));
    double flipped = 0;
    for (std::size_t i = 0; i < clean.rows(); ++i) flipped += clean.labels()[i] != noisy.labels()[i];
    CHECK(std::abs(flipped / static_cast<double>(clean.rows()) - noise) < 0.02);
  }
}

TEST_CASE("synthetic: without noise a hyperplane through the origin separates the classes") {
  SyntheticOptions options = small();
  options.noise = 0;
  const Dataset data = generate(options);
  std::vector<double> weights(data.dimension());
  std::size_t mistakes = 1;
  for (int epoch = 0; epoch < 500 && mistakes > 0; ++epoch) {  // the perceptron
    mistakes = 0;
    for (std::size_t i = 0; i < data.rows(); ++i) {
      const Row row = data.row(i);
      double margin = 0;
      for (std::size_t k = 0; k < row.support.size(); ++k) margin += weights[row.support[k]] * row.values[k];
      if (margin * row.label > 0) continue;
      ++mistakes;
      for (std::size_t k = 0; k < row.support.size(); ++k)
        weights[row.support[k]] += row.label * row.values[k];
    }
  }
  CHECK(mistakes == 0);
}

TEST_CASE("synthetic: regression labels have mean square 1 and the noise asked for") {
  SyntheticOptions options = small();
  options.kind = SyntheticKind::kRegression;
  options.noise = 0;
  const Dataset clean = generate(options);
  options.noise = 0.5;
  const Dataset noisy = generate(options);
  CHECK(same_rows(clean, noisy));
  double square = 0, noise_square = 0;
  for (std::size_t i = 0; i < clean.rows(); ++i) {
    square += std::pow(clean.labels()[i], 2) / static_cast<double>(clean.rows());
    noise_square += std::pow(noisy.labels()[i] - clean.labels()[i], 2) / static_cast<double>(clean.rows());
  }
  CHECK(square == doctest::Approx(1));
  CHECK(std::sqrt(noise_square) == doctest::Approx(0.5).epsilon(0.05));
}

TEST_CASE("synthetic: nonsense is refused by name, value and limits") {
  const auto refusal = [](auto change) {
    SyntheticOptions options;
    change(options);
    return test::input_error_of([&] { generate(options); });
  };
  using Options = SyntheticOptions;
  CHECK(refusal([](Options& o) { o.rows = 0; }) == "rows = 0: must be > 0");
  CHECK(refusal([](Options& o) {
          o.rows = std::size_t{1} << 62;
        }).starts_with("rows = 4611686018427387904: must be <= "));
  CHECK(refusal([](Options& o) { o.columns = 0; }) == "columns = 0: must be > 0 and <= 2^32");
  CHECK(refusal([](Options& o) { o.columns = (std::size_t{1} << 32) + 1; }) ==
        "columns = 4294967297: must be > 0 and <= 2^32");
  CHECK(refusal([](Options& o) { o.nonzeros_per_row = 0.5; }) ==
        "nonzeros_per_row = 0.5: must be >= 1 and <= columns = 47236");
  CHECK(refusal([](Options& o) { o.nonzeros_per_row = 50000; }) ==
        "nonzeros_per_row = 50000: must be >= 1 and <= columns = 47236");
  CHECK(refusal([](Options& o) { o.zipf_exponent = -1; }) == "zipf_exponent = -1: must be >= 0 and <= 10");
  CHECK(refusal([](Options& o) { o.zipf_exponent = NAN; }) == "zipf_exponent = nan: must be >= 0 and <= 10");
  CHECK(refusal([](Options& o) { o.noise = -0.1; }) == "noise = -0.1: must be >= 0 and <= 1e+30");
  CHECK(refusal([](Options& o) { o.noise = 1.5; }) == "noise = 1.5: must be <= 1, a share of the labels");
}

}  // namespace
}  // namespace sounder
