#pragma once

#include "engine/trial.h"

namespace sounder {

// How many rows a worker may go, and with how large a step, while others do not see it.
//
// Deltas of P blocks that started from the same weights add up. If one alone closes the fraction a of the gap
// along the direction all samples share, P together close P a: beyond 2 they overshoot and diverge. So
// blocks are kept so small, and the step so low, that a = 1 - exp(-eta curvature rows) stays near 2 / P. Two
// threads cannot diverge; but each undoes what the other did unless a stays well below 1.
class Overshoot {
 public:
  Overshoot(const Trial& trial, int threads);

  // The same rows, gone through by another number of threads above two.
  Overshoot among(int threads) const;

  // Whether more than a fifth of a typical |x|^2 lies in that direction; never for one thread.
  bool shares_much() const { return shared_ > 0.2; }

  // Along all other directions together, per sample, where a model begins.
  double other_curvature() const { return (1 - shared_) * first_share_ / natural_; }

  // With a schedule that begins with this step; infinite for one thread.
  double rows_at(double first_step) const;

  // The largest step of a schedule, for so many rows; infinite for one thread.
  double step_at(double rows) const;

 private:
  int threads_;
  double natural_;
  double first_share_;
  double shared_;  // the part of a typical |x|^2 that lies in that direction
  double curvature_;
  double allowance_;
};

}  // namespace sounder
