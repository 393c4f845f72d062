#include "engine/options.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>
#include <vector>

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

void validate_schedule(const Options& o) {
  const auto clash = [&](std::string_view what) {
    return fmt::format("schedule = {}: {}", name_of(o.schedule), what);
  };
  const bool theorem = o.schedule == Schedule::kTheorem;
  require(!o.decay || o.schedule == Schedule::kGeometric || o.schedule == Schedule::kBackoff,
          clash("has no decay to set; take geometric or backoff"));
  require(!o.accuracy || theorem, clash("has no accuracy to set; take theorem"));
  if (!theorem) return;
  require(o.accuracy.has_value(), clash("needs an accuracy > 0, the E |w - w*|^2 wanted"));
  require(o.rule == Rule::kSgd, clash(fmt::format("is about the rule sgd, not {}", name_of(o.rule))));
  require(o.l2 > 0, clash("needs l2 > 0, which is the strong convexity it builds on"));
  require(!o.bias, clash("a bias is not regularised, so not strongly convex; add a constant column instead"));
  require(!o.step, clash("works out the step itself; leave the step out"));
}

void validate_sparsify(const Options& o) {
  require(o.keep > 0 && o.keep <= 1, "keep", o.keep, "> 0 and <= 1");
  if (o.sparsify == Sparsify::kNone) return;
  const RuleTraits& rule = traits_of(o.rule);
  const auto clash = [&](std::string_view what) {
    return fmt::format("sparsify = {}: {}", name_of(o.sparsify), what);
  };
  require(o.tau == 0,
          clash("holds changes back for up to an epoch, which is no bound on staleness; tau must be 0"));
  require(
      !rule.snapshots && !rule.derives && rule.memory == 0,
      clash(fmt::format("tears apart sums that the rule {} needs whole; take sgd or adagrad", rule.name)));
  require(!traits_of(discipline_of(o)).disjoint,
          clash(fmt::format("the discipline {} stores, and adds nothing later; take reproducible or atomic",
                            name_of(discipline_of(o)))));
}

// What minimises with L1, of what suits the objective.
std::string mend_for_l1(const Objective& objective) {
  std::vector<std::string_view> rules;
  for (const Rule rule : all_rules())
    if (traits_of(rule).l1 && objective.suits(rule)) rules.push_back(name_of(rule));
  if (rules.empty() || objective.shape().terms) return "leave it out: " + objective.name() + " has no l1";
  const std::string last(rules.back());
  rules.pop_back();
  return fmt::format("for {} take {}{}{}", objective.name(), fmt::join(rules, ", "),
                     rules.empty() ? "" : " or ", last);
}

void validate_combination(const Options& o, std::string_view l1_mend) {
  const RuleTraits& rule = traits_of(o.rule);
  const auto clash = [&](std::string_view what) { return fmt::format("rule = {}: {}", rule.name, what); };
  require(o.l1 == 0 || rule.l1, clash(fmt::format("cannot minimise with l1 > 0; {}", l1_mend)));
  require(!rule.dual || !o.bias, clash("has no bias; add a constant column to the data instead"));
  require(!traits_of(discipline_of(o)).rounds || o.tau == 0,
          fmt::format("discipline = {}: a round is its staleness bound; tau must be 0",
                      name_of(discipline_of(o))));
  require(!traits_of(discipline_of(o)).disjoint || !o.bias,
          fmt::format(
              "discipline = {}: every sample touches a bias, so no two could run at once; take atomic, or "
              "leave the bias out",
              name_of(discipline_of(o))));
  require(rule.step != StepChoice::kNone || !o.step, clash("has no step to set"));
  require(rule.step != StepChoice::kNone || o.schedule == Schedule::kAuto,
          clash(fmt::format("has no step for the schedule {} to change", name_of(o.schedule))));
  require(!rule.derives || o.schedule == Schedule::kAuto || o.schedule == Schedule::kConstant,
          clash(fmt::format("its weights follow from its step, and would shrink with it by the schedule {}; "
                            "take constant",
                            name_of(o.schedule))));
  require(o.gap == 0 || rule.dual,
          clash("has no duality gap to stop at; take sdca, if it suits the objective"));
  require(o.average_from == 0 || (!rule.dual && !rule.derives), clash("its iterates cannot be averaged"));
  if (o.simulate == 0) return;
  const auto simulation = [&](std::string_view what) {
    return fmt::format("simulate = {}: {}", o.simulate, what);
  };
  require(o.threads <= 1, simulation(fmt::format("runs on one thread, not on threads = {}", o.threads)));
  require(discipline_of(o) == Discipline::kAtomic,
          simulation(fmt::format("takes the atomic discipline, not {}", name_of(discipline_of(o)))));
  require(o.tau == 0, simulation("is the staleness itself, in blocks; tau must be 0"));
}

void validate_refresh(const Options& o) {
  if (o.refresh_rows == 0) return;
  const auto clash = [&](std::string_view what) {
    return fmt::format("refresh_rows = {}: {}; leave it at 0", o.refresh_rows, what);
  };
  require(traits_of(discipline_of(o)).refreshes && o.simulate == 0,
          clash("is for the disciplines atomic, lock_free and racy"));
  require(may_refresh(o),
          clash("does not go with averages or masks, nor with rules other than sgd, adagrad and ftrl"));
}

