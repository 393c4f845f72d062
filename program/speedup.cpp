#include "program/speedup.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/train.h"
#include "io/error.h"
#include "io/output.h"
#include "program/commands.h"

namespace sounder {
namespace {

constexpr double kNever = std::numeric_limits<double>::infinity();
constexpr int kMostSimulated = 1024;
constexpr std::size_t kRowsPerSimulated = 8;

// --- Who takes part

std::vector<int> default_threads() {
  std::vector<int> threads;
  const int all = usable_threads();
  for (int count = 1; count < all; count *= 2) threads.push_back(count);
  threads.push_back(all);
  return threads;
}

std::vector<int> default_workers(std::size_t rows) {
  std::vector<int> workers;
  const auto most = std::min<std::size_t>(kMostSimulated, rows / kRowsPerSimulated);
  for (int count = 1; static_cast<std::size_t>(count) <= most; count *= 4) workers.push_back(count);
  return workers;
}

// Study::kSerial of them first: the program's best, and the textbook's.
std::vector<Contender> measured_of(const SpeedupFlags& flags) {
  std::vector<Contender> contenders{{.variant = {}, .rounds = {}, .refusal = {}},
                                    {.variant = {.block_rows = 1}, .rounds = {}, .refusal = {}}};
  const auto add = [&](const Variant& variant, int threads) {
    const auto same = [&](const Contender& c) { return c.variant == variant && c.threads == threads; };
    if (std::ranges::none_of(contenders, same))
      contenders.push_back({.variant = variant, .threads = threads, .rounds = {}, .refusal = {}});
  };
  for (const Variant& variant : flags.variants) {
    for (const int threads : flags.threads.empty() ? default_threads() : flags.threads) add(variant, threads);
  }
  return contenders;
}

std::vector<Contender> simulated_of(const SpeedupFlags& flags, std::size_t rows) {
  std::vector<int> workers = flags.simulated ? *flags.simulated : default_workers(rows);
  std::ranges::sort(workers);
  if (!workers.empty() && workers.front() != 1) workers.insert(workers.begin(), 1);
  std::vector<Contender> contenders;
  contenders.reserve(workers.size());
  for (const int count : workers)
    contenders.push_back({.variant = {.block_rows = 1}, .workers = count, .rounds = {}, .refusal = {}});
  return contenders;
}

Options options_of(const Options& common, const Contender& contender) {
  Options options = common;
  options.discipline = contender.variant.discipline;
  options.block_rows = contender.variant.block_rows;
  options.threads = contender.threads;
  options.simulate = contender.workers;
  return options;
}

// --- Running them

// One refusal is a finding, refusals only are an error; so is having nothing to compare with.
void require_some(const SpeedupFlags& flags, const std::vector<Contender>& contenders) {
  const auto refused = [](const Contender& c) { return !c.refusal.empty(); };
  const auto wanted = [&](const Contender& c) {
    return std::ranges::find(flags.variants, c.variant) != flags.variants.end();
  };
  const auto serial = std::span(contenders).first(Study::kSerial);
  if (std::ranges::all_of(serial, refused)) throw InputError(serial[0].refusal);
  if (std::ranges::any_of(contenders, [&](const Contender& c) { return wanted(c) && !refused(c); })) return;
  throw InputError(std::ranges::find_if(contenders, refused)->refusal);
}

class Runner {
 public:
  Runner(const SpeedupFlags& flags, const Dataset& data, const Objective& objective, ProgressLine& progress,
         const Interrupts& interrupts)
      : flags_(flags), data_(data), objective_(objective), progress_(progress), interrupts_(interrupts) {}

  // In turn, so that what else the machine does meets all alike.
  void measure(std::vector<Contender>& contenders) {
    for (int round = 1; round <= flags_.repeat; ++round) {
      const std::string where = fmt::format("round {} of {}", round, flags_.repeat);
      progress_.append(where);
      for (Contender& contender : contenders) {
        progress_.rewrite(fmt::format("{}: {} on {}", where, name_of(contender.variant), contender.threads));
        run(contender, flags_.options);
      }
      require_some(flags_, contenders);
    }
  }

  // With the step that suits one worker, unless told otherwise: a smaller one for more workers would cost
  // epochs that staleness does not.
  void simulate(std::vector<Contender>& contenders) {
    Options options = flags_.options;
    for (Contender& contender : contenders) {
      const std::string what = fmt::format("simulating {}", contender.workers);
      progress_.append(what);
      progress_.rewrite(what);
      run(contender, options);
      const bool settled =
          traits_of(options.rule).step == StepChoice::kNone || options.schedule == Schedule::kTheorem;
      if (!contender.refusal.empty() || settled) continue;
      if (!options.step) options.step = contender.rounds.front().step;
    }
  }

 private:
  void run(Contender& contender, const Options& common) try {
    if (!contender.refusal.empty()) return;
    const Monitor monitor{.on_epoch = {}, .on_progress = {}, .stop = interrupts_.token(), .validation = {}};
    contender.rounds.push_back(train(data_, objective_, options_of(common, contender), monitor).report);
    if (contender.rounds.back().outcome == Outcome::kCancelled) throw Interrupted();
  } catch (const InputError& error) {
    contender.refusal = error.what();
  }

