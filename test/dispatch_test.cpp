#include "objectives/dispatch.h"

#include <doctest/doctest.h>

using namespace sounder;

TEST_CASE("dispatch: the instruction sets found are those that Highway's library finds") {
  CHECK((supported_targets() & HWY_TARGETS) == (hwy::SupportedTargets() & HWY_TARGETS));
}
