#include "engine/workers.h"

namespace sounder {
namespace {

// Steps, added up over all samples, times the curvature along a direction that is not the shared one: in simulation it took 15 to
// 240 to end within 1 % of the optimum.
constexpr double kFarEnough = 200;

bool left_open(const Setting& is) {
  return is.options.threads == 0 && !is.options.step && is.options.block_rows == 0 &&
         is.parallel == is.threads && !is.discipline.rounds &&
         traits_of(is.options.rule).step == StepChoice::kTrial && is.options.schedule != Schedule::kTheorem &&
         on_any_node(is.options);
}

bool gets_there(const Setting& is, const Overshoot& overshoot, double first_step) {
  const Rows rows = choose_stale_rows(is, first_step, overshoot);
  const double cap = overshoot.step_at(static_cast<double>(rows.value));
  const double samples = static_cast<double>(is.data.rows()) * is.options.epochs;
  const double curvature = overshoot.other_curvature() / static_cast<double>(is.data.dimension());
  return cap >= first_step || cap * samples * curvature >= kFarEnough;
}

}  // namespace

int worthwhile_workers(const Overshoot& all, const Setting& is, double first_step) {
  if (is.threads <= 2 || !all.shares_much() || !left_open(is)) return is.threads;
  for (int workers = is.threads; workers > 2; workers /= 2) {
    if (gets_there(is.with_threads(workers), all.among(workers), first_step)) return workers;
  }
  return 2;
}

}  // namespace sounder
