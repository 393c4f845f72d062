#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "io/labels.h"

namespace sounder {

// What training returns and what a model file holds: plain data.
struct Model {
  std::string objective;                     // a name of the catalogue ("hinge"), or the caller's own
  std::map<std::string, double> parameters;  // what the objective needs beside its name (Huber's delta)
  std::uint64_t dimension = 0;               // d, coordinates
  std::uint32_t width = 1;                   // floats a coordinate
  std::vector<float> weights;                // d x width, row by row
  // `width` floats for each thing that all samples share; of a linear model with a bias, that alone; else empty.
  std::vector<float> bias;
  LabelEncoding labels;
  LabelRule label_rule;          // the rule the training labels were made with
  bool normalize = false;        // rows were scaled to length 1, so rows to predict must be as well
  std::uint32_t index_base = 1;  // of the file it was trained from: how column numbers are read and shown
  double l2 = 0;
  std::uint64_t rows = 0;  // samples it was trained on
  // Of the coordinates, where they have names, in parts: users and items, say, or words. Empty, or `dimension` in all.
  std::vector<std::vector<std::string>> names;
  // Of pairs (names has two parts): for each of the first part, what of the second it was trained with, numbered in its
  // part, increasing. Empty, or as many as the first part has.
  std::vector<std::vector<std::uint32_t>> seen;
};

}  // namespace sounder
