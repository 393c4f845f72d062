#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/report.h"
#include "io/plot.h"
#include "program/flags.h"

namespace sounder {

// One way to train and how it went, round after round.
struct Contender {
  Variant variant;
  int threads = 1;
  int workers = 0;  // whose staleness is simulated, on one thread; 0: nothing is
  std::vector<Report> rounds;
  std::string refusal;  // why this data or objective cannot be trained so; else empty
};

// Medians over a contender's rounds. What may be missing was not reached in half of them.
struct Figures {
  double seconds = 0;  // of updates, an epoch
  double speedup = 0;  // serial seconds over these, round by round
  double least_speedup = 0;
  double most_speedup = 0;
  double objective = 0;  // after all epochs
  std::optional<double> epochs_to_target;
  std::optional<double> seconds_to_target;  // of updates
  std::optional<double> speedup_to_target;  // over the serial contender that is there first
};

// Everything that was run.
class Study {
 public:
  Study(const SpeedupFlags& flags, std::vector<Contender> measured, std::vector<Contender> simulated);

  const SpeedupFlags& flags() const { return flags_; }
  // Those on threads, the serial ones, kSerial of them, in front; and the simulated, one worker in front.
  std::span<const Contender> measured() const { return measured_; }
  std::span<const Contender> simulated() const { return simulated_; }
  // The faster of the serial contenders.
  const Contender& serial() const { return measured_[serial_]; }
  double best() const { return best_; }  // objective of any run and epoch
  double target() const { return target_; }
  double percent_above_best(double objective) const;
  Figures figures(const Contender& contender) const;
  // Epochs to the target, over those of one simulated worker.
  std::optional<double> inflation(const Contender& contender) const;

  static constexpr std::size_t kSerial = 2;

 private:
  const SpeedupFlags& flags_;
  std::vector<Contender> measured_;
  std::vector<Contender> simulated_;
  std::size_t serial_ = 0;
  double best_ = 0;
  double target_ = 0;
};

// A variant as the command line has it.
std::string name_of(const Variant& variant);
// The round whose updates took the median of the time.
const Report& typical(const Contender& contender);

std::string table_of(const Study& study);
std::string json_of(const Study& study);
std::vector<Chart> charts_of(const Study& study);

}  // namespace sounder
