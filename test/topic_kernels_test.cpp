#include "objectives/topic_kernels.h"

#include <doctest/doctest.h>

#include <cstddef>
#include <vector>

#include "io/random.h"

namespace sounder {
namespace {

// With one float more, which nobody may touch.
std::vector<float> random_floats(std::size_t count, Random& random) {
  std::vector<float> floats(count + 1);
  for (float& x : floats) x = static_cast<float>(random.uniform());
  return floats;
}

}  // namespace

TEST_CASE("topic_kernels: respond and add, whatever the number of topics") {
  for (const std::size_t topics : {1, 3, 4, 7, 8, 9, 16, 50}) {
    CAPTURE(topics);
    Random random(topics);
    const auto inverse = random_floats(topics, random);
    auto document = random_floats(topics, random);
    auto word = random_floats(topics, random);
    auto change = random_floats(topics, random);
    std::vector<float> shares(topics + 1, -1.0F);
    const auto before = std::vector{document, word, change};

    const float sum = topic_kernels().respond({inverse.data(), topics, 0.5F, 0.25F}, document.data(),
                                              word.data(), shares.data());
    topic_kernels().add(shares.data(), 3, topics, document.data(), word.data(), change.data());
    double naive_sum = 0;
    for (std::size_t k = 0; k < topics; ++k) {
      const double share = (before[0][k] + 0.5) * (before[1][k] + 0.25) * inverse[k];
      naive_sum += share;
      CHECK(shares[k] == doctest::Approx(share));
      CHECK(document[k] == doctest::Approx(before[0][k] + 3 * share));
      CHECK(word[k] == doctest::Approx(before[1][k] + 3 * share));
      CHECK(change[k] == doctest::Approx(before[2][k] + 3 * share));
    }
    CHECK(sum == doctest::Approx(naive_sum));
    CHECK(shares[topics] == -1);
    CHECK(document[topics] == before[0][topics]);
    CHECK(word[topics] == before[1][topics]);
    CHECK(change[topics] == before[2][topics]);
  }
}

}  // namespace sounder
