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
  std::exception_ptr failure;  // of the first bad line; the rest was not read
};

// About a megabyte each, so that names come again.
std::vector<Share> cut(std::string_view text) {
  constexpr std::size_t kBytes = std::size_t{1} << 20;
  std::vector<Share> shares;
  while (!text.empty()) {
    const std::size_t end = text.size() <= kBytes ? text.npos : text.find('\n', kBytes);
    shares.emplace_back().text = text.substr(0, end == text.npos ? end : end + 1);
    text.remove_prefix(shares.back().text.size());
  }
  return shares;
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
  constexpr std::size_t kUsers = 256;  // of a task
  std::vector<std::uint64_t> ends(users + 1);
  for (std::size_t k = 0; k < pairs.size(); k += 2) ++ends[pairs[k] + 1];
  std::partial_sum(ends.begin(), ends.end(), ends.begin());
  const auto sorted = allocate_array<std::uint32_t>(pairs.size() / 2);
  for (std::size_t k = 0; k < pairs.size(); k += 2)  // a begin becomes an end
    sorted[ends[pairs[k]]++] = pairs[k + 1] - static_cast<std::uint32_t>(users);
  std::vector<std::vector<std::uint32_t>> items(users);
  parallel((users + kUsers - 1) / kUsers, [&](std::size_t task) {
    for (std::size_t user = task * kUsers; user < std::min(users, (task + 1) * kUsers); ++user) {
      const std::span all(&sorted[user == 0 ? 0 : ends[user - 1]], &sorted[ends[user]]);
      std::ranges::sort(all);
      items[user].assign(all.begin(), std::ranges::unique(all).begin());
    }
  });
  return items;
}

// Where the rows of a share and their non-zeros begin among all.
struct Place {
  std::size_t row = 0;
  std::size_t entry = 0;
};

class RatingsParser {
 public:
  RatingsParser(std::string_view text, const std::string& name, const RatingsOptions& options)
      : text_(text),
        name_(name),
        labels_(options.labels),
        known_users_(options.users != nullptr),
        known_items_(options.items != nullptr) {
    if (known_users_) file_.users = *options.users;
    if (known_items_) file_.items = *options.items;
  }

  RatingsFile run(const ParallelFor& parallel) {
    shares_ = cut(from_first_rating());
    parallel(shares_.size(), [&](std::size_t s) { read(shares_[s]); });
    for (const Share& share : shares_)
      if (share.failure) std::rethrow_exception(share.failure);
    number(parallel);
    assemble(parallel);
    if (known_users_ || known_items_) return std::move(file_);
    file_.rated = items_of_users(file_.data.indices(), file_.users.size(), parallel);
    file_.duplicates = file_.data.rows();
    for (const auto& items : file_.rated) file_.duplicates -= items.size();
    return std::move(file_);
  }

 private:
  // Finds out about the header and the separator, and returns the text from the first line that is to be a rating.
  std::string_view from_first_rating() {
    Lines lines(text_);
    std::string_view line = lines.next();
    if (line.empty()) refuse_empty(text_.empty() ? "the file is empty" : "every line is blank");
    file_.header = fit(line, best_separator(line)) == Fit::kHeader;
    if (file_.header) line = lines.next();
    if (line.empty()) refuse_empty("there is only a header");
    separator_ = best_separator(line);
    if (fit(line, separator_) < Fit::kPair)
      fail(line, "user, item and rating, separated by tabs, \"::\", commas or blanks");
    return text_.substr(static_cast<std::size_t>(line.data() - text_.data()));
  }

  void read(Share& share) const try {
    constexpr std::size_t kShortLine = 16;
    share.pairs.reserve(share.text.size() / kShortLine);
    share.ratings.reserve(share.text.size() / kShortLine);
    Lines lines(share.text);
    std::string buffer;
    for (std::string_view line = lines.next(); !line.empty(); line = lines.next()) {
      Fields fields(line, separator_);
      const std::uint32_t user = share.users.add(named(fields.next(), "a user", buffer));
      const std::uint32_t item = share.items.add(named(fields.next(), "an item", buffer));
      share.pairs.push_back({user, item});
      share.ratings.push_back(label(fields.next(), buffer));
    }
  } catch (...) {
    share.failure = std::current_exception();
  }

  std::string_view named(std::string_view field, const char* what, std::string& buffer) const {
    const std::string_view name = content(field, buffer);
    if (name.empty()) fail(field, what);
    return name;
  }

