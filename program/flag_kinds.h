#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

#include "io/error.h"

// Kinds of flags: each function adds one to `app` that is parsed into `field`, which must live until then,
// and returns it where the caller may have more to say. A value that does not fit is an InputError or a
// CLI::ParseError.
namespace sounder {

// A path. Any text would do, so a flag in its place is taken for a forgotten one.
inline CLI::Option* add_path(CLI::App& app, const std::string& flag, std::string& path,
                             const std::string& help) {
  const auto check = [](const std::string& text) {
    if (text.empty()) return std::string("expected a path, found nothing");
    return text.starts_with("--") ? fmt::format("expected a path, found {} (./{} names a file)", text, text)
                                  : "";
  };
  return app.add_option(flag, path, help)->check(check)->type_name(flag.starts_with("--") ? "FILE" : "");
}

// A path for which "-" stands as well, meaning `stream`.
inline CLI::Option* add_path_or(CLI::App& app, const std::string& flag, const char* stream, std::string& path,
                                const std::string& help) {
  return add_path(app, flag, path, help)->transform([=](const std::string& text) {
    return text == "-" ? stream : text;
  });
}

// Whether the text is a number that fits.
template <class Number>
bool read_number(const std::string& text, Number& field) {
  const char* end = text.data() + text.size();
  const bool plus = text.size() > 1 && text[0] == '+' && text[1] != '-';
  const auto [rest, error] = std::from_chars(text.data() + (plus ? 1 : 0), end, field);
  return error == std::errc() && rest == end && std::isfinite(static_cast<double>(field));
}

template <class Number>
bool read_number(const std::string& text, std::optional<Number>& field) {
  return read_number(text, field.emplace());
}

template <class Number>
std::string numbers_from(Number least) {
  using Limits = std::numeric_limits<Number>;
  if (!Limits::is_integer) return "a finite number";
  if (least < 0) return fmt::format("a whole number up to {}", Limits::max());
  return fmt::format("a whole number from {} to {}", least, Limits::max());
}

template <class Number>
void assign(const char* flag, const std::string& text, Number& field) {
  if (read_number(text, field)) return;
  throw InputError(
      fmt::format("{} = {}: must be {}", flag, text, numbers_from(std::numeric_limits<Number>::lowest())));
}

template <class Number>
void assign(const char* flag, const std::string& text, std::optional<Number>& field) {
  assign(flag, text, field.emplace());
}

template <class Field>
CLI::Option* add_number(CLI::App& app, const char* flag, Field& field, const char* unit,
                        const std::string& help) {
  const auto parse = [flag, &field](const std::string& text) { assign(flag, text, field); };
  CLI::Option* option = app.add_option_function<std::string>(flag, parse, help)->type_name(unit);
  if constexpr (std::is_arithmetic_v<Field>) option->default_str(fmt::format("{}", field));
  return option;
}

// The numbers beside a word that means `value`, which is below them, or none.
template <class Number>
std::string numbers_above(Number value) {
  return numbers_from(static_cast<Number>(value + 1));
}

inline std::string numbers_above(std::optional<double>) {
  return "a number > 0";
}

// A number for which `word` stands as well, meaning `value`; that is the default.
template <class Field>
void add_number_or(CLI::App& app, const char* flag, const std::string& word, Field value, Field& field,
                   const std::string& help) {
  const auto parse = [=, &field](const std::string& text) {
    if (text == word) {
      field = value;
    } else if (!read_number(text, field)) {
      throw InputError(fmt::format("{} = {}: must be {} or {}", flag, text, word, numbers_above(value)));
    }
  };
  app.add_option_function<std::string>(flag, parse, help)->type_name(word + "|N")->default_str(word);
}

// The value that goes by `name`.
template <class Enum>
Enum choose(const char* flag, std::string_view name, std::span<const Enum> values) {
  std::vector<std::string_view> names;
  for (const Enum value : values) {
    if (name_of(value) == name) return value;
    names.push_back(name_of(value));
  }
  throw InputError(fmt::format("{} = {}: must be one of {}", flag, name, fmt::join(names, ", ")));
}

// One of the values of an enumeration, by name. `values` must live until then.
template <class Enum>
CLI::Option* add_choice(CLI::App& app, const char* flag, Enum& field,
                        std::span<const std::type_identity_t<Enum>> values, const char* kind,
                        const std::string& help) {
  const auto parse = [=, &field](const std::string& name) { field = choose(flag, name, values); };
  return app.add_option_function<std::string>(flag, parse, help)
      ->type_name(kind)
      ->default_str(std::string(name_of(field)));
}

// The same, with `word` for none of them; that is the default.
template <class Enum>
void add_choice_or(CLI::App& app, const char* flag, const std::string& word, std::optional<Enum>& field,
                   std::span<const std::type_identity_t<Enum>> values, const char* kind,
                   const std::string& help) {
  const auto parse = [=, &field](const std::string& name) {
    field = name == word ? std::nullopt : std::optional(choose(flag, name, values));
  };
  app.add_option_function<std::string>(flag, parse, help)
      ->type_name(fmt::format("{}|{}", word, kind))
      ->default_str(word);
}

// Items with commas between them, none of them twice; parse(text) makes an item of its text.
template <class Item, class Parse>
std::vector<Item> parse_list(const char* flag, const std::string& text, const Parse& parse) {
  const auto refuse = [&](const std::string& complaint) {
    throw InputError(fmt::format("{} = {}: {}", flag, text, complaint));
  };
  std::vector<Item> items;
  if (text.empty()) refuse("expected a list, with commas between its items");
  for (std::size_t begin = 0, end = 0; end != std::string::npos; begin = end + 1) {
    end = text.find(',', begin);
    const std::string word = text.substr(begin, end - begin);
    if (word.empty()) refuse("an item of the list is empty");
    items.push_back(parse(word));
    if (std::ranges::count(items, items.back()) > 1) refuse(word + " is there twice");
  }
  return items;
}

}  // namespace sounder