void validate_nodes(const Options& o) {
  std::vector<int> sorted = o.numa_nodes;
  std::ranges::sort(sorted);
  for (std::size_t k = 0; k < sorted.size(); ++k) {
    require(sorted[k] >= -1, "numa_nodes", sorted[k], "a node, or -1 for any");
    require(k == 0 || sorted[k] == -1 || sorted[k] != sorted[k - 1], "numa_nodes", sorted[k], "there once");
  }
  if (sorted.size() == 1) return;
  const std::string given = sorted.empty() ? "all" : fmt::format("{}", fmt::join(o.numa_nodes, ","));
  const auto clash = [&](std::string_view what) {
    return fmt::format("numa_nodes = {}: {}; name one node", given, what);
  };
  require(!traits_of(discipline_of(o)).rounds,
          clash(fmt::format("every round of the discipline {} would wait for all nodes",
                            name_of(discipline_of(o)))));
  require(o.simulate == 0, clash("simulated workers run on one thread"));
}

void validate_all(const Options& o, std::string_view l1_mend) {
  const auto among = [](const auto& all, auto value) { return std::ranges::find(all, value) != all.end(); };
  require(among(all_rules(), o.rule), "rule", static_cast<int>(o.rule), "one that there is");
  require(among(all_disciplines(), discipline_of(o)), "discipline", static_cast<int>(discipline_of(o)),
          "one that there is");
  const auto named = [](std::string_view field, auto value) {
    require(!name_of(value).empty(), field, static_cast<int>(value), "one that there is");
  };
  named("schedule", o.schedule);
  named("sparsify", o.sparsify);
  named("priority", o.priority);
  require(o.l2 >= 0 && std::isfinite(o.l2), "l2", o.l2, ">= 0");
  require(o.l1 >= 0 && std::isfinite(o.l1), "l1", o.l1, ">= 0");
  require(o.epochs >= 1, "epochs", o.epochs, ">= 1");
  if (o.step) require(*o.step > 0 && std::isfinite(*o.step), "step", *o.step, "> 0");
  if (o.decay) require(*o.decay > 0 && *o.decay <= 1, "decay", *o.decay, "> 0 and <= 1");
  if (o.accuracy) require(*o.accuracy > 0 && std::isfinite(*o.accuracy), "accuracy", *o.accuracy, "> 0");
  require(o.average_from >= 0 && o.average_from <= o.epochs, "average_from", o.average_from,
          fmt::format("0 (never) to epochs = {}", o.epochs));
  require(o.tolerance >= 0 && o.tolerance < 1, "tolerance", o.tolerance, ">= 0 and < 1");
  require(o.evaluate_every >= 1, "evaluate_every", o.evaluate_every, ">= 1");
  require(o.patience >= 1, "patience", o.patience, ">= 1");
  require(o.gap >= 0 && o.gap < 1, "gap", o.gap, ">= 0 and < 1");
  if (o.target) require(std::isfinite(*o.target), "target", *o.target, "a finite number");
  if (o.time_limit) require(*o.time_limit > 0, "time_limit", *o.time_limit, "> 0 seconds");
  require(o.threads >= 0 && o.threads <= 1024, "threads", o.threads, "0 (all there are) to 1024");
  require(o.simulate >= 0 && o.simulate <= 65536, "simulate", o.simulate, "0 (no simulation) to 65536");
  require(o.tau == 0 || o.tau >= o.block_rows, "tau", o.tau,
          fmt::format(">= block_rows = {}: a block is the least that can be in flight", o.block_rows));
  require(o.reserved_slots >= 0 && o.reserved_slots <= 1024, "reserved_slots", o.reserved_slots, "0 to 1024");
  require(o.threads == 0 || o.reserved_slots <= o.threads, "reserved_slots", o.reserved_slots,
          fmt::format("<= threads = {}", o.threads));
  require(o.core_type >= -1, "core_type", o.core_type, "a kind of cores, or -1 for any");
  require(o.threads_per_core >= 0, "threads_per_core", o.threads_per_core, ">= 0, and 0 is all");
  validate_nodes(o);
  validate_schedule(o);
  validate_sparsify(o);
  validate_combination(o, l1_mend);
  validate_refresh(o);
}

}  // namespace

bool may_refresh(const Options& options) {
  const RuleTraits& rule = traits_of(options.rule);
  return options.average_from == 0 && options.sparsify == Sparsify::kNone && !rule.shares && !rule.dual;
}

bool on_any_node(const Options& options) {
  return options.numa_nodes == std::vector{-1};
}

bool pushes_at_once(const Options& options) {
  return options.simulate == 0 && options.sparsify == Sparsify::kNone;
}

bool one_sample_blocks(const Options& options) {
  return options.block_rows == 1 || (options.block_rows == 0 && traits_of(discipline_of(options)).by_sample);
}

Options options_for(const Objective& objective) {
  const Defaults defaults = objective.defaults();
  Options options;
  options.rule = defaults.rule;
  options.l2 = defaults.l2;
  options.epochs = defaults.epochs;
  return options;
}

void validate(const Options& options) {
  validate_all(options, "take saga, svrg, ftrl or adagrad, what suits the objective");
}

void validate(const Options& options, const Objective& objective) {
  validate_all(options, mend_for_l1(objective));
}

Discipline discipline_of(const Options& options) {
  return options.discipline.value_or(Discipline::kAtomic);
}

double decay_of(const Options& options) {
  constexpr double kByEpoch = 0.9;   // HOGWILD! section 6
  constexpr double kByPhase = 0.37;  // HOGWILD! section 5: the best for a run of many phases
  return options.decay.value_or(options.schedule == Schedule::kBackoff ? kByPhase : kByEpoch);
}

}  // namespace sounder
