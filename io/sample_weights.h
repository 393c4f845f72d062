#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "io/dataset.h"

namespace sounder {

// How much the samples of a class count, where those of others count 1.
struct ClassWeight {
  double label = 0;  // compared as a float
  double weight = 1;

  bool operator==(const ClassWeight& other) const { return label == other.label; }
};

// What the user said about classes. At most one of the two may be set.
struct ClassWeights {
  // The samples of each class weigh the same in all: n / (classes x those of the class) each.
  bool balanced = false;
  std::vector<ClassWeight> of = {};

  bool any() const { return balanced || !of.empty(); }
};

// "balanced" or "1:2.5,-1:1".
std::string describe(const ClassWeights& how);

// The same samples, each with its weight times that of its class, which is its label, encoded or not. Throws InputError
// (file `name`) for a label that no sample has, and for a weight that is not above 0 or makes one that no float holds.
Dataset weigh_classes(const Dataset& data, const ClassWeights& how, const std::string& name);

// A weight of 0 or more a line for each of so many samples, in their order; blank lines are skipped. Throws InputError
// with the line. The file may be compressed (io/input.h).
std::vector<float> read_weights(const std::string& path, std::size_t samples);

}  // namespace sounder
