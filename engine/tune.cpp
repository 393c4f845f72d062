#include "engine/tune.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "engine/arena.h"
#include "engine/blocks.h"
#include "engine/check.h"
#include "engine/discipline.h"
#include "engine/evaluate.h"
#include "engine/gradient_task.h"
#include "engine/graph.h"
#include "engine/grid_note.h"
#include "engine/layout.h"
#include "engine/parameters.h"
#include "engine/plan.h"
#include "engine/run_clock.h"
#include "engine/run_report.h"
#include "engine/sampler.h"
#include "engine/stopwatch.h"
#include "engine/turns.h"
#include "io/error.h"

namespace sounder {
namespace {

Options options_of(Options common, const Candidate& candidate) {
  common.l2 = candidate.l2;
  common.step = candidate.step;
  return common;
}

void require(bool holds, const std::string& message) {
  if (!holds) throw InputError(message);
}

// One thread does what train() does. Several share blocks however few the epochs: they serve all candidates, and of data
// that is trained on as it lies a plan may leave all but one worker out.
Layout layout_for(const Source& source, const Objective& objective, const Options& common, int threads) {
  if (threads == 1) return source.layout(objective, common, threads);
  return ranked_layout(source.data(), objective, common);
}

std::vector<Plan> make_plans(const Source& data, const Layout& layout, std::span<const float> start,
                             const Objective& objective, const Options& common,
                             std::span<const Candidate> candidates, int threads) {
  Options for_all = common;
  for_all.threads = threads;  // they share them
  std::vector<Plan> plans;
  for (const Candidate& candidate : candidates)
    plans.push_back(make_plan(data, layout, start, objective, options_of(for_all, candidate), threads));
  return plans;
}

// A candidate in training.
struct Contestant {
  Contestant(const Objective& objective, const Options& given, const Plan& plan, const Layout& layout,
             std::span<const float> start, std::span<Block> blocks, const Units& units,
             const std::stop_token& stop)
      : options(given),
        parameters(layout.cells(), layout.cell_floats()),
        writer(writer_of(options, plan, layout, parameters)),
        task(objective, layout, blocks, *writer, plan.strides, stop),
        sampler(units, plan.clock, problem_of(options, objective, plan), options.seed),
        turns(objective, layout, options.rule),
        best(start.begin(), start.end()),
        tried{.candidate = {.l2 = options.l2, .step = options.step}, .step = sampler.initial_step()} {
    parameters.write(best);
    turns.lead(sampler.step(), parameters);
    tried.validation.loss = std::numeric_limits<double>::infinity();
  }

  Options options;
  Parameters parameters;
  std::unique_ptr<Writer> writer;
  GradientTask task;
  Sampler sampler;
  Turns turns;
  std::vector<float> best;
  Tried tried;
};

// One run. As in Trainer, sample(), work() and account() are called by the graph, everything else with no
// task in flight. All samplers have one seed and one set of units, so they draw the same order.
class Tuner {
 public:
  Tuner(Source source, const Objective& objective, const Options& common,
        std::span<const Candidate> candidates, const Dataset& validation, const Monitor& monitor,
        JudgedBy judged, Arena& arena);

  Tuned run();

 private:
  void begin_epoch();
  void run_epoch();
  bool sample(Task& task);
  void work(const Task& task);
  void account(const Task& task);
  void end_epoch();
  void judge(Contestant& contestant);
  void drop_diverged();
  void tell_epoch() const;
  void tell_progress();
  const Contestant& leader() const;
  std::optional<Outcome> verdict() const;
  Tuned finish();

  const Objective& objective_;
  const Options& common_;
  const Dataset& validation_;
  const Monitor& monitor_;
  const JudgedBy judged_;
  Arena& arena_;
  RunClock clock_;
  Tuned tuned_;
  Layout layout_;
  std::vector<float> begin_;  // what training starts from
  std::vector<Plan> plans_;
  const Plan& plan_;  // of the blocks
  std::vector<Block> blocks_;
  std::vector<std::unique_ptr<Contestant>> contestants_;
  std::vector<Tried> diverged_;
  // Of the tasks between sampler and ledger, the task of each contestant, at the graph's number modulo how
  // many there can be: the window, and one that is drawn and waits to get in.
  std::vector<std::vector<Task>> tasks_;
  std::uint64_t sampled_ = 0;
  Graph graph_;

