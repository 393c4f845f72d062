#include "io/docword.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>

#include "io/error.h"
#include "io/input.h"
#include "io/scanner.h"

namespace sounder {
namespace {

constexpr std::uint64_t kMostIds = std::numeric_limits<std::uint32_t>::max();
constexpr std::uint64_t kMostPairs = kMostIds + 1;  // documents and words, which pairs_of() numbers on
constexpr std::uint64_t kMostEntries = std::numeric_limits<std::uint64_t>::max() - 1;

// Moves to the next line with more than blanks and returns whether there is one.
bool to_content(Scanner& scan) {
  for (; !scan.done(); scan.skip_line()) {
    scan.skip_blanks();
    if (!scan.at_line_end()) return true;
  }
  return false;
}

class Parser {
 public:
  Parser(std::string_view text, const std::string& name) : text_(text), name_(name), scan_(text) {}

  DocwordFile run() {
    file_.documents = static_cast<std::uint32_t>(announced("the number of documents", kMostIds));
    file_.words = static_cast<std::uint32_t>(
        announced("the number of words", std::min(kMostIds, kMostPairs - file_.documents)));
    entries_ = announced("the number of entries", kMostEntries);
    constexpr std::size_t kShortestEntry = 5;
    file_.counts.reserve(std::min<std::uint64_t>(entries_, text_.size() / kShortestEntry));
    file_.empty_documents = file_.documents;
    while (to_content(scan_)) entry();
    end_document();
    if (file_.counts.size() < entries_) refuse_missing();
    return std::move(file_);
  }

 private:
  // Where a word of the current document stands.
  struct Mention {
    std::uint32_t word;
    const char* at;
  };

  std::uint64_t announced(const char* what, std::uint64_t most) {
    to_content(scan_);
    const std::uint64_t value = integer(what, most);
    end_line();
    return value;
  }

  void entry() {
    const char* start = scan_.at();
    const std::uint32_t document = id("a document", file_.documents);
    if (mentions_.empty() || document != file_.counts.back().document) begin_document(document, start);
    const char* at = scan_.at();
    const std::uint32_t word = id("a word", file_.words);
    const float count = positive();
    end_line();
    if (file_.counts.size() == entries_)
      fail(start, fmt::format("one entry more, expected {} as announced", entries_));
    file_.counts.push_back({document, word, count});
    mentions_.push_back({word, at});
  }

  void begin_document(std::uint32_t document, const char* start) {
    end_document();
    if (!file_.counts.empty() && document < file_.counts.back().document)
      fail(start, fmt::format("document {} behind document {}, expected the entries by document",
                              document + 1, file_.counts.back().document + 1));
    --file_.empty_documents;
  }

  // Sorts only where a file does not: nearly all of them list the words in order.
  void end_document() {
    const auto not_below = [](const Mention& a, const Mention& b) { return a.word >= b.word; };
    if (std::ranges::adjacent_find(mentions_, not_below) != mentions_.end()) {
      std::ranges::stable_sort(mentions_, {}, &Mention::word);
      const auto twice = std::ranges::adjacent_find(mentions_, {}, &Mention::word);
      if (twice != mentions_.end())
        fail(twice[1].at, fmt::format("word {} again, expected each word once a document", twice->word + 1));
    }
    mentions_.clear();
  }

  std::uint32_t id(const char* what, std::uint32_t most) {
    const auto value = static_cast<std::uint32_t>(integer(what, most));
    scan_.skip_blanks();
    return value - 1;
  }

  std::uint64_t integer(const char* what, std::uint64_t most) {
    const Scanner start = scan_;
    const std::optional<std::uint64_t> value = scan_.integer();
    if (!value || *value == 0 || *value > most || !scan_.at_separator())
      unexpected(start, fmt::format("{} (a whole number from 1 to {})", what, most));
    return *value;
  }

  float positive() {
    const Scanner start = scan_;
    const float value = scan_.real();
    if (!(value > 0) || std::isinf(value) || !scan_.at_separator())
      unexpected(start, "a count (a finite number above 0)");
    return value;
  }

  void end_line() {
    scan_.skip_blanks();
    if (!scan_.at_line_end()) unexpected(scan_, "the end of the line");
    scan_.skip_line();
  }

  [[noreturn]] void unexpected(const Scanner& here, std::string_view expected) const {
    fail(here.at(), fmt::format("{}, expected {}", found_at(here), expected));
  }

  [[noreturn]] void refuse_missing() const {
    throw InputError({name_}, fmt::format("found {} entries, expected {} as announced: the file is cut short",
                                          file_.counts.size(), entries_));
  }

  [[noreturn]] void fail(const char* at, const std::string& found) const {
    throw InputError(locate(name_, text_, at), "found " + found);
  }

  std::string_view text_;
  const std::string& name_;
  Scanner scan_;
  std::uint64_t entries_ = 0;      // announced
  std::vector<Mention> mentions_;  // in the current document
  DocwordFile file_;
};

// How many numbers the next line holds, if no more than that.
std::optional<int> numbers_of_line(Scanner& scan) {
  to_content(scan);
  int count = 0;
  while (!scan.at_line_end()) {
    if (std::isnan(scan.real()) || !scan.at_separator()) return std::nullopt;
    ++count;
    scan.skip_blanks();
  }
  scan.skip_line();
  return count;
}

}  // namespace

DocwordFile parse_docword(std::string_view text, const std::string& name) {
  return Parser(text, name).run();
}

DocwordFile read_docword(const std::string& path) {
  const Input input(path);
  return parse_docword(input.bytes(), path);
}

bool is_docword(std::string_view text) {
  Scanner scan(text);
  for (const int expected : {1, 1, 1, 3})
    if (numbers_of_line(scan) != expected) return false;
  return true;
}

Dataset pairs_of(const DocwordFile& file) {
  Dataset::Columns parts;
  for (const Count& count : file.counts) {
    parts.indices.insert(parts.indices.end(), {count.document, file.documents + count.word});
    parts.offsets.push_back(parts.indices.size());
    parts.labels.push_back(count.count);
  }
  parts.values.assign(parts.indices.size(), 1.0F);
  return Dataset(std::size_t{file.documents} + file.words, std::move(parts));
}

}  // namespace sounder
