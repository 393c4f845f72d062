#pragma once

#include <string>
#include <vector>

#include "engine/inspection.h"
#include "io/plot.h"
#include "program/flags.h"

namespace sounder {

// What `sounder inspect` found, with the names of Inspection::hottest.
struct InspectReport {
  const InspectFlags& flags;
  std::string objective;  // its name
  double l2 = 0;
  std::vector<std::string> names;
  Inspection found;
};

std::string text_of(const InspectReport& report);
std::string json_of(const InspectReport& report);
std::vector<Chart> charts_of(const InspectReport& report);

}  // namespace sounder
