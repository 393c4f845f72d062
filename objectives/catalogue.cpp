#include "objectives/catalogue.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "io/error.h"
#include "io/nearest.h"

namespace sounder {
namespace {

#define SOUNDER_ROW(name, format, help) CatalogueRow{#name, SampleFormat::format, help, make_##name},
constexpr std::array kRows = {SOUNDER_OBJECTIVES(SOUNDER_ROW)};
#undef SOUNDER_ROW

}  // namespace

std::span<const CatalogueRow> catalogue() {
  return kRows;
}

const CatalogueRow& catalogue_row(std::string_view name) {
  const auto row = std::ranges::find(kRows, name, &CatalogueRow::name);
  if (row != kRows.end()) return *row;
  std::vector<std::string_view> names;
  for (const CatalogueRow& each : kRows) names.push_back(each.name);
  throw InputError(fmt::format("objective = {}: must be one of {}{}", name, fmt::join(names, ", "),
                               did_you_mean(name, names)));
}

std::unique_ptr<Objective> make_objective(std::string_view name, const ObjectiveParameters& parameters) {
  auto objective = catalogue_row(name).make(parameters);
  const Objective::Parameters known = objective->parameters();
  for (const auto& [parameter, value] : parameters) {
    if (!known.contains(parameter))
      throw InputError(fmt::format("{} = {}: is no parameter of the objective {}", parameter, value, name));
  }
  return objective;
}

double parameter_or(const ObjectiveParameters& parameters, const std::string& name, double otherwise) {
  const auto found = parameters.find(name);
  return found == parameters.end() ? otherwise : found->second;
}

double real_parameter(const ObjectiveParameters& parameters, const std::string& name, double otherwise,
                      double least, double most) {
  const double value = parameter_or(parameters, name, otherwise);
  if (!(value >= least && value <= most))
    throw InputError(fmt::format("{} = {}: must be a number from {} to {}", name, value, least, most));
  return value;
}

std::size_t whole_number(const std::string& name, double value, double least, double most) {
  if (!(value >= least && value <= most && value == std::floor(value)))
    throw InputError(fmt::format("{} = {}: must be a whole number from {} to {}", name, value, least, most));
  return static_cast<std::size_t>(value);
}

std::size_t whole_parameter(const ObjectiveParameters& parameters, const std::string& name,
                            std::size_t otherwise, double least, double most) {
  return whole_number(name, parameter_or(parameters, name, static_cast<double>(otherwise)), least, most);
}

}  // namespace sounder
