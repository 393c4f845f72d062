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

// The objectives after steps of natural_step() x 4^k. Where there are two threads, the next one in that direction is worked
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
  double step(int k) const { return trial_.natural_step() * std::pow(4, k); }

 private:
  const Trial& trial_;
  std::map<int, double> known_;
};

// What noise a step leaves behind is found out in long runs: with many samples and few coordinates, the best step of a loss with
// kinks falls with their length.
double for_length(const Trial& trial, double samples) {
  constexpr double kFall = 1.0 / 3;
  return trial.smooth() ? 1 : std::pow(trial.samples() / samples, kFall * trial.crowd());
}

// Upwards from the first, then downwards if the best is near it.
double best_tried(const Trial& trial, std::size_t rows, int epochs) {
  constexpr int kReach = 14;
  constexpr double kBudget = 0.9;  // epochs, or a share of all of them
  constexpr double kShare = 0.1;
  const Search search = search_for(trial);
  // A trial is two passes and an evaluation over the sample.
  const double price = 2.5 * static_cast<double>(trial.rows()) / static_cast<double>(rows);
  const auto most = static_cast<std::size_t>(std::max(kBudget, kShare * epochs) / price);

  Scores all(trial);
  std::map<int, double> scores;
  const auto best = [&] {
    return std::ranges::min_element(scores, {}, [](const auto& s) { return s.second; });
  };
  const auto walk = [&](int from, int direction) {
    int worse = 0;
    for (int k = from; worse < search.patience && std::abs(k) <= kReach && scores.size() < most;
         k += direction) {
      const double before = scores.empty() ? kInfinity : best()->second;
      scores[k] = all.at(k, direction);
      worse = scores[k] < before ? 0 : worse + 1;
    }
  };
  walk(search.first, 1);
  if (!scores.empty() && best()->first < search.first + search.patience) walk(search.first - 1, -1);
  if (scores.empty()) return all.step(search.first - 1);  // a row or two
  const double enough = best()->second * search.tie;
  return all.step(std::ranges::find_if(scores, [&](const auto& s) { return s.second <= enough; })->first);
}

}  // namespace

Search search_for(const Trial& trial) {
  return trial.smooth() ? Search{.first = 0, .patience = 1, .tie = 1.25} : Search{};
}

double find_step(const Trial& trial, std::size_t rows, int epochs) {
  return best_tried(trial, rows, epochs) * for_length(trial, static_cast<double>(rows) * epochs);
}

}  // namespace sounder