  const SpeedupFlags& flags_;
  const Dataset& data_;
  const Objective& objective_;
  ProgressLine& progress_;
  const Interrupts& interrupts_;
};

// --- Judging them

double median(std::vector<double> values) {
  std::ranges::sort(values);
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

template <class Figure>
std::vector<double> by_round(const Contender& contender, const Figure& figure) {
  std::vector<double> values;
  for (const Report& report : contender.rounds) values.push_back(std::invoke(figure, report));
  return values;
}

double seconds_per_epoch(const Report& report) {
  return report.train_seconds / report.epochs;
}

std::vector<double> to_target(const Contender& contender, double target, auto figure) {
  return by_round(contender, [&](const Report& report) -> double {
    const auto& rows = report.per_epoch;
    const auto there =
        std::ranges::find_if(rows, [&](const EpochReport& r) { return r.objective <= target; });
    return there == rows.end() ? kNever : static_cast<double>(std::invoke(figure, *there));
  });
}

std::optional<double> if_ever(double value) {
  return std::isfinite(value) ? std::optional(value) : std::nullopt;
}

double best_of(std::span<const Contender> contenders) {
  double best = kNever;
  for (const Contender& contender : contenders) {
    for (const Report& report : contender.rounds) {
      best = std::min(best, report.objective);
      for (const EpochReport& row : report.per_epoch) best = std::min(best, row.objective);
    }
  }
  return best;
}

}  // namespace

Study::Study(const SpeedupFlags& flags, std::vector<Contender> measured, std::vector<Contender> simulated)
    : flags_(flags),
      measured_(std::move(measured)),
      simulated_(std::move(simulated)),
      best_(std::min(best_of(measured_), best_of(simulated_))),
      target_(flags.target.value_or(best_ + flags.above / 100 * std::fabs(best_))) {
  const auto cost = [&](std::size_t number) {
    const Contender& c = measured_[number];
    return c.refusal.empty() ? median(by_round(c, seconds_per_epoch)) : kNever;
  };
  for (std::size_t number = 1; number < kSerial; ++number) {
    if (cost(number) < cost(serial_)) serial_ = number;
  }
}

double Study::percent_above_best(double objective) const {
  constexpr double kTiny = 1e-12;
  return 100 * (objective - best_) / std::max(std::fabs(best_), kTiny);
}

Figures Study::figures(const Contender& contender) const {
  std::vector<double> speedups = by_round(serial(), seconds_per_epoch);
  const std::vector<double> seconds = by_round(contender, seconds_per_epoch);
  const std::size_t paired = std::min(speedups.size(), seconds.size());
  speedups.resize(paired);
  for (std::size_t round = 0; round < paired; ++round) speedups[round] /= seconds[round];
  const auto [least, most] = std::ranges::minmax_element(speedups);
  const auto wait = [&](const Contender& c) {
    return c.refusal.empty() ? median(to_target(c, target_, &EpochReport::seconds)) : kNever;
  };
  const double mine = wait(contender);
  const double shortest = std::min(wait(measured_[0]), wait(measured_[1]));
  return {.seconds = median(seconds),
          .speedup = median(speedups),
          .least_speedup = *least,
          .most_speedup = *most,
          .objective = median(by_round(contender, &Report::objective)),
          .epochs_to_target = if_ever(median(to_target(contender, target_, &EpochReport::epoch))),
          .seconds_to_target = if_ever(mine),
          .speedup_to_target = mine < kNever ? if_ever(shortest / mine) : std::nullopt};
}

std::optional<double> Study::inflation(const Contender& contender) const {
  if (!simulated_.front().refusal.empty()) return std::nullopt;
  const auto epochs = figures(contender).epochs_to_target;
  const auto alone = figures(simulated_.front()).epochs_to_target;
  return epochs && alone ? std::optional(*epochs / *alone) : std::nullopt;
}

std::string name_of(const Variant& variant) {
  const std::string_view name = name_of(variant.discipline);
  return variant.block_rows == 0 ? std::string(name) : fmt::format("{}:{}", name, variant.block_rows);
}

const Report& typical(const Contender& contender) {
  std::vector<const Report*> order;
  for (const Report& report : contender.rounds) order.push_back(&report);
  std::ranges::sort(order, {}, &Report::train_seconds);
  return *order[order.size() / 2];
}

int run(const SpeedupFlags& flags, Interrupts& interrupts) try {
  std::optional<ProgressLine> progress(flags.quiet);
  progress->rewrite(fmt::format("reading {}", flags.data));
  std::optional<Arena> readers(flags.options);
  const TrainingData data = read_for_training(flags, parallel_on(*readers));
  readers.reset();

  const Interrupts::Hold hold(interrupts);
  std::vector<Contender> measured = measured_of(flags);
  std::vector<Contender> simulated = simulated_of(flags, data.samples.rows());
  Runner runner(flags, data.samples, *data.objective, *progress, interrupts);
  runner.measure(measured);
  runner.simulate(simulated);
  progress.reset();

  const Study study(flags, std::move(measured), std::move(simulated));
  if (!flags.report.empty()) write_file(flags.report, json_of(study));
  if (!flags.plot.empty()) write_file(flags.plot, to_svg(charts_of(study)));
  if (!flags.quiet) say_beside(flags.outputs(), table_of(study));
  return interrupts.exit_code();
} catch (const Interrupted&) {
  return stopped(interrupts);
}

}  // namespace sounder
