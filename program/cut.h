#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "engine/minimum_cut.h"
#include "program/commands.h"

namespace sounder {

// The problem of a DIMACS file. Throws InputError as read_max_flow() does, and when there is no memory for it.
CutProblem read_cut_problem(const std::string& path);

// minimum_cut() with progress on standard error; the caller holds the interrupts.
Cut cut_with_progress(const CutProblem& problem, const CutFlags& flags, ProgressLine& progress,
                      Interrupts& interrupts);

// What a report says of a cut, and the lines that people read.
nlohmann::ordered_json to_json(const Cut& cut, const CutProblem& problem);
std::string describe(const Cut& cut, const CutProblem& problem);

// Of a command that has written what there is of the cut.
int exit_code_of(const Cut& cut, const Interrupts& interrupts);

}  // namespace sounder