  // Written by the ledger during an epoch.
  std::uint64_t epoch_samples_ = 0;
  std::uint64_t nonzeros_ = 0;
};

Tuner::Tuner(Source source, const Objective& objective, const Options& common,
             std::span<const Candidate> candidates, const Dataset& validation, const Monitor& monitor,
             JudgedBy judged, Arena& arena)
    : objective_(objective),
      common_(common),
      validation_(validation),
      monitor_(monitor),
      judged_(judged),
      arena_(arena),
      clock_(monitor, common.time_limit),
      tuned_{.ranking = {},
             .model = {},
             .note = {},
             .samples = source.rows(),
             .validation_samples = validation.rows(),
             .coordinates = source.dimension(),
             .nonzeros = source.nonzeros(),
             .threads = arena.threads()},
      layout_(timed(tuned_.prepare_seconds,
                    [&] { return layout_for(source, objective, common, arena.threads()); })),
      begin_(source.start(layout_, objective, common)),
      plans_(timed(tuned_.search_seconds,
                   [&] {
                     return make_plans(source, layout_, begin_, objective, common, candidates,
                                       arena.threads());
                   })),
      plan_(checked(*std::ranges::min_element(plans_, {}, &Plan::block_rows), Graph::least_window(arena))),
      tasks_(plan_.window + 1, std::vector<Task>(candidates.size())),
      graph_(arena, plan_.window,
             {.sample = [this](Task& task) { return sample(task); },
              .work = [this](const Task& task) { work(task); },
              .account = [this](const Task& task) { account(task); }}) {
  tuned_.note = plan_.note;
  tuned_.block_rows = plan_.block_rows;
  timed(tuned_.prepare_seconds, [&] {
    blocks_ = std::move(source).blocks(layout_, objective, common, plan_.block_rows, plan_.support, arena);
  });
  const Units units = units_of(blocks_, plan_);
  for (std::size_t c = 0; c < candidates.size(); ++c) {
    contestants_.push_back(std::make_unique<Contestant>(objective, options_of(common, candidates[c]),
                                                        plans_[c], layout_, begin_, blocks_, units,
                                                        monitor.stop));
  }
}

Tuned Tuner::run() {
  std::optional<Outcome> outcome;
  while (!outcome) {
    ++tuned_.epochs;
    begin_epoch();
    clock_.train(tuned_.train_seconds, [&] { run_epoch(); });
    timed(tuned_.evaluate_seconds, [&] { end_epoch(); });
    outcome = verdict();
  }
  tuned_.outcome = *outcome;
  return finish();
}

void Tuner::begin_epoch() {
  for (const auto& c : contestants_) {
    c->sampler.begin_epoch(tuned_.epochs);
    c->turns.visit(Turn::kBegin, c->sampler.step(), c->parameters, parallel_on(arena_));
  }
  epoch_samples_ = 0;
}

// Where one contestant's scale must be folded, the others wait, but keep theirs, as if they were alone.
void Tuner::run_epoch() {
  while (!contestants_.front()->sampler.epoch_done() && !clock_.interrupted()) {
    graph_.run();
    for (const auto& c : contestants_) {
      c->writer->flush();
      if (c->sampler.must_fold()) fold_scale(c->sampler, layout_, c->parameters);
    }
  }
  for (const auto& c : contestants_) fold_scale(c->sampler, layout_, c->parameters);
}

bool Tuner::sample(Task& task) {
  if (clock_.interrupted()) return false;
  if (std::ranges::any_of(contestants_, [](const auto& c) { return c->sampler.must_fold(); })) return false;
  std::vector<Task>& tasks = tasks_[sampled_ % tasks_.size()];
  for (std::size_t c = 0; c < contestants_.size(); ++c) {
    tasks[c].node = task.node;
    if (!contestants_[c]->sampler.next(tasks[c])) return false;
  }
  ++sampled_;
  task = tasks.front();
  return true;
}

void Tuner::work(const Task& task) {
  const std::vector<Task>& tasks = tasks_[task.number % tasks_.size()];
  for (std::size_t c = 0; c < contestants_.size() && !clock_.interrupted(); ++c)
    contestants_[c]->task.run(tasks[c]);
}

void Tuner::account(const Task& task) {
  if (clock_.interrupted()) return;
  for (const std::uint32_t number : task.blocks) {
    epoch_samples_ += blocks_[number].rows();
    nonzeros_ += blocks_[number].nonzeros() * contestants_.size();
  }
  if (clock_.progress_due()) tell_progress();
}

void Tuner::end_epoch() {
  for (const auto& c : contestants_) {
    c->turns.visit(Turn::kEnd, c->sampler.step(), c->parameters, parallel_on(arena_));
    judge(*c);
  }
  drop_diverged();
  if (monitor_.on_epoch && !contestants_.empty()) tell_epoch();
}

void Tuner::judge(Contestant& contestant) {
  Tried& tried = contestant.tried;
  const std::span<const float> latest = contestant.parameters.all();
  const Evaluation sums =
      evaluate_blocks(objective_, layout_, contestant.parameters, blocks_, parallel_on(arena_));
  const double objective = objective_of(sums, objective_, layout_, latest, contestant.options);
  const Metrics held_out = evaluate(layout_.model(latest, objective_, contestant.options.l2, tuned_.samples),
                                    objective_, validation_, parallel_on(arena_));
  tried.diverged = !std::isfinite(objective) || !std::isfinite(held_out.loss);
  const bool better = judged_ == JudgedBy::kLastEpoch || held_out.loss < tried.validation.loss;
  if (tried.diverged || !better) return;
  contestant.best.assign(latest.begin(), latest.end());
  tried.best_epoch = tuned_.epochs;
  tried.objective = objective;
  tried.training = metrics_of(sums, objective_.labels());
  tried.validation = held_out;
}

void Tuner::drop_diverged() {
  for (const auto& c : contestants_) {
    if (c->tried.diverged) diverged_.push_back(c->tried);
  }
  std::erase_if(contestants_, [](const auto& c) { return c->tried.diverged; });
}

const Contestant& Tuner::leader() const {
  return **std::ranges::min_element(contestants_, {}, [](const auto& c) { return c->tried.validation.loss; });
}

void Tuner::tell_epoch() const {
  const Contestant& first = leader();
  monitor_.on_epoch({.epoch = tuned_.epochs,
                     .seconds = tuned_.train_seconds,
                     .objective = first.tried.objective,
                     .step = first.sampler.step_of_epoch(tuned_.epochs),
                     .gap = {},
                     .validation = first.tried.validation});
}

void Tuner::tell_progress() {
  Progress progress{.epoch = tuned_.epochs, .epochs = common_.epochs};
  if (tuned_.epochs > 1) progress.objective = leader().tried.objective;
  const double epoch = static_cast<double>(epoch_samples_) / static_cast<double>(tuned_.samples);
  clock_.tell(progress, tuned_.epochs - 1 + epoch, nonzeros_);
}

std::optional<Outcome> Tuner::verdict() const {
  if (contestants_.empty()) return Outcome::kDiverged;
  if (monitor_.stop.stop_requested()) return Outcome::kCancelled;
  if (clock_.out_of_time()) return Outcome::kTimeLimit;
  return tuned_.epochs >= common_.epochs ? std::optional(Outcome::kEpochLimit) : std::nullopt;
}

Tuned Tuner::finish() {
  std::ranges::stable_sort(contestants_, {}, [](const auto& c) { return c->tried.validation.loss; });
  for (const auto& c : contestants_) tuned_.ranking.push_back(c->tried);
  if (!contestants_.empty()) {
    const Contestant& winner = *contestants_.front();
    tuned_.model = layout_.model(winner.best, objective_, winner.options.l2, tuned_.samples);
  }
  std::ranges::move(diverged_, std::back_inserter(tuned_.ranking));
  add_note(tuned_.note, note_on_edges(tuned_.ranking));
  return std::move(tuned_);
}

Dataset take(const Dataset& data, std::span<std::uint32_t> rows) {
  std::ranges::sort(rows);
  Dataset::Columns parts;
  for (const std::uint32_t number : rows) {
    const Row row = data.row(number);
    parts.append(row);
    if (data.weighted()) parts.weights.push_back(row.weight);
  }
  return Dataset(data.dimension(), std::move(parts));
}

}  // namespace

void validate(const Options& common, std::span<const Candidate> candidates) {
  require(!candidates.empty(), "there are no candidates to choose from");
  for (const Candidate& candidate : candidates) validate(options_of(common, candidate));
  const RuleTraits& rule = traits_of(common.rule);
  const DisciplineTraits& discipline = traits_of(discipline_of(common));
  require(
      rule.memory == 0 && !rule.snapshots,
      "rule = " + std::string(rule.name) + ": what it remembers of the samples serves one candidate only");
  require(!discipline.by_sample && !discipline.rounds && !discipline.disjoint,
          "discipline = " + std::string(discipline.name) + ": takes one candidate only; take atomic");
  require(common.simulate == 0, "simulate: takes one candidate only");
  require(common.average_from == 0, "average_from: takes one candidate only");
  require(common.evaluate_every == 1, "evaluate_every: candidates are compared after every epoch");
  require(!common.target && common.tolerance == 0 && common.gap == 0,
          "target, tolerance and gap end a run early; candidates are compared after equally many epochs");
}

Tuned tune(Dataset data, const Objective& objective, const Options& common, std::vector<Candidate> candidates,
           const Dataset& validation, const Monitor& monitor, JudgedBy judged) {
  validate(common, candidates);
  for (const Candidate& candidate : candidates) check_problem(objective, options_of(common, candidate));
  const std::unique_ptr<Objective> fitted =
      fitted_and_checked(data, objective, options_of(common, candidates.front()), &validation);
  Arena arena(common);
  std::optional<Tuned> tuned;
  const Objective& used = fitted ? *fitted : objective;
  arena.execute([&] {
    tuned = Tuner(std::move(data), used, common, candidates, validation, monitor, judged, arena).run();
  });
  return std::move(*tuned);
}

Split split(const Dataset& data, double share, std::uint64_t seed) {
  require(share > 0 && share < 1, "share = " + std::to_string(share) + ": must be > 0 and < 1");
  require(data.rows() >= 2, "there must be two rows at least to split them");
  std::vector<std::uint32_t> rows = shuffled_rows(data.rows(), seed);
  const auto wanted = static_cast<std::size_t>(std::lround(share * static_cast<double>(data.rows())));
  const std::size_t count = std::clamp<std::size_t>(wanted, 1, data.rows() - 1);
  return {.training = take(data, std::span(rows).subspan(count)),
          .validation = take(data, std::span(rows).first(count))};
}

Split fold(const Dataset& data, std::size_t folds, std::size_t number, std::uint64_t seed) {
  require(folds >= 2 && folds <= data.rows(), "folds = " + std::to_string(folds) + ": must be 2 to " +
                                                  std::to_string(data.rows()) + ", the rows");
  require(number < folds,
          "number = " + std::to_string(number) + ": must be below folds = " + std::to_string(folds));
  std::vector<std::uint32_t> rows = shuffled_rows(data.rows(), seed);
  const std::size_t begin = rows.size() * number / folds;
  const std::size_t count = rows.size() * (number + 1) / folds - begin;
  std::rotate(rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(begin), rows.end());
  return {.training = take(data, std::span(rows).subspan(count)),
          .validation = take(data, std::span(rows).first(count))};
}

}  // namespace sounder
