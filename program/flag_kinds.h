#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cmath>
#include <initializer_list>
#include <limits>
#include <optional>
#include <string>
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

template <class Number>
void assign(const char* flag, const std::string& text, Number& field) {
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, field);
  if (error == std::errc() && rest == end && std::isfinite(static_cast<double>(field))) return;
  using Limits = std::numeric_limits<Number>;
  const std::string expected = Limits::is_integer
                                   ? fmt::format("a whole number from {} to {}", Limits::min(), Limits::max())
                                   : "a finite number";
  throw InputError(fmt::format("{} = {}: must be {}", flag, text, expected));
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

// A number for which `word` stands as well, meaning `value`; that is the default.
template <class Field>
void add_number_or(CLI::App& app, const char* flag, const std::string& word, Field value, Field& field,
                   const std::string& help) {
  const auto parse = [=, &field](const std::string& text) {
    if (text == word) {
      field = value;
    } else {
      assign(flag, text, field);
    }
  };
  app.add_option_function<std::string>(flag, parse, help)->type_name(word + "|N")->default_str(word);
}

// One of the values of an enumeration, by name.
template <class Enum>
void add_choice(CLI::App& app, const char* flag, Enum& field, std::initializer_list<Enum> values,
                const std::string& help) {
  std::vector<std::pair<std::string, Enum>> choices;
  std::vector<std::string> names;
  for (const Enum value : values) {
    names.emplace_back(name_of(value));
    choices.emplace_back(names.back(), value);
  }
  const auto parse = [choices, &field](const std::string& name) {
    field = std::ranges::find(choices, name, &std::pair<std::string, Enum>::first)->second;
  };
  app.add_option_function<std::string>(flag, parse, help)
      ->check(CLI::IsMember(names).description(""))
      ->type_name(fmt::format("{}", fmt::join(names, "|")))
      ->default_str(std::string(name_of(field)));
}

}  // namespace sounder
