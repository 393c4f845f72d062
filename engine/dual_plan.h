#pragma once

#include <cstddef>

#include "engine/source.h"
#include "engine/trial.h"
#include "objectives/objective.h"

namespace sounder {

// What dual coordinate ascent settles instead of a step. `rho` is the share of a typical |x|^2 that lies in
// the one direction that samples share most: P tasks of B rows, each of which does not see the others, are
// safe while (P - 1) B rho <= 5, and with so much damping as makes up for it beyond.
class DualPlan {
 public:
  DualPlan(const Trial& trial, int parallel);

  std::size_t block_rows(const Source& data) const;
  double damping(std::size_t block_rows) const;
  double proximal(const Objective& objective, double l2, std::size_t dimension) const;

 private:
  double natural_;
  double rho_;
  double others_;
};

}  // namespace sounder
