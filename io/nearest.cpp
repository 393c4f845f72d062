#include "io/nearest.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace sounder {
namespace {

std::string_view without_dashes(std::string_view word) {
  return word.substr(std::min(word.find_first_not_of('-'), word.size()));
}

// Optimal string alignment: row i of the table has the distances of the first i letters of `a`.
std::size_t edits(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> table(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) {
    for (std::size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        table[i][j] = i + j;
        continue;
      }
      const std::size_t change = a[i - 1] == b[j - 1] ? 0 : 1;
      table[i][j] = std::min({table[i - 1][j] + 1, table[i][j - 1] + 1, table[i - 1][j - 1] + change});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        table[i][j] = std::min(table[i][j], table[i - 2][j - 2] + 1);
    }
  }
  return table[a.size()][b.size()];
}

}  // namespace

std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates) {
  constexpr std::size_t kLettersAnEdit = 3;
  constexpr std::size_t kLongest = 64;  // of names
  const std::string_view letters = without_dashes(word);
  if (letters.size() > kLongest) return {};
  const std::size_t most = std::max<std::size_t>(1, letters.size() / kLettersAnEdit);
  std::size_t least = 2 * most + 1;
  std::string_view found;
  for (const std::string_view candidate : candidates) {
    const std::string_view name = without_dashes(candidate);
    const std::size_t count =
        2 * edits(letters, name) - (name.starts_with(letters) && name != letters ? 1 : 0);
    if (count >= least) continue;
    least = count;
    found = candidate;
  }
  return found;
}

std::string did_you_mean(std::string_view word, std::span<const std::string_view> candidates) {
  const std::string_view found = nearest(word, candidates);
  return found.empty() ? "" : fmt::format(", did you mean {}?", found);
}

}  // namespace sounder
