#include "engine/checkpoint.h"

#include <doctest/doctest.h>

#include <vector>

#include "engine/layout.h"
#include "objectives/catalogue.h"
#include "test/support.h"

using namespace sounder;
using namespace sounder::test;

TEST_CASE("checkpoint: a run goes back to all that it had, also after another round trip") {
  const auto objective = make_objective("hinge");
  const Layout layout(numbered_rows(8, {{0, 1, 2}, {3, 4}, {5, 6, 7}}), {}, false);
  Parameters parameters(layout.cells(), layout.cell_floats());
  Sampler sampler({.rows = {3}}, {.schedule = Schedule::kConstant, .rows = 3}, {}, 1);
  Turns turns(*objective, layout, Rule::kSdca);
  std::vector<Block> blocks(2);
  const auto set = [&](float value) {
    parameters.write(std::vector<float>(parameters.floats(), value));
    sampler.set_averaged(value + 1);
    turns.set_anchors(std::vector<float>(turns.anchors().size(), value + 2));
    blocks[0].memory.assign(3, value + 3);
    blocks[1].memory.assign(2, value + 4);
  };
  const auto check_is = [&](float value) {
    for (const float weight : parameters.all()) CHECK(weight == value);
    CHECK(sampler.average()->all == value + 1);
    REQUIRE(!turns.anchors().empty());
    for (const float anchor : turns.anchors()) CHECK(anchor == value + 2);
    CHECK(blocks[0].memory == std::vector<float>(3, value + 3));
    CHECK(blocks[1].memory == std::vector<float>(2, value + 4));
  };
  sampler.start_average();
  Checkpoint checkpoint;
  for (const float value : {10.0F, 20.0F}) {
    set(value);
    checkpoint.take(parameters, sampler, turns, blocks);
    for (int times = 0; times < 2; ++times) {
      set(99);
      checkpoint.restore(parameters, sampler, turns, blocks);
      check_is(value);
    }
  }
}
