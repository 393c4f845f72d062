#include <fmt/format.h>

#include <memory>
#include <string_view>
#include <utility>

#include "io/error.h"
#include "io/model_file.h"
#include "objectives/model_objective.h"
#include "program/commands.h"

namespace sounder {
namespace {

// What the model has settled.
void check_settled(const TrainFlags& flags, const Model& model) {
  const auto settled = [&](bool holds, std::string_view found, std::string_view flag) {
    if (!holds)
      throw InputError({flags.start}, fmt::format("found a model {}, which {} contradicts", found, flag));
  };
  settled(flags.objective == model.objective, "of " + model.objective, "--objective " + flags.objective);
  settled(!flags.index_base || *flags.index_base == model.index_base,
          fmt::format("whose first column is {}", model.index_base), "--index-base");
  settled(!flags.scale_columns, "for columns as they come", "--scale-columns");
  settled(!flags.normalize || model.normalize, "of rows as they come", "--normalize");
  settled(flags.labels == LabelRule() || flags.labels == model.label_rule, "with classes of its own",
          "--positive-class or --positive-above");
}

}  // namespace

std::shared_ptr<const Model> load_start(const TrainFlags& flags) {
  if (flags.start.empty()) return nullptr;
  Model model = load_model(flags.start);
  check_settled(flags, model);
  if (objective_of(model, flags.start)->labels() == LabelKind::kTwoClass && !model.labels.binary())
    model.labels = {-1, 1, {}};
  return std::make_shared<const Model>(std::move(model));
}

}  // namespace sounder
