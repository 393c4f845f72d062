#include "io/nearest.h"

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

namespace sounder {
namespace {

const std::vector<std::string_view> kNames = {"train", "tune",    "--normalize",   "--l1",
                                              "--l2s", "--steps", "least_squares", "hinge"};

}  // namespace

TEST_CASE("nearest: a letter more, less, other, or two swapped") {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"trian", "train"},    {"trein", "train"},
      {"rain", "train"},     {"--l2", "--l2s"},
      {"hnge", "hinge"},     {"--normalise", "--normalize"},
      {"-steps", "--steps"}, {"least-square", "least_squares"},
      {"tuna", "tune"}};
  for (const auto& [word, expected] : cases) {
    CAPTURE(word);
    CHECK(nearest(word, kNames) == expected);
  }
}

TEST_CASE("nearest: what is far from all, or no name at all, has none") {
  for (const std::string_view word : {"cosine", "--frob", "x", "--", ""}) {
    CAPTURE(word);
    CHECK(nearest(word, std::vector<std::string_view>{"train", "--normalize"}).empty());
  }
  CHECK(nearest(std::string(100'000, 'a'), kNames).empty());
  CHECK(nearest("train", {}).empty());
}

TEST_CASE("nearest: in words") {
  CHECK(did_you_mean("trian", kNames) == ", did you mean train?");
  CHECK(did_you_mean("cosine", kNames).empty());
}

}  // namespace sounder
