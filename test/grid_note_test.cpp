#include "engine/grid_note.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sounder {
namespace {

struct Result {
  double l2;
  double loss;  // below 0: it diverged
  std::optional<double> step = {};
};

std::string note_on(const std::vector<Result>& results) {
  std::vector<Tried> ranking;
  for (const auto& [l2, loss, step] : results)
    ranking.push_back({.candidate = {.l2 = l2, .step = step},
                       .diverged = loss < 0,
                       .best_epoch = 1,
                       .validation = {.loss = loss}});
  std::ranges::stable_sort(
      ranking, {}, [](const Tried& tried) { return std::pair(tried.diverged, tried.validation.loss); });
  return note_on_edges(ranking);
}

}  // namespace

TEST_CASE("grid note: a best l2 at the edge is told of, with values that go on from there") {
  CHECK(note_on({{1e-4, 0.4}, {1e-5, 0.3}, {1e-6, 0.2}}) ==
        "the best l2 is the smallest tried: try --l2s 1e-06,1e-07,1e-08");
  CHECK(note_on({{1e-4, 0.4}, {1e-2, 0.3}, {1, 0.2}}) ==
        "the best l2 is the largest tried: try --l2s 1,100,1e+04");
  CHECK(note_on({{0, 0.4}, {1e-3, 0.3}}) == "the best l2 is the largest tried: try --l2s 0.001,0.01,0.1");
}

TEST_CASE("grid note: nothing is told of a best value inside, alone, 0, or about as good as the next") {
  CHECK(note_on({{1e-4, 0.4}, {1e-5, 0.2}, {1e-6, 0.3}}).empty());
  CHECK(note_on({{1e-4, 0.4}}).empty());
  CHECK(note_on({{0, 0.1}, {1e-5, 0.2}}).empty());
  CHECK(note_on({{1e-5, 0.2}, {1e-6, 0.19999}}).empty());
  CHECK(note_on({{1e-5, -1}, {1e-6, -1}}).empty());
  CHECK(note_on({}).empty());
}

TEST_CASE("grid note: steps have edges too, but none where they are found or larger ones diverge") {
  CHECK(note_on({{1e-4, 0.4, 1}, {1e-4, 0.3, 2}, {1e-4, 0.2, 4}}) ==
        "the best step is the largest tried: try --steps 4,8,16");
  CHECK(note_on({{1e-4, 0.4, 1}, {1e-4, 0.3, 2}, {1e-4, -1, 4}}).empty());
  CHECK(note_on({{1e-4, 0.4, std::nullopt}, {1e-4, 0.3, 2}}).empty());
  CHECK(note_on({{1e-4, 0.4, 1}, {1e-5, 0.3, 1}, {1e-4, 0.3, 2}, {1e-5, 0.2, 2}}) ==
        "the best l2 is the smallest tried: try --l2s 1e-05,1e-06,1e-07; "
        "the best step is the largest tried: try --steps 2,4,8");
}

}  // namespace sounder
