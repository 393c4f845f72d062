#include "engine/train.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "engine/arena.h"
#include "engine/asynchrony.h"
#include "engine/block_supply.h"
#include "engine/check.h"
#include "engine/checkpoint.h"
#include "engine/course.h"
#include "engine/discipline.h"
#include "engine/duality.h"
#include "engine/evaluate.h"
#include "engine/fit_notes.h"
#include "engine/gradient_task.h"
#include "engine/graph.h"
#include "engine/layout.h"
#include "engine/parameters.h"
#include "engine/plan.h"
#include "engine/run_clock.h"
#include "engine/run_report.h"
#include "engine/sampler.h"
#include "engine/source.h"
#include "engine/step_limit.h"
#include "engine/stopwatch.h"
#include "engine/threads.h"
#include "engine/turns.h"
#include "io/error.h"

namespace sounder {
namespace {

constexpr int kMostRollbacks = 15;

// One run. sample(), work(), account() and end_round() are called by the graph while run_epoch() waits, work() by
// many threads and the others one at a time; everything else by the thread that called train(), with no task in
// flight.
class Trainer {
 public:
  Trainer(Source source, const Objective& objective, const Options& options, const Monitor& monitor,
          Arena& arena);

  Trained run();

 private:
  Pass pass_of(int epoch) const;
  std::unique_ptr<Writer> make_writer();
  int epochs_ahead() const;
  int epochs_over() const;
  void begin_epoch(int epochs);
  void visit_all(Turn turn);
  void run_epoch();
  void end_epoch();
  bool sample(Task& task);
  void work(const Task& task);
  void account(const Task& task);
  double objective_at_start();
  double score_at_start(double objective);
  bool to_evaluate() const;
  Evaluation sums_at(const Parameters& parameters);
  Metrics held_out();
  void evaluate();
  void take_checkpoint();
  void keep(const Course::Standing& standing);
  void roll_back();
  void record(double objective, const Evaluation& sums);
  std::optional<Outcome> verdict() const;
  Trained finish(Outcome outcome);

  // The weights after the last epoch, until it is rolled back.
  std::span<const float> latest() const {
    return averaging() ? std::span<const float>(mean_) : parameters_.all();
  }
  Model model_of(std::span<const float> array) const {
    return layout_.model(array, objective_, options_.l2, report_.samples);
  }
  double passes() const {
    return static_cast<double>(nonzeros_) / std::max(1.0, static_cast<double>(report_.nonzeros));
  }
  bool averaging() const { return options_.average_from > 0 && report_.epochs >= options_.average_from; }
  void tell_progress();

  const Objective& objective_;
  const Options options_;
  const RuleTraits& rule_ = traits_of(options_.rule);
  const Monitor& monitor_;
  Arena& arena_;
  RunClock clock_;
  Report report_;
  const std::optional<SampleScales> scales_;
  Layout layout_;
  // After the best epoch, mostly the checkpoint's; what training starts from, to begin with.
  std::shared_ptr<const std::vector<float>> best_;
  const double start_loss_;  // with that, unless it is a model's
  Plan plan_;
  const double safe_staleness_;  // of Monitor::measure
  BlockSupply supply_;
  const std::span<Block> blocks_;  // the supply's
  Parameters parameters_;
  std::unique_ptr<Writer> writer_;
  // A thread that waits for a core would keep what it has changed for epochs. What is kept for a sample must not be at work twice, as
  // one epoch runs into the next.
  const bool runs_on_;
  GradientTask task_;
  Sampler sampler_;
  StepLimit step_limit_;
  Turns turns_;
  Duality duality_;
  std::unique_ptr<Arena> few_;  // Plan::workers
  Graph graph_;

  Course course_;
  std::vector<float> mean_;  // averaging(): of all iterates after the last epoch
  Checkpoint good_;          // of the lowest objective
  int rolled_back_ = 0;      // the epoch that was last
  bool moved_ = false;       // since the last epoch that was recorded

