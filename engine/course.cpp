#include "engine/course.h"

#include <algorithm>
#include <cmath>
#include <span>

namespace sounder {
namespace {

constexpr double kDivergence =
    2;  // an objective so many times the lowest so far is as bad as an infinite one,
constexpr double kHeadroom = 0.1;  // unless it is still below this share of that at the start,
constexpr double kSettling = 4;    // or this one, if the run settles

double score_of(const EpochReport& epoch) {
  return epoch.validation ? epoch.validation->loss : epoch.objective;
}

}  // namespace

// Rounded, as labels of a cut are, an objective may go far up on its way down.
bool Course::diverged(double objective) const {
  if (!std::isfinite(objective))
    return true;  // also where that at the start was infinite, which allows for anything
  if (rounded_) return false;
  const double headroom = settles_ ? kSettling : kHeadroom;
  const double allowed = std::max((kDivergence - 1) * std::fabs(lowest_), headroom * std::fabs(first_));
  return !(objective - lowest_ <= allowed);
}

Course::Standing Course::take(const EpochReport& epoch, bool moved) {
  const double score = score_of(epoch);
  const bool at_start = !moved && scores_.empty() && std::isinf(best_score_);
  const Standing standing{.lowest = epoch.objective <= lowest_, .best = at_start || score < best_score_};
  lowest_ = std::min(lowest_, epoch.objective);
  if (!at_start) best_score_ = std::min(best_score_, score);
  if (moved) scores_.push_back(score);
  return standing;
}

bool Course::reached(const EpochReport& epoch) const {
  if (options_.target && epoch.objective <= *options_.target) return true;
  // A rounded objective may be the bound itself; any other comes no nearer than rounding errors let it.
  return (options_.gap > 0 || rounded_) && epoch.gap && *epoch.gap <= options_.gap;
}

bool Course::stalled() const {
  const auto patience = static_cast<std::size_t>(options_.patience);
  if (options_.tolerance == 0 || scores_.size() <= patience) return false;
  const std::span scores(scores_);
  const double before = std::ranges::min(scores.first(scores.size() - patience));
  const double recent = std::ranges::min(scores.last(patience));
  return recent > before - options_.tolerance * std::fabs(before);
}

}  // namespace sounder
