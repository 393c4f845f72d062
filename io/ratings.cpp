#include "io/ratings.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "io/error.h"
#include "io/input.h"
#include "io/scanner.h"

namespace sounder {
namespace {

// What stands between two fields.
struct Separator {
  char character;
  std::size_t count;  // of the character
  const char* name;
};
// In the order in which they are tried: what has tabs or colons between its fields may have commas and blanks
// in them. The space stands for any blanks.
constexpr Separator kSeparators[] = {
    {'\t', 1, "a tab"}, {':', 2, "\"::\""}, {',', 1, "a comma"}, {' ', 1, "a blank"}};

// Cuts text into those of its lines that are not blank.
class Lines {
 public:
  explicit Lines(std::string_view text) : scan_(text) {}

  // The next line without its end; empty when there is none.
  std::string_view next() {
    while (!scan_.done()) {
      const char* begin = scan_.at();
      scan_.skip_blanks();
      const bool blank = scan_.at_line_end();
      scan_.skip_line();
      if (!blank) return without_end({begin, scan_.at()});
    }
    return {};
  }

 private:
  static std::string_view without_end(std::string_view line) {
    while (line.ends_with('\n') || line.ends_with('\r')) line.remove_suffix(1);
    return line;
  }

  Scanner scan_;
};

// Cuts a line into fields.
class Fields {
 public:
  Fields(std::string_view line, Separator separator) : rest_(line), separator_(separator) { skip_blanks(); }

  // The next field, with its quotes but without the blanks around it; empty, and at the end of the line, when
  // there is none.
  std::string_view next() {
    std::string_view field = rest_.substr(0, field_end());
    rest_.remove_prefix(std::min(rest_.size(), field.size() + separator_.count));
    skip_blanks();
    while (field.ends_with(' ') || field.ends_with('\t')) field.remove_suffix(1);
    return field;
  }

 private:
  void skip_blanks() {
    const char tab = separator_.character == '\t' ? ' ' : '\t';
    while (rest_.starts_with(' ') || rest_.starts_with(tab)) rest_.remove_prefix(1);
  }

  std::size_t field_end() const {
    const bool quotes = separator_.character == ',' && rest_.starts_with('"');
    bool inside = false;
    for (std::size_t i = 0; i < rest_.size(); ++i) {
      inside ^= quotes && rest_[i] == '"';
      if (!inside && is_separator(i)) return i;
    }
    return rest_.size();
  }

  bool is_separator(std::size_t i) const {
    if (rest_[i] != separator_.character) return separator_.character == ' ' && rest_[i] == '\t';
    return separator_.count == 1 || rest_.substr(i + 1).starts_with(separator_.character);
  }

  std::string_view rest_;
  Separator separator_;
};

// What is in a field: itself or, between commas, what its quotes enclose, copied to `buffer`. Nothing when the
// quotes do not match.
std::optional<std::string_view> unquoted(std::string_view field, Separator separator, std::string& buffer) {
  if (separator.character != ',' || !field.starts_with('"')) return field;
  buffer.clear();
  for (std::size_t i = 1; i < field.size(); ++i) {
    const bool quote = field[i] == '"';
    if (quote && ++i == field.size()) return buffer;
    if (quote && field[i] != '"') return std::nullopt;
    buffer += field[i];
  }
  return std::nullopt;
}

// NaN when `field` is no number.
float number(std::string_view field) {
  Scanner scan(field);
  const float value = scan.real();
  return scan.done() ? value : std::numeric_limits<float>::quiet_NaN();
}

// How many of the first three fields a line has with this separator, and one more when the third is a number.
constexpr int kPair = 2;
constexpr int kHeader = 3;
constexpr int kRating = 4;

int fit(std::string_view line, Separator separator) {
  Fields fields(line, separator);
  std::string_view field;
  int count = 0;
  while (count < kHeader && !(field = fields.next()).empty()) ++count;
  std::string buffer;
  const std::string_view last = unquoted(field, separator, buffer).value_or("");
  return count == kHeader && !std::isnan(number(last)) ? kRating : count;
}

Separator best_separator(std::string_view line) {
  return *std::ranges::max_element(kSeparators, {}, [&](Separator s) { return fit(line, s); });
}

constexpr std::uint32_t kUnknown = std::numeric_limits<std::uint32_t>::max();

// Users or items while they are read.
struct Side {
  const char* what;
  bool known;
  Ids ids;
  std::uint64_t unknown = 0;