  // Written by the ledger during an epoch, or several in one go.
  std::uint64_t epoch_samples_ = 0;
  std::uint64_t nonzeros_ = 0;  // until the end of the epoch, with those of samples at rest
};

Trainer::Trainer(Source source, const Objective& objective, const Options& options, const Monitor& monitor,
                 Arena& arena)
    : objective_(objective),
      options_(options),
      monitor_(monitor),
      arena_(arena),
      clock_(monitor, options.time_limit),
      report_(start_report(source, objective, options, arena)),
      scales_(timed(report_.prepare_seconds, [&] { return sample_scales(source, objective); })),
      layout_(
          timed(report_.prepare_seconds, [&] { return source.layout(objective, options, arena.threads()); })),
      best_(std::make_shared<const std::vector<float>>(source.start(layout_, objective, options))),
      start_loss_(options.start ? 0 : source.loss_of_zero(objective, options.bias ? best_->front() : 0)),
      plan_(timed(report_.search_seconds,
                  [&] {
                    return checked(make_plan(source, layout_, *best_, objective, options, arena.threads()),
                                   Graph::least_window(arena));
                  })),
      safe_staleness_(timed(
          report_.prepare_seconds,
          [&] { return monitor.measure ? estimate_safe_staleness(source.data(), options, arena) : 0.0; })),
      supply_(
          timed(report_.prepare_seconds,
                [&] { return BlockSupply(std::move(source), layout_, objective, options, plan_, arena); })),
      blocks_(supply_.blocks()),
      parameters_(layout_.cells(), layout_.cell_floats()),
      writer_(make_writer()),
      runs_on_(!plan_.strides.ends.empty() && !rule_.turns() && !arena.crowded() &&
               objective.memory(options.rule) == 0),
      task_(objective, layout_, blocks_, *writer_, plan_.strides, monitor.stop),
      sampler_(supply_.units(), plan_.clock, problem_of(options, objective, plan_), options.seed),
      step_limit_(sampler_, plan_.cap_grows),
      turns_(objective, layout_, options.rule),
      duality_(objective, layout_, turns_, blocks_, options.l2, report_.samples,
               supply_.in_turn(run_serially), supply_.groups()),
      few_(plan_.workers > 0 ? std::make_unique<Arena>(with_threads(options, plan_.workers), &arena)
                             : nullptr),
      graph_(few_ ? *few_ : arena, plan_.window,
             {.sample = [this](Task& task) { return sample(task); },
              .work = [this](const Task& task) { work(task); },
              .account = [this](const Task& task) { account(task); },
              .end_round = [this] { writer_->end_round(); }}),
      course_(options_, objective.shape().rounded, plan_.settles) {
  arena.for_each_node([&](std::size_t node) { parameters_.touch(node, arena.nodes()); });
  for (const Block& block : blocks_) ++report_.nodes[block.node].blocks;
  parameters_.write(*best_);
  turns_.lead(sampler_.step(), parameters_);
  keep({.lowest = true, .best = true});
  const double objective_before = objective_at_start();
  course_.start(objective_before, score_at_start(objective_before));
  tell_plan(report_, plan_);
  report_.objective = objective_before;
}

std::unique_ptr<Writer> Trainer::make_writer() {
  if (plan_.alone && !monitor_.measure) return make_lone_writer(parameters_);
  auto writer = writer_of(options_, plan_, layout_, parameters_);
  if (const auto& ends = plan_.strides.ends; !ends.empty())
    writer = make_keeping_writer(std::move(writer), parameters_, ends, parallel_on(arena_));
  if (!monitor_.measure) return writer;
  return std::make_unique<MeasuringWriter>(std::move(writer), parameters_, layout_);
}

Trained Trainer::run() {
  std::optional<Outcome> outcome;
  while (!outcome) {
    const int epochs = epochs_ahead();
    ++report_.epochs;
    begin_epoch(epochs);
    run_epoch();
    report_.epochs += epochs_over();
    end_epoch();
    if (!to_evaluate())
      continue;  // also where time runs out or somebody stops the run right now: the next epoch is short then
    evaluate();
    outcome = verdict();
  }
  return finish(*outcome);
}

// Where threads keep copies they keep them from epoch to epoch, until somebody looks; but for no longer than all has gone well
// so far, so that a run which explodes is found out early, every time, and as their orders are drawn beforehand, not for too long.
int Trainer::epochs_ahead() const {
  constexpr int kMost = 64;
  if (!runs_on_) return 1;
  const int done = report_.epochs;
  const int look = options_.evaluate_every - done % options_.evaluate_every;
  return std::max(1, std::min({kMost, look, options_.epochs - done, done - rolled_back_}));
}

// Of those that were ahead, besides the first; the last of them may not be over.
int Trainer::epochs_over() const {
  return static_cast<int>((std::max<std::uint64_t>(epoch_samples_, 1) - 1) / report_.samples);
}

// A gradient of all samples, then two epochs of updates: Mania et al. (2015), section 5.
Pass Trainer::pass_of(int epoch) const {
  return rule_.snapshots && epoch % 3 == 1 ? Pass::kSnapshot : Pass::kUpdate;
}

void Trainer::begin_epoch(int epochs) {
  const Pass pass = pass_of(report_.epochs);
  moved_ |= pass == Pass::kUpdate;
  const std::size_t plane = layout_.state_floats();
  const std::size_t state = layout_.weight_floats() + (layout_.planes().reweight ? plane : 0);
  if (pass == Pass::kSnapshot) parameters_.scale(0, state, state + plane * rule_.state, 0);
  if (report_.epochs == options_.average_from) sampler_.start_average();
  sampler_.begin_epoch(report_.epochs, pass, epochs);
  visit_all(Turn::kBegin);
  epoch_samples_ = 0;
  supply_.begin_epoch();
}

void Trainer::visit_all(Turn turn) {
  timed(report_.train_seconds,
        [&] { turns_.visit(turn, sampler_.step(), parameters_, parallel_on(few_ ? *few_ : arena_)); });
}

void Trainer::run_epoch() {
  clock_.train(report_.train_seconds, [&] {
    while (!sampler_.epoch_done() && !clock_.interrupted()) {
      graph_.run();
      writer_->flush();
      fold_scale(sampler_, layout_, parameters_);
    }
  });
  nonzeros_ = task_.nonzeros();
}

bool Trainer::sample(Task& task) {
  supply_.look_ahead(sampler_.to_come());
  return !clock_.interrupted() && sampler_.next(task);
}

// Tasks that were sampled ahead of an interruption are dropped.
void Trainer::work(const Task& task) {
  if (clock_.interrupted()) return;
  supply_.prepare(task);
  task_.run(task);
}

void Trainer::account(const Task& task) {
  if (clock_.interrupted()) return;
  NodeReport& node = report_.nodes[task.node];
  ++node.tasks;
  if (blocks_[task.blocks[0]].node != task.node) ++node.remote_tasks;
  for (const std::uint32_t number : task.blocks) {
    epoch_samples_ += blocks_[number].rows();
    nonzeros_ += blocks_[number].nonzeros();
  }
  supply_.let_go(task);
  if (clock_.progress_due()) tell_progress();
}

void Trainer::end_epoch() {
  supply_.complete();
  visit_all(Turn::kEnd);
  if (averaging()) mean_ = averaged(parameters_.all(), layout_, sampler_.average()->all);
}

// Of w = 0 without a look at the blocks, which need not be built for it.
double Trainer::objective_at_start() {
  report_.training = {.loss = start_loss_};
  if (objective_.shape().starts_at_zero && !options_.start) return start_loss_;
  supply_.complete();
  const Evaluation sums = sums_at(parameters_);
  report_.training = metrics_of(sums, objective_.labels());
  return objective_of(sums, objective_, layout_, *best_, options_);
}

double Trainer::score_at_start(double objective) {
  if (!options_.start) return std::numeric_limits<double>::infinity();
  if (monitor_.validation) report_.validation = held_out();
  return report_.validation ? report_.validation->loss : objective;
}

// The regulariser alone is a lower bound of the objective, where it is a norm.
bool Trainer::to_evaluate() const {
  if (report_.epochs % options_.evaluate_every == 0 || report_.epochs == options_.epochs ||
      clock_.interrupted())
    return true;
  const double squared = layout_.norms(latest()).squared;
  return !std::isfinite(squared) ||
         (!objective_.shape().terms && course_.diverged(options_.l2 / 2 * squared));
}

Metrics Trainer::held_out() {
  return timed(report_.evaluate_seconds, [&] {
    return sounder::evaluate(model_of(latest()), objective_, *monitor_.validation, parallel_on(arena_));
  });
}

void Trainer::take_checkpoint() {
  timed(report_.evaluate_seconds, [&] { good_.take(parameters_, sampler_, turns_, blocks_); });
}

Evaluation Trainer::sums_at(const Parameters& parameters) {
  return timed(report_.evaluate_seconds, [&] { return supply_.evaluate(parameters); });
}

void Trainer::evaluate() {
  std::optional<Parameters> mean;
  if (averaging()) mean.emplace(layout_.cells(), layout_.cell_floats()).write(mean_);
  const Evaluation sums = sums_at(mean ? *mean : parameters_);
  const double objective = objective_of(sums, objective_, layout_, latest(), options_);
  if (course_.diverged(objective)) {
    roll_back();
  } else {
    record(objective, sums);
  }
}

void Trainer::keep(const Course::Standing& standing) {
  if (standing.best) best_.reset();  // so that the checkpoint takes its memory again
  if (standing.lowest) take_checkpoint();
  if (!standing.best) return;
  best_ = standing.lowest && !averaging()
              ? good_.array()
              : std::make_shared<const std::vector<float>>(latest().begin(), latest().end());
}

// The epoch counts: the budget of passes is the user's.
void Trainer::roll_back() {
  good_.restore(parameters_, sampler_, turns_, blocks_);
  step_limit_.went_back(report_.epochs);
  turns_.lead(sampler_.step(), parameters_);
  moved_ = false;
  ++report_.rollbacks;
  rolled_back_ = report_.epochs;
}

void Trainer::record(double objective, const Evaluation& sums) {
  EpochReport row{.epoch = report_.epochs,
                  .passes = passes(),
                  .seconds = report_.train_seconds,
                  .objective = objective,
                  .step = sampler_.step_of_epoch(report_.epochs),
                  .gap = {},
                  .validation = {}};
  if (rule_.dual) {
    row.gap = timed(report_.evaluate_seconds, [&] {
      return duality_.gap(std::min(course_.lowest(), objective), latest(), sampler_.step(), options_.gap);
    });
  }
  if (monitor_.validation) row.validation = held_out();
  const Course::Standing standing = course_.take(row, std::exchange(moved_, false));
  keep(standing);
  step_limit_.took(row.epoch, standing.lowest);
  if (standing.best) {
    report_.best_epoch = row.epoch;
    report_.objective = objective;
    report_.training = metrics_of(sums, objective_.labels());
    report_.validation = row.validation;
  }
  report_.per_epoch.push_back(row);
  if (monitor_.on_epoch) monitor_.on_epoch(row);
}

std::optional<Outcome> Trainer::verdict() const {
  const auto& rows = report_.per_epoch;
  if (!rows.empty() && course_.reached(rows.back())) return Outcome::kConverged;
  if (monitor_.stop.stop_requested()) return Outcome::kCancelled;
  if (clock_.out_of_time()) return Outcome::kTimeLimit;
  if (report_.rollbacks >= kMostRollbacks) return Outcome::kDiverged;
  if (report_.epochs >= options_.epochs) return rows.empty() ? Outcome::kDiverged : Outcome::kEpochLimit;
  return course_.stalled() ? std::optional(Outcome::kConverged) : std::nullopt;
}

Trained Trainer::finish(Outcome outcome) {
  report_.outcome = outcome;
  report_.step = sampler_.initial_step();
  tell_growth(report_, step_limit_.growth());
  report_.share_lost = writer_->share_lost();
  report_.share_pushed = writer_->share_pushed();
  report_.asynchrony = writer_->asynchrony();
  if (report_.asynchrony) report_.asynchrony->safe = safe_staleness_;
  if (rule_.dual) report_.gap = duality_.exact_gap(report_.objective);
  report_.passes = passes();
  if (report_.train_seconds > 0)
    report_.nonzeros_per_second = static_cast<double>(nonzeros_) / report_.train_seconds;
  if (scales_) tell_fit(report_, objective_, *scales_);
  if (outcome == Outcome::kDiverged) report_.advice = advice_of(report_, objective_);
  return {.model = model_of(*best_), .report = std::move(report_)};
}

void Trainer::tell_progress() {
  Progress progress{.epoch = report_.epochs + epochs_over(), .epochs = options_.epochs};
  if (!report_.per_epoch.empty()) progress.objective = report_.per_epoch.back().objective;
  const double epoch = static_cast<double>(epoch_samples_) / static_cast<double>(report_.samples);
  clock_.tell(progress, report_.epochs - 1 + epoch, nonzeros_);
}

Trained train_on(Source source, const Objective& objective, const Options& options, const Monitor& monitor) {
  Arena arena(with_worthwhile_threads(options, source, objective));
  std::optional<Trained> trained;
  arena.execute([&] { trained = Trainer(std::move(source), objective, options, monitor, arena).run(); });
  return std::move(*trained);
}

}  // namespace

Trained train(Dataset data, const Objective& objective, const Options& options, const Monitor& monitor) {
  const std::unique_ptr<Objective> fitted =
      fitted_and_checked(data, objective, options, monitor.validation ? &*monitor.validation : nullptr);
  if (monitor.measure) require_measurable(options);
  return train_on(Source(std::move(data)), fitted ? *fitted : objective, options, monitor);
}

Trained train(std::shared_ptr<const BlockFile> file, const Objective& objective, const Options& options,
              const Monitor& monitor) {
  if (!file) throw InputError("no block file to train on");
  check(*file, objective, options, monitor.validation ? &*monitor.validation : nullptr);
  if (monitor.measure) throw InputError("measure: needs the samples one by one, not in a block file");
  Options with_blocks = options;
  with_blocks.block_rows = file->shape().block_rows;
  Trained trained = train_on(Source(std::move(file)), objective, with_blocks, monitor);
  trained.report.options.block_rows = options.block_rows;
  return trained;
}

}  // namespace sounder
