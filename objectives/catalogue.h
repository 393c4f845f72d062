#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "objectives/objective.h"

// The objectives that have a name. To add one: write objectives/NAME.cpp, which defines make_NAME(), and add
// its line here; `--objective NAME`, its help, its tests and its benchmark follow.
//
//   X(name, format of its data, one line of help)
#define SOUNDER_OBJECTIVES(X)                                                     \
  X(hinge, kLibsvm, "support vector machine: max(0, 1 - y z)")                    \
  X(squared_hinge, kLibsvm, "support vector machine, squared: max(0, 1 - y z)^2") \
  X(logistic, kLibsvm, "logistic regression: log(1 + exp(-y z))")                 \
  X(least_squares, kLibsvm, "linear regression: (z - y)^2 / 2")                   \
  X(huber, kLibsvm, "robust regression: (z - y)^2 / 2 near zero, linear beyond --huber-delta")

namespace sounder {

// What the files of an objective's samples look like.
enum class SampleFormat {
  kLibsvm,   // io/libsvm.h
  kRatings,  // io/ratings.h
  kDocword,  // io/docword.h
};

// What the constructors of the catalogue may need beside the name, by name; each knows its own and their defaults.
//
//   huber: huber_delta > 0, in units of the label; 1
using ObjectiveParameters = Objective::Parameters;

struct CatalogueRow {
  std::string_view name;
  SampleFormat format;
  std::string_view help;
  std::unique_ptr<Objective> (*make)(const ObjectiveParameters&);
};

std::span<const CatalogueRow> catalogue();

// Throws InputError, listing the names there are, when `name` is none of them.
const CatalogueRow& catalogue_row(std::string_view name);

// Throws InputError when `name` is none of the catalogue, or a parameter out of range or not the objective's.
std::unique_ptr<Objective> make_objective(std::string_view name, const ObjectiveParameters& parameters = {});

// The parameter of that name, or `otherwise`.
double parameter_or(const ObjectiveParameters& parameters, const std::string& name, double otherwise);

#define SOUNDER_DECLARE(name, format, help) \
  std::unique_ptr<Objective> make_##name(const ObjectiveParameters&);
SOUNDER_OBJECTIVES(SOUNDER_DECLARE)
#undef SOUNDER_DECLARE

}  // namespace sounder
