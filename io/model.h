#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "io/labels.h"

namespace sounder {

// What training returns and what a model file holds: plain data.
struct Model {
  std::string objective;           // a name of the catalogue ("hinge"), or the caller's own
  double objective_parameter = 0;  // what the objective needs beside its name (Huber's delta), else 0
  std::uint64_t dimension = 0;     // d, coordinates
  std::uint32_t width = 1;         // floats a coordinate
  std::vector<float> weights;      // d x width, row by row
  std::vector<float> bias;         // empty, or `width` floats
  LabelEncoding labels;
  LabelRule label_rule;          // the rule the training labels were made with
  bool normalize = false;        // rows were scaled to length 1, so rows to predict must be as well
  std::uint32_t index_base = 1;  // of the file it was trained from: how column numbers are read and shown
  double l2 = 0;
  std::uint64_t rows = 0;  // samples it was trained on
};

}  // namespace sounder
