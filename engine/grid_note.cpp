#include "engine/grid_note.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <map>
#include <optional>
#include <string_view>

#include "engine/run_report.h"

namespace sounder {
namespace {

// The least loss with each value of what was tried; infinite where all diverged.
using Losses = std::map<double, double>;

Losses losses_of(std::span<const Tried> ranking, const auto& value_of) {
  Losses losses;
  for (const Tried& tried : ranking) {
    const std::optional<double> value = value_of(tried.candidate);
    if (!value) return {};
    const double loss = tried.diverged ? std::numeric_limits<double>::infinity() : tried.validation.loss;
    const auto [known, is_new] = losses.emplace(*value, loss);
    known->second = std::min(known->second, loss);
  }
  return losses;
}

// The edge and two values behind it, in decimals without the dust of multiplication.
std::string values_beyond(double edge, double neighbour) {
  constexpr double kUsual = 10;
  const double ratio = neighbour > 0 ? edge / neighbour : kUsual;
  return fmt::format("{:.3g},{:.3g},{:.3g}", edge, edge * ratio, edge * ratio * ratio);
}

// What all do about as well as each other, is no question of going on.
std::string note_on_edge(const Losses& losses, double best, std::string_view name, std::string_view flag) {
  constexpr double kClear = 1e-3;
  if (losses.size() < 2 || best == 0) return "";
  const bool least = best == losses.begin()->first;
  const auto neighbour = least ? std::next(losses.begin()) : std::prev(losses.end(), 2);
  if (!least && best != losses.rbegin()->first) return "";
  const double loss = losses.at(best);
  if (!(neighbour->second > loss + kClear * std::fabs(loss))) return "";
  return fmt::format("the best {} is the {} tried: try {} {}", name, least ? "smallest" : "largest", flag,
                     values_beyond(best, neighbour->first));
}

}  // namespace

std::string note_on_edges(std::span<const Tried> ranking) {
  if (ranking.empty() || ranking.front().diverged) return "";
  const Candidate& best = ranking.front().candidate;
  const Losses l2s = losses_of(ranking, [](const Candidate& c) { return std::optional(c.l2); });
  const Losses steps = losses_of(ranking, [](const Candidate& c) { return c.step; });
  std::string note = note_on_edge(l2s, best.l2, "l2", "--l2s");
  if (best.step) add_note(note, note_on_edge(steps, *best.step, "step", "--steps"));
  return note;
}

}  // namespace sounder
