#pragma once

#include <cstddef>

#include "engine/trial.h"

namespace sounder {

// How steps are tried out. The smallest is taken that is about as good as the best: on text every step above a knee does
// equally well. A trial is too short to see the noise that a large step leaves behind, of which a smooth loss, whose steps
// end at what is safe for a sample, has nothing to gain.
struct Search {
  int first = 1;           // k; steps are first_step() x 4^k,
  int least = -14;         // not below this one
  int most = 14;           // or above that
  int patience = 2;        // so many in a row that are no better end it
  double tie = 1.05;       // about as good: so many times the best objective
  double gain = 0;         // and better: by more than this share of the best
  std::size_t trials = 0;  // at least so many, whatever they cost
  // Instead, that nearest to k = 0: from a model on, smaller ones do no good, and larger ones forget what it knows, which a few rows
  // cannot tell; and where steps adapt, there is a scale to be found, no more.
  bool nearest = false;
  // About as good: also of what the best takes off the loss at the start, which may be most of it or little.
  bool by_fall = false;
};

Search search_for(const Trial& trial);

// The step that a search finds for so many rows, at the price of 0.9 epochs or a tenth of them all, at most, or of Search::trials.
double find_step(const Trial& trial, std::size_t rows, int epochs);

}  // namespace sounder
