#include "io/ratings.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <exception>
#include <limits>
#include <numeric>
#include <optional>
#include <span>
#include <utility>

#include "io/counting_sort.h"
#include "io/error.h"
#include "io/input.h"
#include "io/pages.h"
#include "io/rating_line.h"
#include "io/scanner.h"

namespace sounder {
namespace {

constexpr std::uint32_t kUnknown = std::numeric_limits<std::uint32_t>::max();

struct Pair {
  std::uint32_t user;
  std::uint32_t item;
};

// Whole lines that one thread reads, with numbers of their own for the names in them: each name is then looked up among
// all of them once, not once a line.
struct Share {
  std::string_view text;
  Ids users;
  Ids items;
  std::vector<Pair> pairs;
  std::vector<float> ratings;
  std::optional<std::string_view> unrated;  // the empty field of the first line without a rating
  RowLines row_lines;
  std::size_t lines = 0;
  std::optional<InputError> rounded_class;  // RowOrigins has it
  std::exception_ptr failure;               // of the first bad line; the rest was not read
};

std::size_t count_unknown(const Share& share, std::uint32_t Pair::*side) {
  return static_cast<std::size_t>(std::ranges::count(share.pairs, kUnknown, side));
}

// Takes whole lines from the beginning of a text, about a megabyte, so that names come again.
std::string_view take_lines(std::string_view& text) {
  constexpr std::size_t kBytes = std::size_t{1} << 20;
  const std::size_t end = text.size() <= kBytes ? text.npos : text.find('\n', kBytes);
  const std::string_view lines = text.substr(0, end == text.npos ? end : end + 1);
  text.remove_prefix(lines.size());
  return lines;
}

// As many lines as a text has, or more.
std::size_t count_lines(std::string_view text, const ParallelFor& parallel) {
  constexpr std::size_t kBytes = std::size_t{1} << 20;
  std::vector<std::size_t> counts(text.size() / kBytes + 1);
  parallel(counts.size(), [&](std::size_t part) {
    const std::string_view bytes = text.substr(part * kBytes, kBytes);
    counts[part] =
        static_cast<std::size_t>(std::ranges::count(bytes, '\n') + std::ranges::count(bytes, '\r'));
  });
  return std::accumulate(counts.begin(), counts.end(), std::size_t{1});
}

// The number of each name of a share among all users or items. They are those that are known, or get the next ones.
std::vector<std::uint32_t> numbers_of(const Ids& names, Ids& all, bool known) {
  std::vector<std::uint32_t> numbers(names.size());
  for (std::uint32_t i = 0; i < numbers.size(); ++i)
    numbers[i] = known ? all.find(names.name(i)).value_or(kUnknown) : all.add(names.name(i));
  return numbers;
}

// The items of each user, in order, each once.
std::vector<std::vector<std::uint32_t>> items_of_users(std::span<const Coordinate> pairs, std::size_t users,
                                                       const ParallelFor& parallel) {
  constexpr std::size_t kParts = 16;
  constexpr std::size_t kUsers = 256;  // of a task
  const auto memory = allocate_array<std::uint32_t>(pairs.size() / 2);
  const std::span<std::uint32_t> sorted(memory.get(), pairs.size() / 2);
  const std::vector<std::size_t> ends = counting_sort(
      pairs.size() / 2, users, kParts, parallel, [&](std::size_t i) { return pairs[2 * i]; },
      [&](std::size_t i, std::size_t to) {
        sorted[to] = pairs[2 * i + 1] - static_cast<std::uint32_t>(users);
      });
  std::vector<std::vector<std::uint32_t>> items(users);
  parallel((users + kUsers - 1) / kUsers, [&](std::size_t task) {
    for (std::size_t user = task * kUsers; user < std::min(users, (task + 1) * kUsers); ++user) {
      const std::size_t begin = user == 0 ? 0 : ends[user - 1];
      const std::span<std::uint32_t> all = sorted.subspan(begin, ends[user] - begin);
      std::ranges::sort(all);
      items[user].assign(all.begin(), std::unique(all.begin(), all.end()));
    }
  });
  return items;
}

// The ratings of the shares so far.
class Rows {
 public:
  // Room for so many, of which the system provides what is written to.
  explicit Rows(std::size_t most)
      : bytes_(2 * most * sizeof(Coordinate)),
        indices_(allocate_pages(bytes_)),
        values_(allocate_pages(bytes_)) {
    offsets_.reserve(most + 1);
    labels_.reserve(most);
  }

  // Pairs of the numbers among all, or of kUnknown.
  void append(std::span<const Share> shares, const ParallelFor& parallel) {
    std::vector<std::size_t> rows{labels_.size()};
    std::vector<std::size_t> entries{offsets_.back()};
    for (const Share& share : shares) {
      rows.push_back(rows.back() + share.pairs.size());
      entries.push_back(entries.back() + entries_of(share));
    }
    labels_.resize(rows.back());
    offsets_.resize(rows.back() + 1);
    parallel(shares.size(), [&](std::size_t s) { write(shares[s], rows[s], entries[s]); });
  }

