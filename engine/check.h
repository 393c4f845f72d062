#pragma once

#include <memory>

#include "engine/options.h"
#include "io/dataset.h"
#include "objectives/objective.h"

namespace sounder {

// Throws InputError for an l1, an l2 or a bias that the objective cannot do with.
void check_problem(const Objective& objective, const Options& options);

// check() of engine/train.h, which returns what it has on the way: Objective::fitted().
std::unique_ptr<Objective> fitted_and_checked(const Dataset& data, const Objective& objective,
                                              const Options& options, const Dataset* validation = nullptr);

}  // namespace sounder
