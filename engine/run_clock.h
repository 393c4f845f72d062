#pragma once

#include <cstdint>
#include <optional>
#include <utility>

#include "engine/monitor.h"
#include "engine/stopwatch.h"

namespace sounder {

// From when a run begins: whether the caller or the time ends it, and when its progress is due. The monitor must outlive it.
// Any number of threads may ask interrupted(); the others one call at a time.
class RunClock {
 public:
  RunClock(const Monitor& monitor, std::optional<double> time_limit)
      : monitor_(monitor), time_limit_(time_limit) {}

  bool out_of_time() const { return time_limit_ && seconds_since(start_) >= *time_limit_; }
  bool interrupted() const { return monitor_.stop.stop_requested() || out_of_time(); }

  // Runs `body`, which does updates; the seconds it takes are added to `sum`.
  template <class Body>
  void train(double& sum, Body&& body) {
    trained_ = sum;
    training_ = Clock::now();
    if (began_ == Clock::time_point{}) began_ = training_;
    timed(sum, std::forward<Body>(body));
  }

  // While it does. `epochs` are done of progress.epochs, with so many non-zeros in all; what follows from these is filled in.
  bool progress_due() const { return monitor_.on_progress && seconds_since(told_) >= kProgressSeconds; }
  void tell(Progress progress, double epochs, std::uint64_t nonzeros) {
    told_ = Clock::now();
    progress.fraction = epochs / progress.epochs;
    progress.nonzeros_per_second = static_cast<double>(nonzeros) / (trained_ + seconds_since(training_));
    const double seconds = seconds_since(began_);
    progress.seconds_left = progress.fraction > 0 ? seconds / progress.fraction - seconds : 0;
    monitor_.on_progress(progress);
  }

 private:
  static constexpr double kProgressSeconds = 0.1;

  const Monitor& monitor_;
  const std::optional<double> time_limit_;
  const Clock::time_point start_ = Clock::now();
  Clock::time_point began_ = {};  // to train, once it has: what comes before says nothing of what is left
  Clock::time_point told_ = start_;
  Clock::time_point training_ = start_;  // since then,
  double trained_ = 0;                   // after so many seconds of it
};

}  // namespace sounder
