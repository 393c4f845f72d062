#pragma once

#include <string>

#include "engine/arena.h"
#include "engine/options.h"
#include "engine/plan.h"
#include "engine/report.h"
#include "engine/source.h"
#include "objectives/objective.h"

namespace sounder {

// What a report says of a run before its first epoch: of the problem and who works on it,
Report start_report(const Source& data, const Objective& objective, const Options& options,
                    const Arena& arena);

// and of what was chosen for it.
void tell_plan(Report& report, const Plan& plan);

// By how much the step's cap grew (StepLimit).
void tell_growth(Report& report, double growth);

// Adds to what a note says already; nothing if that is empty.
void add_note(std::string& note, const std::string& more);

// Of a run that diverged, once its rollbacks are counted: what may help.
std::string advice_of(const Report& report, const Objective& objective);

}  // namespace sounder
