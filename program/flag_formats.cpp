#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "io/error.h"
#include "objectives/catalogue.h"
#include "program/flag_groups.h"

namespace sounder {
namespace {

struct FormatName {
  SampleFormat format;
  std::string_view name;
};
constexpr std::array kFormatNames = {
    FormatName{SampleFormat::kLibsvm, "LIBSVM text or images"}, FormatName{SampleFormat::kRatings, "ratings"},
    FormatName{SampleFormat::kDocword, "a bag of words"}, FormatName{SampleFormat::kText, "a text"}};

constexpr unsigned in(SampleFormat format) {
  return 1U << static_cast<unsigned>(format);
}

constexpr unsigned kRows = in(SampleFormat::kLibsvm);

// What flags are about where not all samples have it. The first row that fits counts; no command is any.
struct FormatFlag {
  std::string_view flag;
  unsigned formats;
  std::string_view command = {};
};
constexpr std::array kFormatFlags = {
    FormatFlag{"--labels", kRows},
    FormatFlag{"--valid-labels", kRows},
    FormatFlag{"--index-base", kRows},
    FormatFlag{"--normalize", kRows},
    FormatFlag{"--scale-columns", kRows},
    FormatFlag{"--sample-weights", kRows},
    FormatFlag{"--start", kRows},
    FormatFlag{"--ignore-unknown", kRows},
    FormatFlag{"--vocabulary", kRows | in(SampleFormat::kDocword), "inspect"},
    FormatFlag{"--vocabulary", in(SampleFormat::kDocword)},
    FormatFlag{"--min-count", in(SampleFormat::kText)},
    FormatFlag{"--most-words", in(SampleFormat::kText)},
    FormatFlag{"--window", in(SampleFormat::kText)}};

std::string describe(unsigned formats) {
  std::string text;
  for (const auto& [format, name] : kFormatNames) {
    if ((formats & in(format)) != 0) text.append(text.empty() ? "" : ", or ").append(name);
  }
  return text;
}

// Nothing where the flag suits the samples of the objective.
std::string complaint_about(std::string_view flag, std::string_view command, std::string_view objective) {
  const auto row = std::ranges::find_if(kFormatFlags, [&](const FormatFlag& each) {
    return each.flag == flag && (each.command.empty() || each.command == command);
  });
  const SampleFormat format = catalogue_row(objective).format;
  if (row == kFormatFlags.end() || (row->formats & in(format)) != 0) return {};
  return fmt::format("{} is for {}: {} takes {}", flag, describe(row->formats), objective,
                     describe(in(format)));
}

}  // namespace

std::vector<std::string> flags_given(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    if (option->count() > 0) names.push_back(option->get_name());
  }
  return names;
}

void check_formats(const CLI::App& app, const ProblemFlags& flags) {
  for (const std::string& flag : flags_given(app)) {
    const std::string complaint = complaint_about(flag, app.get_name(), flags.objective);
    refuse_if(!complaint.empty(), complaint);
  }
}

void check_formats(const EvaluateFlags& flags, std::string_view objective) {
  for (const std::string& flag : flags.given) {
    const std::string complaint = complaint_about(flag, {}, objective);
    if (!complaint.empty()) throw InputError({flags.model}, complaint);
  }
}

}  // namespace sounder
