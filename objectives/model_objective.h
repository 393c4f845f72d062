#pragma once

#include <memory>
#include <string>

#include "io/model.h"
#include "objectives/objective.h"

namespace sounder {

// The objective of the catalogue that a model was trained for. A model file may be anyone's: throws InputError (file
// `name`) for an objective or parameters that the catalogue does not know, and where width, biases, classes or kinds of
// names are not what the objective and its samples need. A model straight from train(), without a file's `name`, may be
// without names of users and items as well.
std::unique_ptr<Objective> objective_of(const Model& model, const std::string& name = "");

}  // namespace sounder
