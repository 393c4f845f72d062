#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <new>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>

#include "engine/stopwatch.h"
#include "engine/train.h"
#include "io/counted.h"
#include "io/error.h"
#include "io/model_file.h"
#include "io/output.h"
#include "program/commands.h"

namespace sounder {
namespace {

std::string size_of(const TrainingSet& data) {
  if (!data.blocks)
    return describe_size(data.samples.rows(), data.samples.dimension(), data.samples.nonzeros());
  const BlockFileShape& shape = data.blocks->shape();
  return describe_size(shape.rows, shape.dimension, shape.nonzeros);
}

std::string time_left(double seconds) {
  if (seconds < 100) return fmt::format("{:.0f} s", seconds);
  return fmt::format("{:.0f} min", seconds / 60);
}

// Leaves the only copy of the samples to train(), which frees them early. Calls `begun` with news of updates, one call at a time.
Trained train_on(TrainingSet& data, const TrainFlags& flags, ProgressLine& progress, std::stop_token stop,
                 const std::function<void()>& begun) {
  const std::string size = size_of(data);
  Options options = flags.options;
  options.start = data.start;
  const Monitor monitor{.on_epoch =
                            [&](const EpochReport& row) {
                              begun();
                              progress.append(describe(row));
                            },
                        .on_progress =
                            [&](const Progress& now) {
                              begun();
                              progress.rewrite(describe(now));
                            },
                        .measure = flags.measure,
                        .stop = std::move(stop),
                        .validation = std::move(data.validation)};
  try {
    if (data.blocks) return train(std::move(data.blocks), *data.objective, options, monitor);
    return train(std::move(data.samples), *data.objective, options, monitor);
  } catch (const InputError& error) {
    const std::string_view message = error.what();
    if (!message.starts_with("start: ")) throw;
    throw InputError({flags.start}, message);
  } catch (const std::bad_alloc&) {
    refuse_size(flags.data, size);
  }
}

Remarks remarks_of(const TrainFlags& flags, const Model& model) {
  Remarks remarks{{"data", flags.data},
                  {"objective", model.objective},
                  {"normalize", model.normalize},
                  {"scale_columns", flags.scale_columns},
                  {"index_base", std::uint64_t{model.index_base}},
                  {"ignore_unknown", flags.ignore_unknown}};
  if (!flags.model.empty()) remarks["model"] = flags.model;
  if (!flags.start.empty()) remarks["start"] = flags.start;
  if (!flags.validation.empty()) remarks["valid"] = flags.validation;
  if (flags.valid_share) remarks["valid_share"] = *flags.valid_share;
  for (const auto& [name, value] : model.parameters) remarks[name] = value;
  if (flags.labels.positive_above) remarks["positive_above"] = *flags.labels.positive_above;
  if (flags.labels.positive_class) remarks["positive_class"] = *flags.labels.positive_class;
  remarks.merge(weighting_of(flags));
  return remarks;
}

// A run that never got anywhere has no model worth keeping, unless it began with one.
bool keeps_model(const TrainFlags& flags, const Report& report) {
  const bool began_with_one = !flags.start.empty() && report.outcome != Outcome::kDiverged;
  return !flags.model.empty() && (report.best_epoch > 0 || began_with_one);
}

std::string describe_kept(const TrainFlags& flags, const Trained& trained) {
  if (flags.model.empty()) return "not kept; --model FILE keeps it";
  if (!keeps_model(flags, trained.report)) return "not written, for no epoch ended well";
  const auto zeros = std::ranges::count(trained.model.weights, 0.0F);
  const auto size = std::ssize(trained.model.weights);
  const std::string same =
      trained.report.best_epoch > 0 ? "" : fmt::format("; that of {}, as no epoch was better", flags.start);
  return fmt::format("{} ({} of {} weights are not zero{})", flags.model, size - zeros, size, same);
}

std::string describe(const Theorem& theorem, const Report& report) {
  return fmt::format(
      "theorem: step {:.3g}, as m = {:.3g} and M is about {:.3g}; |w - w*|^2 is expected to be {:.3g} after "
      "{:.3g} updates, {:.3g} epochs\n",
      theorem.step, theorem.strong_convexity, theorem.gradient_bound, *report.options.accuracy,
      theorem.samples, theorem.samples / static_cast<double>(report.samples));
}

std::string describe(const Asynchrony& found) {
  const char* verdict = found.share() < 1 ? "below" : "above";
  return fmt::format(
      "asynchrony: blocks were {} stale in the median, {} at the 99th percentile, {} at most (n / (2 "
      "Dbar) = "
      "{:.3g}); its noise was {:.3g} times the gradient's, {} it\n",
      counted(found.staleness_p50, "sample"), found.staleness_p99, found.staleness_max, found.safe,
      found.share(), verdict);
}

std::string describe(const Choices& choices) {
  std::string text;
  choices.for_each([&](std::string_view name, const Choice& choice) {
    text += fmt::format("{} {}: {}\n", name, choice.value, choice.why);
  });
  return text;
}

std::string summary(const TrainFlags& flags, const Trained& trained) {
  const Report& report = trained.report;
  std::string text = report.brief() + '\n';
  if (report.validation) {
    text += fmt::format("validation: {} (epoch {})\n", describe(*report.validation), report.best_epoch);
  }
  if (report.gap) text += fmt::format("duality gap: {:.3g} of the objective\n", *report.gap);
  text += describe(report.choices);
  if (!report.note.empty()) text += fmt::format("note: {}\n", report.note);
  if (report.theorem) text += describe(*report.theorem, report);
  if (report.asynchrony) text += describe(*report.asynchrony);
  if (report.share_lost)
    text += fmt::format("lost: {:.2g} % of the adds, an estimate\n", 100 * *report.share_lost);
  if (report.share_pushed)
    text += fmt::format("pushed: {:.2g} % of the cells that changed\n", 100 * *report.share_pushed);
  text += fmt::format("model: {}\n", describe_kept(flags, trained));
  if (!flags.report.empty()) text += fmt::format("report: {}\n", flags.report);
  return text;
}

void finish(const TrainFlags& flags, const Trained& trained) {
  if (keeps_model(flags, trained.report)) save_model(trained.model, flags.model);
  if (!flags.report.empty()) write_file(flags.report, trained.report.to_json());
  if (!flags.quiet) say_beside(flags.outputs(), summary(flags, trained));
}

}  // namespace

std::string describe(const Progress& progress) {
  const std::string objective = progress.objective ? fmt::format("{:.6g}", *progress.objective) : "-";
  return fmt::format("epoch {}/{}  objective {}  {:.0f} M non-zeros/s  {} left", progress.epoch,
                     progress.epochs, objective, progress.nonzeros_per_second / 1e6,
                     time_left(progress.seconds_left));
}

std::string describe(const EpochReport& row) {
  const std::string held_out = row.validation ? "  validation " + describe(*row.validation) : "";
  const std::string gap = row.gap ? fmt::format("  gap {:.3g}", *row.gap) : "";
  return fmt::format("epoch {}  objective {:.6g}{}  step {:.4g}  {:.3f} s{}", row.epoch, row.objective, gap,
                     row.step, row.seconds, held_out);
}

int run(const TrainFlags& flags, Interrupts& interrupts) {
  if (flags.folds > 0) return cross_validate(flags, interrupts);
  std::optional<ProgressLine> progress(flags.quiet);
  progress->rewrite(fmt::format("reading {}", flags.data));
  const bool blocks = names_blocks(flags.data);
  if (flags.memory_mb && !blocks) throw InputError({flags.data}, "--memory is for a block file, found none");
  double load_seconds = 0;
  TrainingSet data = timed(load_seconds, [&] { return blocks ? load_blocks(flags) : load(flags); });

  // Before the first update there is nothing to keep: what prepares for very many columns need not come to its end.
  std::optional<Interrupts::Hold> hold;
  const auto begin_hold = [&] {
    if (!hold) hold.emplace(interrupts);
  };
  Trained trained = train_on(data, flags, *progress, interrupts.token(), begin_hold);
  begin_hold();
  progress.reset();
  complete(trained.model, data, flags.data);
  trained.report.load_seconds = load_seconds;
  trained.report.remarks = remarks_of(flags, trained.model);
  trained.report.remarks.merge(data.remarks);
  finish(flags, trained);
  const Outcome outcome = trained.report.outcome;
  const bool lost = !flags.model.empty() && !keeps_model(flags, trained.report);
  if (outcome == Outcome::kDiverged) complain("diverged: " + trained.report.advice);
  if (lost && outcome != Outcome::kDiverged)
    complain("stopped before an epoch ended well; no model was written");
  if (interrupts.requested()) return interrupts.exit_code();
  return lost || outcome == Outcome::kDiverged ? kFailure : 0;
}

}  // namespace sounder