  Dataset take(std::size_t users, std::size_t items, const ParallelFor& parallel) {
    constexpr std::size_t kShare = std::size_t{1} << 18;
    const std::span<Coordinate> all(indices(), offsets_.back());
    parallel(all.size() / kShare + 1, [&](std::size_t share) {
      const std::size_t begin = share * kShare;
      for (Coordinate& c : all.subspan(begin, std::min(kShare, all.size() - begin)))
        if (c >= kItem) c = static_cast<Coordinate>(c - kItem + users);
    });
    give_back(indices_.get(), bytes_, all.size_bytes());
    give_back(values_.get(), bytes_, all.size_bytes());
    return Dataset::adopt(users + items, std::move(offsets_), std::move(indices_), std::move(values_),
                          std::move(labels_));
  }

 private:
  // Items are numbered from here, above all users, until it is known how many these are.
  static constexpr Coordinate kItem = Coordinate{1} << 31;
  static_assert(Ids::kMost < kItem);

  static std::size_t entries_of(const Share& share) {
    return 2 * share.pairs.size() - count_unknown(share, &Pair::user) - count_unknown(share, &Pair::item);
  }

  void write(const Share& share, std::size_t row, std::size_t entry) {
    std::ranges::copy(share.ratings, labels_.begin() + static_cast<std::ptrdiff_t>(row));
    Coordinate* to = indices() + entry;
    for (const Pair& pair : share.pairs) {
      if (pair.user != kUnknown) *to++ = pair.user;
      if (pair.item != kUnknown) *to++ = kItem + pair.item;
      offsets_[++row] = static_cast<std::uint64_t>(to - indices());
    }
    std::fill(values() + entry, values() + (to - indices()), 1.0F);
  }

  Coordinate* indices() { return reinterpret_cast<Coordinate*>(indices_.get()); }
  float* values() { return reinterpret_cast<float*>(values_.get()); }

  std::size_t bytes_;
  std::shared_ptr<std::byte> indices_;
  std::shared_ptr<std::byte> values_;
  std::vector<std::uint64_t> offsets_{0};
  std::vector<float> labels_;
};

class RatingsParser {
 public:
  RatingsParser(std::string_view text, const std::string& name, const RatingsOptions& options)
      : text_(text),
        name_(name),
        known_users_(options.users != nullptr),
        known_items_(options.items != nullptr) {
    if (known_users_) file_.users = *options.users;
    if (known_items_) file_.items = *options.items;
  }

  RatingsFile run(const ParallelFor& parallel) {
    constexpr std::size_t kShares = 32;  // at a time: what they hold for a while is small beside the ratings
    std::string_view text = from_first_rating();
    Rows rows(count_lines(text, parallel));
    std::vector<Share> shares(kShares);
    while (!text.empty()) {
      for (Share& share : shares) share.text = take_lines(text);
      parallel(shares.size(), [&](std::size_t s) { read(shares[s]); });
      for (const Share& share : shares)
        if (share.failure) std::rethrow_exception(share.failure);
      note_unrated(shares);
      number(shares, parallel);
      rows.append(shares, parallel);
      note_origins(shares);
    }
    file_.data = rows.take(file_.users.size(), file_.items.size(), parallel);
    if (known_users_ || known_items_) return std::move(file_);
    file_.rated = items_of_users(file_.data.indices(), file_.users.size(), parallel);
    file_.duplicates = file_.data.rows();
    for (const auto& items : file_.rated) file_.duplicates -= items.size();
    return std::move(file_);
  }

 private:
  static constexpr const char* kRating = "a rating (a finite number)";

  // Finds out about the header and the separator, and returns the text from the first line that is to be a rating.
  std::string_view from_first_rating() {
    Lines lines(text_);
    std::string_view line = lines.next();
    if (line.empty()) refuse_empty(text_.empty() ? "the file is empty" : "every line is blank");
    if (line.starts_with('%'))
      fail(line,
           "user, item and rating; of a MatrixMarket file, leave out the lines with % and the line of sizes "
           "behind them");
    file_.header = is_header(line, Lines(lines).next());
    if (file_.header) line = lines.next();
    lines_ = lines.count() - 1;
    if (line.empty()) refuse_empty("there is only a header");
    separator_ = best_separator(line);
    if (fit(line, separator_) < Fit::kPair)
      fail(line, "user, item and rating, separated by tabs, \"::\", commas or blanks");
    return text_.substr(static_cast<std::size_t>(line.data() - text_.data()));
  }

  void read(Share& share) const try {
    share.users = {};
    share.items = {};
    share.pairs.clear();
    share.ratings.clear();
    share.unrated.reset();
    share.row_lines.clear();
    share.rounded_class.reset();
    Lines lines(share.text);
    std::string buffer;
    for (std::string_view line = lines.next(); !line.empty(); line = lines.next()) {
      Fields fields(line, separator_);
      const std::uint32_t user = share.users.add(named(fields.next(), "a user", buffer));
      const std::uint32_t item = share.items.add(named(fields.next(), "an item", buffer));
      share.pairs.push_back({user, item});
      const std::string_view rating = fields.next();
      if (rating.empty() && !share.unrated) share.unrated = rating;
      const float value = rating.empty() ? 0 : label(rating, buffer);
      share.ratings.push_back(value);
      share.row_lines.add(lines.count());
      if (!share.rounded_class && is_rounded_class(content(rating, buffer), value))
        share.rounded_class.emplace(locate(name_, text_, rating.data()),
                                    describe_rounded_class(content(rating, buffer), value));
    }
    share.lines = lines.count();
  } catch (...) {
    share.failure = std::current_exception();
  }

