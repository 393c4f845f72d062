#include "engine/step_search.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>

#include "engine/arena.h"

namespace sounder {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// The objectives after steps of first_step() x 4^k. Where there are two threads, the next one in that direction is worked
// out along with what is asked for.
class Scores {
 public:
  explicit Scores(const Trial& trial) : trial_(trial) {}

  double at(int k, int direction) {
    if (!known_.contains(k)) {
      std::array<double, 2> found{};
      const auto ahead = std::min<std::size_t>(found.size(), static_cast<std::size_t>(threads_here()));
      const auto place = [&](std::size_t i) { return k + direction * static_cast<int>(i); };
      parallel_for_here(ahead, [&](std::size_t i) { found[i] = trial_.objective_after(step(place(i))); });
      for (std::size_t i = 0; i < ahead; ++i) known_.emplace(place(i), found[i]);
    }
    return known_.at(k);
  }
  double step(double k) const { return trial_.first_step() * std::pow(4, k); }

 private:
  const Trial& trial_;
  std::map<int, double> known_;
};

// A few rows are fitted by steps that would leave noise behind on all of them: the best step of a loss with kinks is the smaller
// the less of the data a trial has seen, above all with many samples and few coordinates.
double for_all_rows(const Trial& trial, std::size_t rows) {
  constexpr double kFall = 1.0 / 6;
  constexpr double kCrowded = 1.0 / 12;
  const double seen = static_cast<double>(trial.rows()) / static_cast<double>(rows);
  return trial.smooth() || trial.adapts() ? 1 : std::pow(seen, kFall + kCrowded * trial.crowd());
}

// So much above it, as a share of what it is without its sign: below it if the share is negative.
double above(double objective, double share) {
  return std::isfinite(objective) ? objective + share * std::fabs(objective) : objective;
}

// What the step half-way between the second and the third would have done, by the parabola or cubic through what is known,
// but no better than they did.
double between(double before, double low, double high, double after) {
  double middle = (low + high) / 2;
  if (std::isfinite(before) && std::isfinite(after)) {
    middle = (9 * (low + high) - before - after) / 16;
  } else if (std::isfinite(before)) {
    middle = (6 * low + 3 * high - before) / 8;
  } else if (std::isfinite(after)) {
    middle = (3 * low + 6 * high - after) / 8;
  }
  return std::max(middle, std::min(low, high));
}

// The smallest about as good as the best, among those that were tried and those half-way between them.
double smallest_of(const std::map<int, double>& scores, double enough) {
  const auto at = [&](int k) {
    const auto found = scores.find(k);
    return found == scores.end() ? kInfinity : found->second;
  };
  for (const auto& [k, score] : scores) {
    if (between(at(k - 2), at(k - 1), score, at(k + 1)) <= enough) return k - 0.5;
    if (score <= enough) return k;
  }
  return scores.begin()->first;
}

// About as good as the best, and of these the one nearest to the natural step.
double nearest_of(const std::map<int, double>& scores, double enough) {
  int nearest = scores.begin()->first;
  bool found = false;
  for (const auto& [k, score] : scores) {
    if (score > enough || (found && std::abs(k) >= std::abs(nearest))) continue;
    nearest = k;
    found = true;
  }
  return nearest;
}

// Upwards from the first, then downwards if the best is near it or none is better than no step.
double best_tried(const Trial& trial, std::size_t rows, int epochs) {
  constexpr double kBudget = 0.9;  // epochs, or a share of all of them
  constexpr double kShare = 0.1;
  const Search search = search_for(trial);
  // A trial is two passes and an evaluation.
  const double price = 2.5 * static_cast<double>(trial.learned()) / static_cast<double>(rows);
  const auto most =
      std::max(search.trials, static_cast<std::size_t>(std::max(kBudget, kShare * epochs) / price));

  Scores all(trial);
  std::map<int, double> scores;
  const auto best = [&] {
    return std::ranges::min_element(scores, {}, [](const auto& s) { return s.second; });
  };
  const auto walk = [&](int from, int direction) {
    int worse = 0;
    for (int k = from;
         worse < search.patience && k >= search.least && k <= search.most && scores.size() < most;
         k += direction) {
      const double before = scores.empty() ? kInfinity : best()->second;
      scores[k] = all.at(k, direction);
      if (direction < 0 && std::isinf(best()->second)) continue;  // a smaller one may be finite
      worse = scores[k] < above(before, -search.gain) ? 0 : worse + 1;
    }
  };
  const auto enough = [&] {
    const double tie = above(best()->second, search.tie - 1);
    if (!search.by_fall) return tie;
    const double fall = std::max(0.0, trial.loss_at_start() - best()->second);
    return std::min(tie, best()->second + (search.tie - 1) * fall);
  };
  walk(search.first, 1);
  if (scores.empty()) return all.step(search.first - 1);  // a row or two
  const bool may_begin_lower = !search.nearest && scores.at(search.first) <= enough();
  const auto lost = [&] { return best()->second > trial.loss_at_start(); };
  if (best()->first < search.first + search.patience || may_begin_lower || lost()) walk(search.first - 1, -1);
  const bool nearest = search.nearest && std::isfinite(best()->second);
  return all.step(nearest ? nearest_of(scores, enough()) : smallest_of(scores, enough()));
}

}  // namespace

Search search_for(const Trial& trial) {
  // How far a scale is from 1 has nothing to do with how many rows there are, so few rows may cost more than their share: so many
  // steps reach a factor of 4^11. Fewer rows than kTelling tell less than the natural step does.
  constexpr std::size_t kScales = 12;
  constexpr std::size_t kTelling = 32;
  if (trial.goes_on())
    return {.first = 0,
            .least = -1,
            .most = 1,
            .patience = 2,
            .tie = 1.002,
            .gain = 1e-4,
            .trials = 3,
            .nearest = true};
  if (trial.adapts())
    return {.first = 0,
            .patience = 1,
            .tie = 1.5,
            .trials = trial.learned() < kTelling ? 0 : kScales,
            .nearest = true,
            .by_fall = true};
  return trial.smooth() ? Search{.patience = 1, .tie = 1.25, .gain = 0.05} : Search{};
}

double find_step(const Trial& trial, std::size_t rows, int epochs) {
  return best_tried(trial, rows, epochs) * for_all_rows(trial, rows);
}

}  // namespace sounder
