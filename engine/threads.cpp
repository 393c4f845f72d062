#include "engine/threads.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "engine/machine.h"

namespace sounder {
namespace {

// A thread for so much of an epoch, some 100 us, if nobody says how many: waking it, its messages and the smaller blocks
// cost as much.
int worthwhile_threads(const Source& data, const Objective& objective) {
  constexpr std::uint64_t kThreadFloats = 50'000;
  const std::uint64_t floats = data.nonzeros() * objective.shape().width;
  return static_cast<int>(
      std::clamp<std::uint64_t>(floats / kThreadFloats, 1, static_cast<std::uint64_t>(usable_threads())));
}

}  // namespace

Options with_worthwhile_threads(Options options, const Source& data, const Objective& objective) {
  const bool anywhere = on_any_node(options) && options.core_type < 0;
  if (options.simulate > 0) options.threads = 1;
  if (options.threads == 0 && anywhere && options.threads_per_core == 0)
    return with_threads(std::move(options), worthwhile_threads(data, objective));
  return options;
}

Options with_threads(Options options, int threads) {
  options.threads = threads;
  options.reserved_slots = std::min(options.reserved_slots, threads);
  return options;
}

}  // namespace sounder
