#include "engine/options.h"

#include <fmt/format.h>

#include <cmath>

#include "io/error.h"

namespace sounder {
namespace {

void require(bool holds, const std::string& message) {
  if (!holds) throw InputError(message);
}

template <class T>
void require(bool holds, std::string_view field, const T& value, std::string_view constraint) {
  if (!holds) throw InputError(fmt::format("{} = {}: must be {}", field, value, constraint));
}

void validate_combination(const Options& o) {
  const RuleTraits& rule = traits_of(o.rule);
  const auto clash = [&](std::string_view what) { return fmt::format("rule = {}: {}", rule.name, what); };
  require(o.l1 == 0 || rule.l1, clash("cannot minimise with l1 > 0; take saga, svrg or ftrl"));
  require(!rule.dual || o.l2 > 0, clash("needs l2 > 0: without it there is no dual problem"));
  require(!rule.dual || !o.bias, clash("has no bias; add a constant column to the data instead"));
  require(rule.step != StepChoice::kNone || !o.step, clash("has no step to set"));
  require(o.gap == 0 || rule.dual, clash("has no duality gap to stop at; take sdca"));
  require(o.average_from == 0 || (!rule.dual && !rule.derives), clash("its iterates cannot be averaged"));
}

}  // namespace

void validate(const Options& o) {
  require(o.l2 >= 0 && std::isfinite(o.l2), "l2", o.l2, ">= 0");
  require(o.l1 >= 0 && std::isfinite(o.l1), "l1", o.l1, ">= 0");
  require(o.epochs >= 1, "epochs", o.epochs, ">= 1");
  if (o.step) require(*o.step > 0 && std::isfinite(*o.step), "step", *o.step, "> 0");
  require(o.decay > 0 && o.decay <= 1, "decay", o.decay, "> 0 and <= 1");
  require(o.average_from >= 0 && o.average_from <= o.epochs, "average_from", o.average_from,
          fmt::format("0 (never) to epochs = {}", o.epochs));
  require(o.tolerance >= 0 && o.tolerance < 1, "tolerance", o.tolerance, ">= 0 and < 1");
  require(o.patience >= 1, "patience", o.patience, ">= 1");
  require(o.gap >= 0 && o.gap < 1, "gap", o.gap, ">= 0 and < 1");
  if (o.target) require(std::isfinite(*o.target), "target", *o.target, "a finite number");
  if (o.time_limit) require(*o.time_limit > 0, "time_limit", *o.time_limit, "> 0 seconds");
  require(o.threads >= 0 && o.threads <= 1024, "threads", o.threads, "0 (all there are) to 1024");
  require(o.tau == 0 || o.tau >= o.block_rows, "tau", o.tau,
          fmt::format(">= block_rows = {}: a block is the least that can be in flight", o.block_rows));
  require(o.reserved_slots >= 0, "reserved_slots", o.reserved_slots, ">= 0");
  require(o.threads == 0 || o.reserved_slots <= o.threads, "reserved_slots", o.reserved_slots,
          fmt::format("<= threads = {}", o.threads));
  require(o.numa_node >= -1, "numa_node", o.numa_node, "a node, or -1 for any");
  validate_combination(o);
}

std::string_view name_of(Schedule schedule) {
  switch (schedule) {
    case Schedule::kAuto:
      return "auto";
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
