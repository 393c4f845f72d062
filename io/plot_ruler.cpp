#include "io/plot_ruler.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string_view>

namespace sounder {
namespace {

constexpr double kTiny = 1e-300;
constexpr double kNarrow = 1e-6;  // relative; less than this is drawn as one value
constexpr int kTicks = 6;
constexpr double kClose = 1.0 / 14;

std::string signed_text(double value, std::string_view digits) {
  return fmt::format("{}{}", value < 0 ? "\u2212" : "", digits);
}

std::string decimal(double value, int decimals) {
  return signed_text(value, fmt::format("{:.{}f}", std::abs(value), std::max(decimals, 0)));
}

// `value` to a digit worth 10^digit, on an axis whose largest value is `largest`.
Tick labelled(double value, int digit, double largest) {
  const int exponent = static_cast<int>(std::floor(std::log10(largest) + 1e-9));
  if (value == 0) return {value, "0", ""};
  if (digit >= -4 && exponent <= 6) return {value, decimal(value, -digit), ""};
  return {value, decimal(value / std::pow(10, exponent), exponent - digit) + "\u00d710",
          decimal(exponent, 0)};
}

struct Step {
  int factor;  // 1, 2 or 5
  int digit;
  double size() const { return factor * std::pow(10, digit); }
};

// The smallest step of at least `size`.
Step step_of(double size) {
  const int digit = static_cast<int>(std::floor(std::log10(size)));
  for (const int factor : {1, 2, 5}) {
    const Step step = {factor, digit};
    if (step.size() >= size * (1 - 1e-9)) return step;
  }
  return {1, digit + 1};
}

std::vector<Tick> linear_ticks(double low, double high) {
  const Step step = step_of((high - low) / kTicks);
  const double largest = std::max(std::abs(low), std::abs(high));
  std::vector<Tick> ticks;
  const auto last = static_cast<long>(std::floor(high / step.size() + 1e-9));
  for (auto i = static_cast<long>(std::ceil(low / step.size() - 1e-9)); i <= last; ++i) {
    ticks.push_back(labelled(static_cast<double>(i) * step.size(), step.digit, largest));
  }
  return ticks;
}

Tick power(double at, int factor, int decade, bool plain) {
  if (plain) return {at, decimal(factor * std::pow(10, decade), -decade), ""};
  return {at, factor == 1 ? "10" : fmt::format("{}\u00d710", factor), decimal(decade, 0)};
}

// Decades, or some of them, when there are three or more, else 1-2-5, else as on a linear axis.
std::vector<Tick> log_ticks(double low, double high) {
  const int first = static_cast<int>(std::floor(low));
  const int last = static_cast<int>(std::floor(high));
  const int decades = last - static_cast<int>(std::ceil(low)) + 1;
  const auto stride = static_cast<int>(step_of(std::max(1.0, decades / 8.0)).size());
  const bool plain = first >= -4 && last <= 4;
  std::vector<Tick> ticks;
  for (int decade = first; decade <= last; ++decade) {
    for (int factor = 1; factor <= (stride == 1 ? 9 : 1); ++factor) {
      const double at = decade + std::log10(factor);
      const bool major = factor == 1 ? decade % stride == 0 : decades < 3 && (factor == 2 || factor == 5);
      if (at < low || at > high || (!major && stride > 10)) continue;
      ticks.push_back(major ? power(at, factor, decade, plain) : Tick{at, "", ""});
    }
  }
  if (std::ranges::count(ticks, "", &Tick::label) + 3 <= std::ssize(ticks)) return ticks;
  ticks = linear_ticks(std::pow(10, low), std::pow(10, high));
  for (Tick& tick : ticks) tick.at = std::log10(tick.at);
  return ticks;
}

double position_on(Scale scale, double value) {
  return scale == Scale::kLog ? std::log10(value) : value;
}

// Without ticks. `low` and `high` are positions.
Ruler ruler_over(Scale scale, double low, double high) {
  const bool linear = scale == Scale::kLinear;
  if (linear && low > 0 && low < high / 3) low = 0;
  if (linear && high < 0 && high > low / 3) high = 0;
  const double magnitude = linear ? std::max(std::abs(low), std::abs(high)) : 1;
  const double span = high - low;
  const double margin = magnitude < kTiny ? 1 : span < kNarrow * magnitude ? magnitude / 5 : 0.04 * span;
  const bool from_zero = linear && low == 0 && high > 0;
  const bool to_zero = linear && high == 0 && low < 0;
  return {scale, low - (from_zero ? 0 : margin), high + (to_zero ? 0 : margin), {}};
}

// At the values themselves; none at all when they are not short or some are close to each other.
std::vector<Tick> value_ticks(const Ruler& ruler, const std::vector<double>& values) {
  std::vector<Tick> ticks;
  for (const double value : values) {
    const std::string digits = fmt::format("{}", std::abs(value));
    const double at = ruler.position(value);
    const bool close = !ticks.empty() && ruler.fraction(at) - ruler.fraction(ticks.back().at) < kClose;
    if (close || digits.size() > 5 || digits.find('e') != digits.npos) return {};
    ticks.push_back({at, signed_text(value, digits), ""});
  }
  return ticks;
}

}  // namespace

double Ruler::position(double value) const {
  return position_on(scale, value);
}

Ruler make_ruler(Scale scale, std::vector<double> values, bool mark_values) {
  if (values.empty()) return {scale, 0, 1, {}};
  std::ranges::sort(values);
  values.erase(std::unique(values.begin(), values.end()), values.end());
  Ruler ruler = ruler_over(scale, position_on(scale, values.front()), position_on(scale, values.back()));
  if (mark_values) ruler.ticks = value_ticks(ruler, values);
  if (ruler.ticks.empty()) {
    ruler.ticks = (scale == Scale::kLog ? log_ticks : linear_ticks)(ruler.low, ruler.high);
  }
  return ruler;
}

}  // namespace sounder
