#include "io/ids.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "test/support.h"

using namespace sounder;
using namespace sounder::test;

namespace {

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("ids: numbers names in order of first appearance") {
  Ids ids;
  CHECK(ids.size() == 0);
  CHECK(!ids.find("x"));
  const std::pair<std::string_view, std::uint32_t> cases[] = {{"x", 0},  {"10", 1}, {"x", 0},  {"", 2},
                                                              {"xx", 3}, {"1", 4},  {"10", 1}, {"", 2}};
  for (const auto& c : cases) {
    CAPTURE(c.first);
    CHECK(ids.add(c.first) == c.second);
    CHECK(ids.find(c.first) == c.second);
    CHECK(ids.name(c.second) == c.first);
  }
  CHECK(ids.size() == 5);
  CHECK(!ids.find("y"));
  CHECK(!ids.find(std::string_view("x\0", 2)));
  CHECK(ids.names() == Names{"x", "10", "", "xx", "1"});
}

TEST_CASE("ids: agrees with a map, however many names there are") {
  std::mt19937 random(1);
  std::map<std::string, std::uint32_t> oracle;
  Ids ids;
  for (int i = 0; i < 100'000; ++i) {
    const std::string name = std::to_string(random() % 30'000) + std::string(random() % 2 * 20, 'x');
    const auto expected = oracle.emplace(name, static_cast<std::uint32_t>(oracle.size())).first->second;
    if (ids.add(name) != expected || ids.name(expected) != name) FAIL("wrong number of " << name);
  }
  REQUIRE(ids.size() == oracle.size());
  for (const auto& [name, number] : oracle)
    if (ids.find(name) != number) FAIL("lost " << name);
  CHECK(!ids.find("30000"));
}

TEST_CASE("ids: keeps very many names apart, short and long ones") {
  constexpr std::uint32_t kNames = 400'000;
  Ids ids;
  for (std::uint32_t i = 0; i < kNames; ++i) ids.add(std::to_string(i));
  for (std::uint32_t i = 0; i < kNames; ++i) ids.add("a long name " + std::to_string(i));
  CHECK(ids.size() == 2 * kNames);
}

TEST_CASE("ids: names that differ in a zero byte or in their length only are not the same") {
  Ids ids;
  const std::string zeros(10, '\0');
  for (std::size_t size = 0; size <= zeros.size(); ++size) CHECK(ids.add(zeros.substr(0, size)) == size);
  for (std::size_t size = 0; size <= zeros.size(); ++size) CHECK(ids.find(zeros.substr(0, size)) == size);
}

TEST_CASE("ids: a vector of names makes the same ids, and must not repeat one") {
  const Names names = {"b", "a", "7"};
  CHECK(Ids(names).names() == names);
  CHECK(Ids(names).find("7") == 2U);
  CHECK(Ids(Names{}).size() == 0);
  CHECK(input_error_of([] { Ids(Names{"b", "a", "b"}); }) == "found the name \"b\" twice");
}

TEST_CASE("ids: copies are independent, and what was moved from can be used again") {
  Ids ids(Names{"a"});
  Ids copy = ids;
  copy.add("b");
  CHECK(!ids.find("b"));
  CHECK(ids.add("c") == 1);
  CHECK(copy.names() == Names{"a", "b"});
  const Ids moved = std::move(copy);
  copy = Ids();
  CHECK(copy.add("z") == 0);
  CHECK(moved.names() == Names{"a", "b"});
}
