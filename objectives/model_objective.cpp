#include "objectives/model_objective.h"

#include <fmt/format.h>

#include "io/error.h"
#include "objectives/catalogue.h"

namespace sounder {
namespace {

std::unique_ptr<Objective> make(const Model& model, const std::string& name) try {
  return make_objective(model.objective, model.parameters);
} catch (const InputError& error) {
  throw InputError({name}, error.what());
}

// Predictions are turned into labels by them, unless labels are numbers as they are.
void require_classes(const Model& model, const Objective& objective, const std::string& name) {
  const std::size_t found = model.labels.classes.size();
  if (found == 0) return;
  const bool many = objective.labels() == LabelKind::kManyClass;
  const double expected = many ? objective.parameters().at("classes") : 0;
  if (static_cast<double>(found) != expected)
    throw InputError(
        {name}, fmt::format("labels of {} classes, expected {} for {}", found, expected, model.objective));
}

bool has_two_kinds(SampleFormat format) {
  return format == SampleFormat::kRatings || format == SampleFormat::kDocword;
}

}  // namespace

std::unique_ptr<Objective> objective_of(const Model& model, const std::string& name) {
  auto objective = make(model, name);
  const auto refuse = [&](const std::string& found) {
    throw InputError({name}, fmt::format("{} for {}", found, model.objective));
  };
  const std::size_t width = objective->width();
  if (model.width != width) refuse(fmt::format("width {}, expected {}", model.width, width));
  const std::size_t common = objective->shape().common * width;
  const bool may_have_bias = objective->shape().takes_bias();
  if (model.bias.size() != common && !(may_have_bias && model.bias.size() == common + width))
    refuse(fmt::format("{} biases, expected {}{}", model.bias.size(), common,
                       may_have_bias ? fmt::format(" or {}", common + width) : ""));
  const bool named = !name.empty() || !model.names.empty();
  if (has_two_kinds(catalogue_row(model.objective).format) && named && model.names.size() != 2)
    refuse(fmt::format("names of {} kinds, expected two", model.names.size()));
  require_classes(model, *objective, name);
  return objective;
}

}  // namespace sounder
