#pragma once

#include <span>
#include <vector>

#include "engine/layout.h"
#include "engine/parameters.h"
#include "io/parallel.h"
#include "objectives/objective.h"

namespace sounder {

// The rule's visits of all coordinates when an epoch begins or ends, and what it keeps for them (RuleTraits::anchors). The objective and the layout must outlive it. Not thread-safe.
class Turns {
 public:
  Turns(const Objective& objective, const Layout& layout, Rule rule);

  // Of the parameters, alone, in place; nothing if neither rule nor objective has work to do then.
  void visit(Turn turn, const Step& step, Parameters& parameters, const ParallelFor& parallel = run_serially);
  // Of an array of cells, all of them or those of this support.
  void visit(Turn turn, const Step& step, std::span<float> array, std::span<const Cell> support = {});

  // Under a rule whose weights follow from what it keeps (RuleTraits::derives), what it keeps becomes such that they are these.
  void lead(const Step& step, Parameters& parameters);
  void lead(const Step& step, std::span<float> array, std::span<const Cell> support);

  const std::vector<float>& anchors() const { return anchors_; }
  void set_anchors(std::span<const float> anchors) { anchors_.assign(anchors.begin(), anchors.end()); }

 private:
  bool has_work(Turn turn) const;
  void visit_cell(Turn turn, const Step& step, std::size_t cell, float* floats);

  const Objective& objective_;
  const Layout& layout_;
  const RuleTraits& rule_;
  std::vector<float> anchors_;  // from 0, cell after cell
};

}  // namespace sounder
