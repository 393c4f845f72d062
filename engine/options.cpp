#include "engine/options.h"

#include <fmt/format.h>

#include <cmath>

#include "io/error.h"

namespace sounder {
namespace {

template <class T>
void require(bool holds, std::string_view field, const T& value, std::string_view constraint) {
  if (!holds) throw InputError(fmt::format("{} = {}: must be {}", field, value, constraint));
}

}  // namespace

void validate(const Options& o) {
  require(o.l2 >= 0 && std::isfinite(o.l2), "l2", o.l2, ">= 0");
  require(o.epochs >= 1, "epochs", o.epochs, ">= 1");
  if (o.step) require(*o.step > 0 && std::isfinite(*o.step), "step", *o.step, "> 0");
  require(o.decay > 0 && o.decay <= 1, "decay", o.decay, "> 0 and <= 1");
  require(o.tolerance >= 0 && o.tolerance < 1, "tolerance", o.tolerance, ">= 0 and < 1");
  require(o.patience >= 1, "patience", o.patience, ">= 1");
  if (o.target) require(std::isfinite(*o.target), "target", *o.target, "a finite number");
  if (o.time_limit) require(*o.time_limit > 0, "time_limit", *o.time_limit, "> 0 seconds");
  require(o.threads >= 0 && o.threads <= 1024, "threads", o.threads, "0 (all there are) to 1024");
  require(o.tau == 0 || o.tau >= o.block_rows, "tau", o.tau,
          fmt::format(">= block_rows = {}: a block is the least that can be in flight", o.block_rows));
  require(o.reserved_slots >= 0, "reserved_slots", o.reserved_slots, ">= 0");
  require(o.threads == 0 || o.reserved_slots <= o.threads, "reserved_slots", o.reserved_slots,
          fmt::format("<= threads = {}", o.threads));
  require(o.numa_node >= -1, "numa_node", o.numa_node, "a node, or -1 for any");
}

std::string_view name_of(Schedule schedule) {
  switch (schedule) {
    case Schedule::kAnneal:
      return "anneal";
    case Schedule::kConstant:
      return "constant";
    case Schedule::kGeometric:
      return "geometric";
    case Schedule::kInverse:
      return "inverse";
  }
  return "";
}

std::string_view name_of(Discipline discipline) {
  switch (discipline) {
    case Discipline::kAtomic:
      return "atomic";
    case Discipline::kLockFree:
      return "lock_free";
    case Discipline::kRacy:
      return "racy";
  }
  return "";
}

std::string_view name_of(Rule) {
  return "sgd";
}

std::string_view name_of(Priority priority) {
  switch (priority) {
    case Priority::kLow:
      return "low";
    case Priority::kNormal:
      return "normal";
    case Priority::kHigh:
      return "high";
  }
  return "";
}

}  // namespace sounder
