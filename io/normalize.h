#pragma once

#include <span>
#include <vector>

namespace sounder {

class Dataset;

// Scales to Euclidean length 1 what is not all zero.
void normalize(std::span<float> values);

// The largest |value| of each column; 0 of a column without a value.
std::vector<float> largest_of_columns(const Dataset& data);

// Factors that make the largest |value| of each column 1; 1 of a column without a value.
std::vector<float> to_unit_columns(const Dataset& data);

}  // namespace sounder
