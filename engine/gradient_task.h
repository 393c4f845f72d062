#pragma once

#include "engine/blocks.h"
#include "engine/graph.h"
#include "engine/layout.h"
#include "engine/parameters.h"
#include "objectives/objective.h"

namespace sounder {

// The one place where samples meet the shared parameters: Algorithm 1 of HOGWILD! (Niu, Recht, Re, Wright
// 2011, section 3) with a block for an edge. Holds references only; each call keeps its local array to
// itself, so any number of calls may run at once.
class GradientTask {
 public:
  GradientTask(const Objective& objective, const Layout& layout, Parameters& parameters,
               Discipline discipline)
      : objective_(objective), layout_(layout), parameters_(parameters), discipline_(discipline) {}

  // Pull, step, push.
  void run(const Task& task) const;

  // Pull, and evaluate the block's samples at `scale` times what is there.
  Evaluation evaluate(const Block& block, float scale = 1) const;

 private:
  const Objective& objective_;
  const Layout& layout_;
  Parameters& parameters_;
  Discipline discipline_;
};

}  // namespace sounder
