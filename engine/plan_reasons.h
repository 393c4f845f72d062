#pragma once

#include <string>

#include "engine/block_rows.h"
#include "engine/choice.h"
#include "engine/plan.h"
#include "engine/trial.h"

namespace sounder {

// What speaks for the choices of a plan, in words, where it is not told by whoever makes the choice (Reasoned).

inline constexpr const char* kAsked = "as asked for";

// For the step that was tried out, and for no refresh in between.
std::string why_tried(const Trial& trial);
std::string why_no_refresh(const Setting& is);
// Of columns that one step for all of them leaves behind; mostly empty.
std::string note_on_scales(const Trial& trial, const Setting& is);

// Of a plan in which nothing changes any more. `threads`: so many that there are.
Choice choice_of_tau(const Plan& plan, const Setting& is);
Choice choice_of_threads(const Plan& plan, const Options& options, int threads);
Choice choice_of_discipline(const Options& options);

}  // namespace sounder
