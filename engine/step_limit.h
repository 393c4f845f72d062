#pragma once

#include "engine/sampler.h"

namespace sounder {

// How large steps may be, as epochs tell. The plan's cap on them is for workers that all step at the same time (engine/overshoot.h);
// threads mostly do not, and then it is far too low. So it grows fourfold after each epoch that ended lower than all before, until one
// does not: then the last growth is taken back, and it stays. Not thread-safe.
class StepLimit {
 public:
  // `grows`: the cap may grow, up to StepClock::highest_cap. The sampler must outlive it.
  StepLimit(Sampler& sampler, bool grows) : sampler_(sampler), grows_(grows) {}

  // To be called when the epochs up to that one are over. `lowest`: no objective so far was lower than theirs.
  void took(int epoch, bool lowest);

  // To be called when the epochs up to that one exploded and the run goes on from its best state. Takes the last growth of
  // the cap back if the cap has mattered since, else makes all steps a quarter of what they were.
  void went_back(int epoch);

  double growth() const { return growth_; }

 private:
  void grow();
  bool growth_mattered() const;
  void take_back();

  Sampler& sampler_;
  bool grows_;
  int taken_ = 0;      // epochs so far
  double before_ = 0;  // the cap before it grew last
  double growth_ = 1;
};

}  // namespace sounder