  std::uint32_t number(std::string_view name) {
    if (!known) return ids.add(name);
    const std::optional<std::uint32_t> number = ids.find(name);
    unknown += !number;
    return number.value_or(kUnknown);
  }
};

struct Pair {
  std::uint32_t user;
  std::uint32_t item;
};

// How many pairs are equal to one before. Sorts them by user; then it is enough to know who had an item last.
std::uint64_t count_duplicates(std::span<const Pair> pairs, std::size_t users, std::size_t items) {
  std::vector<std::uint64_t> ends(users + 1);
  for (const Pair& pair : pairs) ++ends[pair.user + 1];
  std::partial_sum(ends.begin(), ends.end(), ends.begin());
  std::vector<std::uint32_t> sorted(pairs.size());
  for (const Pair& pair : pairs) sorted[ends[pair.user]++] = pair.item;  // a begin becomes an end
  std::vector<std::uint32_t> last(items, kUnknown);
  std::uint64_t duplicates = 0;
  std::size_t k = 0;
  for (std::uint32_t user = 0; user < users; ++user)
    for (; k < ends[user]; ++k) duplicates += std::exchange(last[sorted[k]], user) == user;
  return duplicates;
}

Dataset assemble(std::span<const Pair> pairs, std::vector<float> ratings, std::size_t users,
                 std::size_t items) {
  Dataset::Columns parts;
  parts.labels = std::move(ratings);
  parts.offsets.reserve(pairs.size() + 1);
  parts.indices.reserve(2 * pairs.size());
  for (const Pair& pair : pairs) {
    if (pair.user != kUnknown) parts.indices.push_back(pair.user);
    if (pair.item != kUnknown) parts.indices.push_back(static_cast<Coordinate>(users + pair.item));
    parts.offsets.push_back(parts.indices.size());
  }
  parts.values.assign(parts.indices.size(), 1);
  return Dataset(users + items, std::move(parts));
}

class RatingsParser {
 public:
  RatingsParser(std::string_view text, const std::string& name, const RatingsOptions& options)
      : text_(text),
        name_(name),
        labels_(options.labels),
        lines_(text),
        users_(side("a user", options.users)),
        items_(side("an item", options.items)) {}

  RatingsFile run() {
    for (std::string_view line = first_rating(); !line.empty(); line = lines_.next()) rating(line);
    const std::size_t users = users_.ids.size();
    const std::size_t items = items_.ids.size();
    const bool known = users_.known || items_.known;
    return {.data = assemble(pairs_, std::move(ratings_), users, items),
            .users = std::move(users_.ids),
            .items = std::move(items_.ids),
            .duplicates = known ? 0 : count_duplicates(pairs_, users, items),
            .unknown_users = users_.unknown,
            .unknown_items = items_.unknown,
            .header = header_};
  }

 private:
  static Side side(const char* what, const Ids* known) {
    return {what, known != nullptr, known != nullptr ? *known : Ids()};
  }

  // Finds out about the header and the separator, and returns the first line that is to be a rating.
  std::string_view first_rating() {
    std::string_view line = lines_.next();
    if (line.empty()) refuse_empty(text_.empty() ? "the file is empty" : "every line is blank");
    header_ = fit(line, best_separator(line)) == kHeader;
    if (header_) line = lines_.next();
    if (line.empty()) refuse_empty("there is only a header");
    separator_ = best_separator(line);
    if (fit(line, separator_) < kPair)
      fail(line, "user, item and rating, separated by tabs, \"::\", commas or blanks");
    return line;
  }

  void rating(std::string_view line) {
    Fields fields(line, separator_);
    const std::uint32_t user = number_of(fields.next(), users_);
    const std::uint32_t item = number_of(fields.next(), items_);
    pairs_.push_back({user, item});
    ratings_.push_back(label(fields.next()));
  }

  std::uint32_t number_of(std::string_view field, Side& side) {
    const std::string_view name = content(field);
    if (name.empty()) fail(field, side.what);
    return side.number(name);
  }

  float label(std::string_view field) {
    if (field.empty() && !labels_) return 0;
    const float value = number(content(field));
    if (std::isnan(value)) fail(field, "a rating (a finite number)");
    if (std::isinf(value)) fail(field, "a rating within the range of float (up to 3.4e38)");
    return value;
  }

  std::string_view content(std::string_view field) {
    const std::optional<std::string_view> inside = unquoted(field, separator_, buffer_);
    if (!inside) fail(field, "a quote at the end of the field, and quotes inside it doubled");
    return *inside;
  }

  [[noreturn]] void fail(std::string_view field, std::string_view expected) const {
    const Scanner there(text_.substr(static_cast<std::size_t>(field.data() - text_.data())));
    const bool missing = field.empty() && there.at_line_end();
    const std::string found = missing ? found_at(there) : field.empty() ? separator_.name : quoted(field);
    const std::string place = missing ? fmt::format(" behind {}", separator_.name) : "";
    throw InputError(locate(name_, text_, field.data()),
                     fmt::format("found {}, expected {}{}", found, expected, place));
  }

  [[noreturn]] void refuse_empty(const char* why) const {
    throw InputError(Position{name_}, fmt::format("no ratings: {}", why));
  }

  std::string_view text_;
  const std::string& name_;
  bool labels_;
  Lines lines_;
  bool header_ = false;
  Separator separator_ = kSeparators[0];
  Side users_;
  Side items_;
  std::vector<Pair> pairs_;
  std::vector<float> ratings_;
  std::string buffer_;
};

}  // namespace

RatingsFile parse_ratings(std::string_view text, const std::string& name, const RatingsOptions& options) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  return RatingsParser(text, name, options).run();
}

RatingsFile read_ratings(const std::string& path, const RatingsOptions& options) {
  const Input input(path);
  return parse_ratings(input.bytes(), path, options);
}

bool is_ratings(std::string_view text) {
  Lines lines(text);
  std::string_view line = lines.next();
  if (fit(line, best_separator(line)) == kHeader) line = lines.next();
  const Separator separator = best_separator(line);
  if (fit(line, separator) != kRating) return false;
  Fields fields(line, separator);
  fields.next();
  return separator.character != ' ' || fields.next().find(':') == std::string_view::npos;
}

}  // namespace sounder