  std::string_view named(std::string_view field, const char* what, std::string& buffer) const {
    const std::string_view name = content(field, buffer);
    if (name.empty()) fail(field, what);
    return name;
  }

  float label(std::string_view field, std::string& buffer) const {
    Scanner ahead = at(field);  // on to the end of the text: what reads short numbers needs some room
    if (const auto value = ahead.short_real(); value && ahead.at() == field.data() + field.size())
      return *value;
    const float value = number_of(content(field, buffer));
    if (std::isnan(value)) fail(field, kRating);
    if (std::isinf(value)) fail(field, "a rating within the range of float (up to 3.4e38)");
    return value;
  }

  std::string_view content(std::string_view field, std::string& buffer) const {
    if (!field.starts_with('"')) return field;
    const std::optional<std::string_view> inside = unquoted(field, separator_, buffer);
    if (!inside) fail(field, "a quote at the end of the field, and quotes inside it doubled");
    return *inside;
  }

  // From the shares' own numbers to those among all, which follow the order of the file.
  void number(std::span<Share> shares, const ParallelFor& parallel) {
    std::vector<std::vector<std::uint32_t>> users;
    std::vector<std::vector<std::uint32_t>> items;
    for (Share& share : shares) {
      users.push_back(numbers_of(share.users, file_.users, known_users_));
      items.push_back(numbers_of(share.items, file_.items, known_items_));
    }
    parallel(shares.size(), [&](std::size_t s) {
      for (Pair& pair : shares[s].pairs) pair = {users[s][pair.user], items[s][pair.item]};
    });
    for (const Share& share : shares) {
      if (known_users_) file_.unknown_users += count_unknown(share, &Pair::user);
      if (known_items_) file_.unknown_items += count_unknown(share, &Pair::item);
    }
  }

  void note_origins(std::span<const Share> shares) {
    for (const Share& share : shares) {
      file_.origins.lines.append(share.row_lines, lines_);
      lines_ += share.lines;
      if (!file_.origins.rounded_class) file_.origins.rounded_class = share.rounded_class;
    }
  }

  Scanner at(std::string_view field) const {
    return Scanner(text_.substr(static_cast<std::size_t>(field.data() - text_.data())));
  }

  void note_unrated(std::span<const Share> shares) {
    if (file_.unrated) return;
    const auto first =
        std::ranges::find_if(shares, [](const Share& share) { return share.unrated.has_value(); });
    if (first != shares.end()) file_.unrated = error_at(*first->unrated, kRating);
  }

  [[noreturn]] void fail(std::string_view field, std::string_view expected) const {
    throw error_at(field, expected);
  }

  InputError error_at(std::string_view field, std::string_view expected) const {
    const Scanner there = at(field);
    const bool missing = field.empty() && there.at_line_end();
    const std::string found = missing ? found_at(there) : field.empty() ? separator_.name : quoted(field);
    const std::string place = missing ? fmt::format(" behind {}", separator_.name) : "";
    return InputError(locate(name_, text_, field.data()),
                      fmt::format("found {}, expected {}{}", found, expected, place));
  }

  [[noreturn]] void refuse_empty(const char* why) const {
    throw InputError(Position{name_}, fmt::format("no ratings: {}", why));
  }

  std::string_view text_;
  const std::string& name_;
  bool known_users_;
  bool known_items_;
  Separator separator_{};
  std::size_t lines_ = 0;  // before those of the next share
  RatingsFile file_;
};

}  // namespace

RatingsFile parse_ratings(std::string_view text, const std::string& name, const RatingsOptions& options,
                          const ParallelFor& parallel) {
  return RatingsParser(text, name, options).run(parallel);
}

RatingsFile read_ratings(const std::string& path, const RatingsOptions& options,
                         const ParallelFor& parallel) {
  const Input input(path);
  return parse_ratings(input.bytes(), path, options, parallel);
}

// A user, an item, a rating and a time: with more, a line is of some other table.
bool is_ratings(std::string_view text) {
  constexpr int kMostFields = 4;
  Lines lines(text);
  std::string_view line = lines.next();
  if (is_header(line, Lines(lines).next())) line = lines.next();
  const Separator separator = best_separator(line);
  if (fit(line, separator) != Fit::kRating) return false;
  Fields fields(line, separator);
  fields.next();
  const bool is_pair = separator.character == ' ' && fields.next().find(':') != std::string_view::npos;
  Fields all(line, separator);
  for (int k = 0; k < kMostFields; ++k) all.next();
  return !is_pair && all.done();
}

}  // namespace sounder
