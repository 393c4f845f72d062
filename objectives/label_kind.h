#pragma once

#include <string>

#include "io/dataset.h"
#include "io/row_origins.h"

namespace sounder {

// What labels an objective is written for. Block files store the number, so new ones go to the end.
enum class LabelKind {
  kTwoClass,     // -1 / +1
  kManyClass,    // 0, 1, ..., classes - 1
  kReal,         // any number
  kCount,        // how often a pair was met, > 0
  kNonNegative,  // any number >= 0
};

// Throws InputError for the first row whose label is none of that kind; `name` and `lines` say where it is, if known.
void check_labels(const Dataset& data, LabelKind kind, const std::string& name = "",
                  const RowLines& lines = {});

}  // namespace sounder
