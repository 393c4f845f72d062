#include "engine/recommend.h"

#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include "engine/arena.h"
#include "objectives/catalogue.h"
#include "test/support.h"

namespace sounder {
namespace {

using namespace test;

constexpr std::size_t kUsers = 3;
constexpr std::size_t kItems = 5;

// Of rank 1 without biases: an item's weight is how good it is, a user likes that or, the last one, does not.
struct Fixture {
  Fixture() {
    model.objective = objective->name();
    model.parameters = objective->parameters();
    model.dimension = kUsers + kItems;
    model.width = static_cast<std::uint32_t>(objective->shape().width);
    model.weights.resize(model.dimension * model.width);
    const float numbers[] = {1, 1, -1, 0.5F, 0.4F, 0.3F, 0.2F, 0.2F};
    for (std::size_t i = 0; i < model.dimension; ++i) model.weights[i * model.width] = numbers[i];
    model.names = {{"a", "b", "c"}, {"v", "w", "x", "y", "z"}};
    model.seen = {{0, 4}, {4}, {}};
  }

  std::vector<std::uint32_t> best(std::optional<std::uint32_t> user, std::size_t count,
                                  bool with_seen = false) const {
    std::vector<std::uint32_t> items;
    for (const Recommendation& one : Recommender(model, *objective).best(user, count, with_seen))
      items.push_back(one.item);
    return items;
  }

  std::unique_ptr<Objective> objective =
      make_objective("matrix_completion_one_class", {{"rank", 1}, {"biases", 0}});
  Model model;
};

Dataset pairs_of(const std::vector<std::pair<Coordinate, Coordinate>>& pairs, std::vector<float> labels) {
  Dataset::Columns parts;
  for (const auto& [user, item] : pairs) {
    parts.indices.insert(parts.indices.end(), {user, static_cast<Coordinate>(kUsers + item)});
    parts.offsets.push_back(parts.indices.size());
  }
  parts.values.assign(parts.indices.size(), 1);
  parts.labels = std::move(labels);
  return Dataset(kUsers + kItems, std::move(parts));
}

}  // namespace

TEST_CASE_FIXTURE(Fixture, "recommend: the best first, without what was rated, ties by popularity") {
  using Items = std::vector<std::uint32_t>;
  CHECK(best(0, 2) == Items{1, 2});
  CHECK(best(0, 9) == Items{1, 2, 3});
  CHECK(best(0, 9, true) == Items{0, 1, 2, 4, 3});
  CHECK(best(2, 2) == Items{4, 3});
  CHECK(best(std::nullopt, 2) == Items{4, 0});  // nothing but how many rated them
}

TEST_CASE_FIXTURE(Fixture, "recommend: what is held out is found, or not, by hand") {
  const Recommender recommender(model, *objective);
  // User 0 is shown 1 and 2, user 1 0 and 1; user 2 has nothing to find, and what user 0 rated in training does not count.
  const Dataset data = pairs_of({{0, 2}, {0, 3}, {0, 4}, {0, 2}, {1, 1}, {2, 0}}, {1, 1, 1, 1, 1, 0});
  for (const std::size_t threads : kThreadSweep) {
    CAPTURE(threads);
    const Ranking found = rank_held_out(recommender, data, 0.0F, 2, on_threads(threads));
    CHECK(found.users == 2);
    CHECK(found.precision == doctest::Approx((0.5 + 0.5) / 2));
    CHECK(found.recall == doctest::Approx((0.5 + 1) / 2));
    const double second = 1 / std::log2(3.0);
    CHECK(found.ndcg == doctest::Approx((second / (1 + second) + second) / 2));
  }
  CHECK(rank_held_out(recommender, data, std::nullopt, 2).users == 3);
  CHECK(rank_held_out(recommender, pairs_of({}, {}), 0.0F, 2).users == 0);
}

TEST_CASE_FIXTURE(Fixture, "recommend: a model without users and items is refused") {
  model.names = {};
  CHECK(input_error_of([&] { Recommender(model, *objective); }).find("expected one of ratings") !=
        std::string::npos);
}

TEST_CASE_FIXTURE(Fixture, "recommend: whom or what the model does not know is left out, or refused") {
  const Recommender recommender(model, *objective);
  // Users and items that are not there, beside one that is to be found.
  Dataset::Columns parts;
  parts.indices = {0, kUsers + 2, kUsers, kUsers + 1, 1, kUsers + kItems};
  parts.offsets = {0, 2, 4, 6};
  parts.values.assign(6, 1);
  parts.labels = {1, 1, 1};
  const Ranking found = rank_held_out(recommender, Dataset(kUsers + kItems + 1, std::move(parts)), 0.0F, 2);
  CHECK(found.users == 1);
  CHECK(found.recall == 1);
  CHECK(input_error_of([&] { rank_held_out(recommender, Dataset(1, {}), {}, 0); }) ==
        "top = 0: must be >= 1");
  CHECK(input_error_of([&] { recommender.best(kUsers, 1); }) == "user = 3: must be less than 3, the model's");
  Model strange = model;
  strange.seen[1] = {kItems};
  CHECK(input_error_of([&] { Recommender(strange, *objective); }) ==
        "found item 5 among what users rated, expected less than 5");
  strange.seen[1] = {4, 0};
  CHECK(input_error_of([&] { Recommender(strange, *objective); }) ==
        "found items that user 1 rated out of order: they must be increasing");
  strange.seen[1] = {4, 4};
  CHECK(input_error_of([&] { Recommender(strange, *objective); }).find("out of order") != std::string::npos);
  strange.seen.pop_back();
  CHECK(input_error_of([&] { Recommender(strange, *objective); }) ==
        "found what 2 users rated, expected 3, or nothing");
  CHECK(input_error_of([&] {
          Recommender(model, *make_objective("matrix_completion", {{"rank", 1}}));
        }) == "found a model of matrix_completion_one_class, expected one of matrix_completion");
}

TEST_CASE_FIXTURE(Fixture, "recommend: more to find than is shown, and less shown than asked for, by hand") {
  const Recommender recommender(model, *objective);
  const Dataset data = pairs_of({{0, 1}, {0, 2}, {0, 3}}, {1, 1, 1});
  const Ranking first = rank_held_out(recommender, data, 0.0F, 1);
  CHECK(first.precision == 1);
  CHECK(first.recall == doctest::Approx(1.0 / 3));
  CHECK(first.ndcg == doctest::Approx(1));  // no list of one is better
  const Ranking all = rank_held_out(recommender, data, 0.0F, 4);
  CHECK(all.precision == doctest::Approx(3.0 / 4));  // of the places asked for
  CHECK(all.recall == 1);
  CHECK(all.ndcg == doctest::Approx(1));
}

}  // namespace sounder
