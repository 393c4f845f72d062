#pragma once

#include <cstddef>
#include <cstdint>

#include "io/dataset.h"

namespace sounder {

enum class SyntheticKind {
  kClassification,  // labels -1 and +1, half of the rows each
  kRegression,      // real labels of mean square about 1
};

// A problem that looks like text. The defaults are the size and shape of RCV1's training part (Lewis et al.,
// JMLR 2004): 20,242 rows, 74 terms a row, the commonest term in four rows of ten.
struct SyntheticOptions {
  SyntheticKind kind = SyntheticKind::kClassification;
  std::size_t rows = 20242;
  std::size_t columns = 47236;   // the dimension; at most 2^32
  double nonzeros_per_row = 74;  // mean; row lengths are log-normal, at least 1 and at most `columns`
  double zipf_exponent = 1.1;    // how uneven the columns are: the r-th commonest has a share of about
                                 // (r + 25)^-exponent; 0 makes all equal, 1 to 1.2 is text; at most 10
  double noise = 0.05;           // classification: the share of labels that are flipped, 0 to 1;
                                 // regression: the standard deviation of what is added to the label
  bool normalize = true;         // scale rows to Euclidean length 1
  std::uint64_t seed = 1;
};

// Draws a problem: distinct columns by Zipf's law with Mandelbrot's shift, numbered without regard to how
// common they are; tf-idf values, all positive; labels from a planted hyperplane through the origin whose
// weights are mostly small, then noise. Without noise the classes are separable and the regression labels
// exact.
//
// The same options give the same data, to the last bits of the platform's mathematical functions. The seed
// alone decides the rows: other noise, or the other kind, only changes labels. A row that is long for the
// exponent takes its last columns evenly. Throws InputError naming the option, its value and its limits;
// one is the machine's memory.
Dataset generate(const SyntheticOptions& options);

}  // namespace sounder
