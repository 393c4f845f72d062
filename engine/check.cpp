#include "engine/check.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "engine/block_file.h"
#include "engine/block_rows.h"
#include "engine/evaluate.h"
#include "engine/train.h"
#include "io/counted.h"
#include "io/error.h"
#include "io/row_origins.h"

namespace sounder {
namespace {

void check_pairs(const Dataset& data) {
  for (std::size_t i = 0; i < data.rows(); ++i) {
    if (data.row(i).support.size() == 2) continue;
    throw InputError("row " + std::to_string(i) + " has " + std::to_string(data.row(i).support.size()) +
                     " coordinates: the objective takes pairs");
  }
}

void check_samples(const Dataset& data, LabelKind kind) {
  if (data.rows() == 0) throw InputError("the data has no samples");
  if (data.rows() > std::numeric_limits<std::uint32_t>::max())
    throw InputError(fmt::format("{} rows, expected less than 2^32", data.rows()));
  if (data.weighted() && std::ranges::none_of(data.weights(), [](float w) { return w > 0; })) {
    throw InputError("every sample has weight 0: at least one must be > 0");
  }
  check_labels(data, kind);
}

void check_draws(const Objective& objective, const Options& options) {
  if (!objective.shape().draws) return;
  if (options.block_rows > 0 && options.block_rows < kLeastDrawnFrom)
    throw InputError(fmt::format("block_rows = {}: must be >= {}, as {} draws from the samples of a block",
                                 options.block_rows, kLeastDrawnFrom, objective.name()));
  const DisciplineTraits& discipline = traits_of(discipline_of(options));
  if (discipline.disjoint || one_sample_blocks(options))
    throw InputError(fmt::format(
        "discipline = {}: has blocks of a few samples, and {} draws from those of its block; take {}",
        discipline.name, objective.name(), discipline.disjoint ? "reproducible" : "atomic, or block_rows"));
}

void check_method(const Objective& objective, const Options& options) {
  if (!objective.suits(options.rule)) {
    std::vector<std::string_view> suitable;
    for (const Rule rule : all_rules()) {
      if (objective.suits(rule)) suitable.push_back(name_of(rule));
    }
    throw InputError(fmt::format("rule = {}: does not suit the objective {}; take {}", name_of(options.rule),
                                 objective.name(), fmt::join(suitable, ", ")));
  }
  if (options.schedule == Schedule::kTheorem && !objective.shape().linear()) {
    throw InputError("schedule = theorem: is for linear models, not for " + objective.name());
  }
  if (traits_of(discipline_of(options)).disjoint && objective.shape().common > 0) {
    throw InputError("discipline = exclusive: all samples of " + objective.name() +
                     " share a coordinate, so none could run beside another; take reproducible");
  }
}

// What the layout does not see.
void check_start(const Objective& objective, const Options& options, std::uint64_t dimension) {
  if (!options.start) return;
  const Model& from = *options.start;
  const RuleTraits& rule = traits_of(options.rule);
  if (rule.dual)
    throw InputError(
        fmt::format("start: the rule {} works its weights out from what it keeps; take sgd", rule.name));
  if (from.objective != objective.name())
    throw InputError(
        fmt::format("start: found a model of {}, expected one of {}", from.objective, objective.name()));
  if (objective.shape().pairs && from.dimension != dimension)
    throw InputError(fmt::format("start: found a model of {}, expected {}, numbered as the data's",
                                 counted(from.dimension, "coordinate"), dimension));
  if (from.dimension > dimension)
    throw InputError(fmt::format("start: found a model of {}, expected no more than the data's {}",
                                 counted(from.dimension, "column"), dimension));
  const auto finite = [](float weight) { return std::isfinite(weight); };
  if (from.weights.size() != from.dimension * from.width || !std::ranges::all_of(from.weights, finite) ||
      !std::ranges::all_of(from.bias, finite))
    throw InputError(
        "start: found a model of other than finite weights, expected them for each of its columns");
}

// Of an objective that has been fitted, which knows how many there are.
void check_classes(const Dataset& data, const Objective& objective) {
  if (objective.labels() != LabelKind::kManyClass) return;
  const auto classes = static_cast<float>(objective.scores());
  const auto beyond = std::ranges::find_if(data.labels(), [=](float label) { return label >= classes; });
  if (beyond == data.labels().end()) return;
  refuse_row("", {}, static_cast<std::size_t>(beyond - data.labels().begin()),
             fmt::format("the label is {}, expected a class: 0 to {}", *beyond, classes - 1));
}

void check_validation(const Dataset* validation, std::size_t dimension, LabelKind kind) {
  if (validation == nullptr) return;
  check_samples(*validation, kind);
  if (validation->dimension() > dimension) {
    throw InputError("the validation data has " + std::to_string(validation->dimension()) +
                     " coordinates: the training data has " + std::to_string(dimension));
  }
}

// What makes convert's blocks such as the options need, all of it: one conversion is to be enough.
std::string flags_for_blocks(const Objective& objective, const Options& options) {
  std::string flags = fmt::format("--objective {} --rule {}", objective.name(), name_of(options.rule));
  if (options.l1 > 0) flags += fmt::format(" --l1 {}", options.l1);
  if (options.average_from > 0) flags += " --average";
  if (options.bias) flags += " --bias";
  if (options.block_rows > 0) flags += fmt::format(" --block {}", options.block_rows);
  return flags;
}

// Throws InputError unless the blocks of the file are such as the options need.
void check_blocks(const BlockFile& file, const Objective& objective, const Options& options) {
  const BlockFileShape& made = file.shape();
  const auto expect = [&](bool holds, std::string_view found) {
    if (!holds)
      throw InputError({file.path()},
                       fmt::format("found blocks {}: convert the samples again with {}, or train "
                                   "with what this file was made for",
                                   found, flags_for_blocks(objective, options)));
  };
  expect(made.labels == objective.labels(),
         made.labels == LabelKind::kReal ? "of real labels" : "of two classes");
  expect(made.bias == options.bias, made.bias ? "with a bias" : "without a bias");
  expect(made.planes == planes_of(options), "with room for another rule, --l1 or average");
  expect(options.block_rows == 0 || options.block_rows == made.block_rows,
         fmt::format("of {} rows", made.block_rows));
}

}  // namespace

// An option that would change nothing is a misunderstanding.
void check_problem(const Objective& objective, const Options& options) {
  const Shape shape = objective.shape();
  const auto none = [&](std::string_view field, double value, std::string_view reason) {
    if (value > 0)
      throw InputError(fmt::format("{} = {}: must be 0, {} {}", field, value, objective.name(), reason));
  };
  if (!shape.takes_bias()) none("bias", options.bias, "has all the constants it needs");
  if (!shape.regularised) none("l2", options.l2, "does not regularise");
  if (shape.terms) none("l1", options.l1, "has no l1");
  if (traits_of(options.rule).dual && options.l2 == 0 && !shape.terms)
    throw InputError("l2 = 0: must be > 0 for rule = sdca, without it there is no dual problem");
}

std::unique_ptr<Objective> fitted_and_checked(const Dataset& data, const Objective& objective,
                                              const Options& options, const Dataset* validation) {
  validate(options, objective);
  check_samples(data, objective.labels());
  if (objective.shape().pairs) check_pairs(data);
  check_validation(validation, data.dimension(), objective.labels());
  check_method(objective, options);
  check_draws(objective, options);
  check_problem(objective, options);
  check_start(objective, options, data.dimension());
  std::unique_ptr<Objective> fitted = objective.fitted(data);
  const Objective& used = fitted ? *fitted : objective;
  check_positions(data.dimension(), used.width());
  check_classes(data, used);
  if (validation != nullptr) check_classes(*validation, used);
  return fitted;
}

void check(const Dataset& data, const Objective& objective, const Options& options,
           const Dataset* validation) {
  fitted_and_checked(data, objective, options, validation);
}

void check(const BlockFile& file, const Objective& objective, const Options& options,
           const Dataset* validation) {
  Options with_blocks = options;
  if (options.block_rows == 0) with_blocks.block_rows = file.shape().block_rows;
  validate(with_blocks, objective);
  check_storable(objective);
  check_validation(validation, file.shape().dimension, objective.labels());
  check_method(objective, options);
  check_draws(objective, options);
  check_problem(objective, options);
  check_start(objective, options, file.shape().dimension);
  check_positions(file.shape().dimension, objective.width());
  if (traits_of(discipline_of(options)).disjoint)
    throw InputError("discipline = exclusive: makes its blocks as it goes, and takes no file of them");
  if (options.numa_nodes.size() != 1)
    throw InputError("numa_nodes: the blocks of a file are read in one order for all; name one node");
  check_blocks(file, objective, options);
}

}  // namespace sounder