  float label(std::string_view field, std::string& buffer) const {
    if (field.empty() && !labels_) return 0;
    const float value = number_of(content(field, buffer));
    if (std::isnan(value)) fail(field, "a rating (a finite number)");
    if (std::isinf(value)) fail(field, "a rating within the range of float (up to 3.4e38)");
    return value;
  }

  std::string_view content(std::string_view field, std::string& buffer) const {
    const std::optional<std::string_view> inside = unquoted(field, separator_, buffer);
    if (!inside) fail(field, "a quote at the end of the field, and quotes inside it doubled");
    return *inside;
  }

  // From the shares' own numbers to those among all, which follow the order of the file.
  void number(const ParallelFor& parallel) {
    std::vector<std::vector<std::uint32_t>> users;
    std::vector<std::vector<std::uint32_t>> items;
    for (Share& share : shares_) {
      users.push_back(numbers_of(share.users, file_.users, known_users_));
      items.push_back(numbers_of(share.items, file_.items, known_items_));
    }
    parallel(shares_.size(), [&](std::size_t s) {
      for (Pair& pair : shares_[s].pairs) pair = {users[s][pair.user], items[s][pair.item]};
    });
  }

  // The end of all rows is the last.
  std::vector<Place> places() {
    std::vector<Place> places(1);
    for (const Share& share : shares_) {
      const auto unknown = [&](auto side) {
        return static_cast<std::uint64_t>(std::ranges::count(share.pairs, kUnknown, side));
      };
      const std::uint64_t users = known_users_ ? unknown(&Pair::user) : 0;
      const std::uint64_t items = known_items_ ? unknown(&Pair::item) : 0;
      file_.unknown_users += users;
      file_.unknown_items += items;
      const Place& begin = places.back();
      places.push_back(
          {begin.row + share.pairs.size(), begin.entry + 2 * share.pairs.size() - users - items});
    }
    return places;
  }

  void assemble(const ParallelFor& parallel) {
    const std::vector<Place> begins = places();
    const auto [rows, entries] = begins.back();
    const auto users = static_cast<Coordinate>(file_.users.size());
    std::vector<std::uint64_t> offsets(rows + 1);
    std::vector<float> labels(rows);
    const auto indices = allocate_array<Coordinate>(entries);
    const auto values = allocate_array<float>(entries);
    parallel(shares_.size(), [&](std::size_t s) {
      auto [row, entry] = begins[s];
      for (const Pair& pair : shares_[s].pairs) {
        if (pair.user != kUnknown) indices[entry++] = pair.user;
        if (pair.item != kUnknown) indices[entry++] = users + pair.item;
        offsets[++row] = entry;
      }
      std::ranges::fill(std::span(&values[begins[s].entry], &values[entry]), 1.0F);
      std::ranges::copy(shares_[s].ratings, labels.begin() + static_cast<std::ptrdiff_t>(begins[s].row));
      shares_[s] = {};
    });
    file_.data = Dataset::adopt(users + file_.items.size(), std::move(offsets), bytes_of(indices),
                                bytes_of(values), std::move(labels), parallel);
  }

  template <class T>
  static std::shared_ptr<std::byte> bytes_of(const std::shared_ptr<T[]>& array) {
    return {array, reinterpret_cast<std::byte*>(array.get())};
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
  bool known_users_;
  bool known_items_;
  Separator separator_{};
  std::vector<Share> shares_;
  RatingsFile file_;
};

}  // namespace

RatingsFile parse_ratings(std::string_view text, const std::string& name, const RatingsOptions& options,
                          const ParallelFor& parallel) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  return RatingsParser(text, name, options).run(parallel);
}

RatingsFile read_ratings(const std::string& path, const RatingsOptions& options,
                         const ParallelFor& parallel) {
  const Input input(path);
  return parse_ratings(input.bytes(), path, options, parallel);
}

bool is_ratings(std::string_view text) {
  Lines lines(text);
  std::string_view line = lines.next();
  if (fit(line, best_separator(line)) == Fit::kHeader) line = lines.next();
  const Separator separator = best_separator(line);
  if (fit(line, separator) != Fit::kRating) return false;
  Fields fields(line, separator);
  fields.next();
  return separator.character != ' ' || fields.next().find(':') == std::string_view::npos;
}

}  // namespace sounder
