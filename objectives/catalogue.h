#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "objectives/objective.h"

// The objectives that have a name. To add one: write objectives/NAME.cpp, which defines make_NAME(), and add
// its line here; `--objective NAME`, its help, its tests and its benchmark follow.
//
//   X(name, one line of help)
#define SOUNDER_OBJECTIVES(X)                                            \
  X(hinge, "support vector machine: max(0, 1 - y z)")                    \
  X(squared_hinge, "support vector machine, squared: max(0, 1 - y z)^2") \
  X(logistic, "logistic regression: log(1 + exp(-y z))")                 \
  X(least_squares, "linear regression: (z - y)^2 / 2")                   \
  X(huber, "robust regression: (z - y)^2 / 2 near zero, linear beyond --huber-delta")

namespace sounder {

// What the constructors of the catalogue may need beside the name.
struct ObjectiveParameters {
  std::optional<double> value;  // Huber: delta > 0, in units of the label; default 1
};

struct CatalogueRow {
  std::string_view name;
  std::string_view help;
  std::unique_ptr<Objective> (*make)(const ObjectiveParameters&);
};

std::span<const CatalogueRow> catalogue();

// Throws InputError, listing the names there are, when `name` is none of them or a parameter is out of range.
std::unique_ptr<Objective> make_objective(std::string_view name, const ObjectiveParameters& parameters = {});

#define SOUNDER_DECLARE(name, help) std::unique_ptr<Objective> make_##name(const ObjectiveParameters&);
SOUNDER_OBJECTIVES(SOUNDER_DECLARE)
#undef SOUNDER_DECLARE

}  // namespace sounder
