#include "engine/step_limit.h"

namespace sounder {
namespace {

constexpr double kGrowth = 4;
constexpr double kBack = 0.25;

}  // namespace

void StepLimit::took(int epoch, bool lowest) {
  if (!lowest && growth_mattered()) take_back();
  taken_ = epoch;
  if (lowest && grows_ && sampler_.step_of_epoch(epoch + 1) >= sampler_.cap()) grow();
}

void StepLimit::went_back(int epoch) {
  if (growth_mattered()) {
    take_back();
  } else {
    sampler_.scale_steps(kBack);
  }
  taken_ = epoch;
}

void StepLimit::grow() {
  before_ = sampler_.cap();
  sampler_.set_cap(kGrowth * before_);
  growth_ *= sampler_.cap() / before_;
}

// Whether the epochs since then took larger steps for it.
bool StepLimit::growth_mattered() const {
  return grows_ && growth_ > 1 && sampler_.step_of_epoch(taken_ + 1) > before_;
}

void StepLimit::take_back() {
  growth_ *= before_ / sampler_.cap();
  sampler_.set_cap(before_);
  grows_ = false;
}

}  // namespace sounder
