#include "io/cooccurrence.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <numeric>
#include <utility>

#include "io/error.h"
#include "io/ids.h"
#include "io/input.h"

namespace sounder {
namespace {

constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();  // a line end, a word passed over

// What each byte is in a word: itself, its lower case, or 0 where it ends one.
constexpr std::array<char, 256> letters() {
  std::array<char, 256> table{};
  for (std::size_t c = 'a'; c <= 'z'; ++c) table[c] = table[c - 'a' + 'A'] = static_cast<char>(c);
  for (std::size_t c = 0x80; c < table.size(); ++c) table[c] = static_cast<char>(c);
  return table;
}
constexpr std::array<char, 256> kLetters = letters();

// A text as numbers of words, with kNone for a line end.
struct Tokens {
  Ids ids;
  std::vector<std::uint32_t> stream;
  std::vector<std::uint64_t> counts;  // of each word
};

void add_token(std::string& word, Tokens& tokens) {
  if (word.empty()) return;
  const std::uint32_t id = tokens.ids.add(word);
  if (id == tokens.counts.size()) tokens.counts.push_back(0);
  ++tokens.counts[id];
  tokens.stream.push_back(id);
  word.clear();
}

Tokens tokenize(std::string_view text) {
  Tokens tokens;
  std::string word;
  for (const char c : text) {
    if (const char letter = kLetters[static_cast<unsigned char>(c)]) {
      word += letter;
      continue;
    }
    add_token(word, tokens);
    if (c == '\n' || c == '\r') tokens.stream.push_back(kNone);
  }
  add_token(word, tokens);
  return tokens;
}

// The numbers of the words that stay, by falling frequency.
std::vector<std::uint32_t> frequent(const std::vector<std::uint64_t>& counts, const TextOptions& options) {
  std::vector<std::uint32_t> kept;
  for (std::uint32_t id = 0; id < counts.size(); ++id)
    if (counts[id] >= options.min_count) kept.push_back(id);
  std::ranges::stable_sort(kept, std::ranges::greater(), [&](std::uint32_t id) { return counts[id]; });
  kept.resize(std::min<std::size_t>(kept.size(), options.most_words));
  return kept;
}

// Counts by pair: open addressing, at most three quarters of the slots taken.
class Meetings {
 public:
  void add(std::uint32_t a, std::uint32_t b, double count) {
    const auto [word, other] = std::minmax(a, b);
    Meeting* slot = &slots_[probe(word, other)];
    if (slot->count == 0) {
      if (4 * ++size_ > 3 * slots_.size()) {
        grow();
        slot = &slots_[probe(word, other)];
      }
      *slot = {word, other, 0};
    }
    slot->count += count;
  }

  std::vector<Meeting> sorted() && {
    std::erase_if(slots_, [](const Meeting& meeting) { return meeting.count == 0; });
    std::ranges::sort(slots_, {}, key);
    slots_.shrink_to_fit();
    return std::move(slots_);
  }

 private:
  static std::uint64_t key(const Meeting& meeting) {
    return std::uint64_t{meeting.word} << 32 | meeting.other;
  }

  // Of the pair, or the free one that it belongs to. Fibonacci hashing (Knuth, volume 3, section 6.4).
  std::size_t probe(std::uint32_t word, std::uint32_t other) const {
    constexpr std::uint64_t kGolden = 0x9e3779b97f4a7c15;
    const std::size_t mask = slots_.size() - 1;
    const std::uint64_t mixed = (std::uint64_t{word} << 32 | other) * kGolden;
    for (std::size_t i = (mixed ^ mixed >> 32) & mask;; i = (i + 1) & mask) {
      const Meeting& slot = slots_[i];
      if (slot.count == 0 || (slot.word == word && slot.other == other)) return i;
    }
  }

  void grow() {
    const std::vector<Meeting> old = std::exchange(slots_, std::vector<Meeting>(2 * slots_.size()));
    for (const Meeting& meeting : old)
      if (meeting.count > 0) slots_[probe(meeting.word, meeting.other)] = meeting;
  }

  std::vector<Meeting> slots_ = std::vector<Meeting>(1 << 16);  // a count of 0: free
  std::size_t size_ = 0;
};

// Of each word with those before it on its line.
std::vector<Meeting> meet(const std::vector<std::uint32_t>& stream, const std::vector<std::uint32_t>& numbers,
                          std::size_t window) {
  Meetings meetings;
  std::vector<std::uint32_t> line;
  for (const std::uint32_t id : stream) {
    if (id == kNone) {
      line.clear();
      continue;
    }
    const std::uint32_t word = numbers[id];
    if (word == kNone) continue;
    for (std::size_t distance = 1; distance <= std::min(window, line.size()); ++distance)
      meetings.add(word, line[line.size() - distance], 1.0 / static_cast<double>(distance));
    line.push_back(word);
  }
  return std::move(meetings).sorted();
}

void check_limit(const char* flag, std::uint32_t value, std::uint32_t least, std::uint32_t most) {
  if (value >= least && value <= most) return;
  throw InputError(fmt::format("{} = {}: must be {} to {}", flag, value, least, most));
}

}  // namespace

void validate(const TextOptions& options) {
  constexpr std::uint32_t kMostWords = std::numeric_limits<std::int32_t>::max();
  check_limit("--min-count", options.min_count, 1, kNone);
  check_limit("--most-words", options.most_words, 2, kMostWords);
  check_limit("--window", options.window, 1, 1000);
}

Cooccurrences count_cooccurrences(std::string_view text, const std::string& name,
                                  const TextOptions& options) {
  validate(options);
  if (text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff"))
    throw InputError({name}, "found UTF-16, expected UTF-8, or another code that keeps ASCII's letters");
  const Tokens tokens = tokenize(text);
  const std::vector<std::uint32_t> kept = frequent(tokens.counts, options);
  if (kept.size() < 2)
    throw InputError({name},
                     fmt::format("found {} different words, {} of them {} times or more, expected two",
                                 tokens.counts.size(), kept.size(), options.min_count));
  Cooccurrences found;
  std::vector<std::uint32_t> numbers(tokens.counts.size(), kNone);
  for (const std::uint32_t id : kept) {
    numbers[id] = static_cast<std::uint32_t>(found.words.size());
    found.words.emplace_back(tokens.ids.name(id));
  }
  found.meetings = meet(tokens.stream, numbers, options.window);
  found.tokens = std::accumulate(tokens.counts.begin(), tokens.counts.end(), std::uint64_t{0});
  if (std::ranges::all_of(found.meetings, [](const Meeting& pair) { return pair.word == pair.other; }))
    throw InputError({name}, "found no two different words on one line, expected lines of text");
  return found;
}

Cooccurrences read_cooccurrences(const std::string& path, const TextOptions& options) {
  const Input input(path);
  return count_cooccurrences(input.bytes(), path, options);
}

}  // namespace sounder
