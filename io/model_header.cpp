#include "io/model_header.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>
#include <cmath>
#include <concepts>
#include <map>
#include <optional>
#include <system_error>
#include <type_traits>

#include "io/error.h"
#include "io/model_file.h"
#include "io/scanner.h"

namespace sounder {
namespace {

constexpr unsigned kVersion = 2;
constexpr std::string_view kLastLine = "weights";
constexpr std::string_view kNone = "none";

[[noreturn]] void fail(const std::string& path, std::string_view message, std::size_t line = 0) {
  throw InputError({path, line}, message);
}

// The one list of keys, for writing and for reading.
void visit_fields(auto& model, auto& sizes, auto&& visit) {
  visit("objective", model.objective);
  visit("parameters", model.parameters);
  visit("dimension", model.dimension);
  visit("width", model.width);
  visit("biases", sizes.biases);
  visit("names", sizes.names);
  visit("name_bytes", sizes.name_bytes);
  visit("seen_bytes", sizes.seen_bytes);
  visit("negative_label", model.labels.negative);
  visit("positive_label", model.labels.positive);
  visit("classes", model.labels.classes);
  visit("positive_above", model.label_rule.positive_above);
  visit("positive_class", model.label_rule.positive_class);
  visit("normalize", model.normalize);
  visit("index_base", model.index_base);
  visit("l2", model.l2);
  visit("rows", model.rows);
}

std::string to_text(const std::string& value) {
  return value;
}
std::string to_text(bool value) {
  return value ? "yes" : "no";
}
template <class Number>
std::string to_text(Number value) {
  return fmt::format("{}", value);
}
std::string to_text(const std::optional<double>& value) {
  return value ? to_text(*value) : std::string(kNone);
}
template <class Number>
std::string to_text(const std::vector<Number>& values) {
  return values.empty() ? std::string(kNone) : fmt::format("{}", fmt::join(values, ","));
}
std::string to_text(const std::map<std::string, double>& values) {
  std::vector<std::string> items;
  items.reserve(values.size());
  for (const auto& [name, value] : values) items.push_back(fmt::format("{}={}", name, value));
  return to_text(items);
}

// from_text() is the inverse of to_text() and tells whether `text` was valid.
bool from_text(std::string_view text, std::string& value) {
  value = text;
  return text.find('\n') == text.npos;
}

bool from_text(std::string_view text, bool& value) {
  value = text == "yes";
  return value || text == "no";
}

template <class Number>
requires std::integral<Number> || std::floating_point<Number>
bool from_text(std::string_view text, Number& value) {
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  return error == std::errc() && rest == end && std::isfinite(static_cast<double>(value));
}

bool from_text(std::string_view text, std::optional<double>& value) {
  return text == kNone || from_text(text, value.emplace());
}

// Whether valid(item) for each item of a list.
bool all_items(std::string_view text, auto&& valid) {
  if (text == kNone) return true;
  for (;;) {
    const std::size_t comma = text.find(',');
    if (!valid(text.substr(0, comma))) return false;
    if (comma == text.npos) return true;
    text.remove_prefix(comma + 1);
  }
}

template <class Number>
bool from_text(std::string_view text, std::vector<Number>& values) {
  return all_items(text, [&](std::string_view item) { return from_text(item, values.emplace_back()); });
}

bool is_name(std::string_view text) {
  return !text.empty() && text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == text.npos;
}

bool from_text(std::string_view text, std::map<std::string, double>& values) {
  return all_items(text, [&](std::string_view item) {
    const std::string_view name = item.substr(0, item.find('='));
    const auto [at, first] = values.emplace(name, 0);
    return first && is_name(name) && name != item && from_text(item.substr(name.size() + 1), at->second);
  });
}

void check_first_line(std::string_view line, const std::string& path) {
  unsigned version = 0;
  const bool known = line.starts_with(kModelFileMagic) &&
                     from_text(line.substr(kModelFileMagic.size()), version) && version > 0;
  if (!known)
    fail(path, fmt::format("not a sounder model, expected the first line '{}{}'", kModelFileMagic, kVersion));
  if (version < kVersion)
    fail(path,
         fmt::format("format {} of an older program, expected format {}: train again", version, kVersion));
  if (version > kVersion)
    fail(path, fmt::format("format {} of a newer program, expected format {} at most", version, kVersion));
}

// The result ends where the weights begin.
std::string_view cut_header(std::string_view beginning, const std::string& path) {
  if (beginning.empty()) fail(path, "empty file, expected a sounder model");
  check_first_line(beginning.substr(0, beginning.find('\n')), path);
  const std::size_t last_line = beginning.find(fmt::format("\n{}\n", kLastLine));
  if (last_line == beginning.npos) fail(path, fmt::format("truncated: no line '{}'", kLastLine));
  return beginning.substr(0, last_line + kLastLine.size() + 2);
}

struct Entry {
  std::string_view value;
  std::size_t line;
};
using Entries = std::map<std::string_view, Entry>;

// The lines between the first and the last.
Entries split_header(std::string_view text, const std::string& path) {
  Entries entries;
  text.remove_suffix(kLastLine.size() + 1);
  text.remove_prefix(text.find('\n') + 1);
  for (std::size_t number = 2; !text.empty(); ++number) {
    const std::string_view line = text.substr(0, text.find('\n'));
    const std::size_t space = line.find(' ');
    if (space == line.npos)
      fail(path, fmt::format("found {}, expected a key and a value", quoted(line)), number);
    const std::string_view key = line.substr(0, space);
    const bool first = entries.emplace(key, Entry{line.substr(space + 1), number}).second;
    if (!first) fail(path, fmt::format("a second {}", quoted(key)), number);
    text.remove_prefix(line.size() + 1);
  }
  return entries;
}

}  // namespace

std::string make_model_header(const Model& model, const ModelSizes& sizes, const std::string& path) {
  std::string text = fmt::format("{}{}\n", kModelFileMagic, kVersion);
  visit_fields(model, sizes, [&](std::string_view key, const auto& value) {
    const std::string shown = to_text(value);
    std::remove_cvref_t<decltype(value)> same{};
    if (!from_text(shown, same) || same != value)
      fail(path, fmt::format("{} {} cannot be kept in a model file", key, quoted(shown)));
    text += fmt::format("{} {}\n", key, shown);
  });
  text += fmt::format("{}\n", kLastLine);
  if (text.size() <= kMaxModelHeader) return text;
  fail(path, fmt::format("the text would be {} bytes, expected {} at most", text.size(), kMaxModelHeader));
}

ModelHeader parse_model_header(std::string_view beginning, const std::string& path) {
  const std::string_view text = cut_header(beginning, path);
  Entries entries = split_header(text, path);
  ModelHeader header;
  header.bytes = text.size();
  visit_fields(header.model, header.sizes, [&](std::string_view key, auto& field) {
    const auto found = entries.find(key);
    if (found == entries.end()) fail(path, fmt::format("no line '{}'", key));
    const auto [value, line] = found->second;
    if (!from_text(value, field)) fail(path, fmt::format("{} is no valid {}", quoted(value), key), line);
    entries.erase(found);
  });
  if (entries.empty()) return header;
  const auto& [key, entry] = *entries.begin();
  fail(path, fmt::format("unknown key {}", quoted(key)), entry.line);
}

}  // namespace sounder
