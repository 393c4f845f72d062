#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "engine/discipline.h"
#include "engine/names.h"

namespace sounder {

// Which cells of a block's change are pushed at once.
enum class Sparsify {
  kNone,     // all: no mask
  kTopK,     // those that changed most, by the length of the change of their weights
  kRandomK,  // any, drawn anew each time
};

inline constexpr std::array kSparsify = {Named{Sparsify::kNone, "none"}, Named{Sparsify::kTopK, "top_k"},
                                         Named{Sparsify::kRandomK, "random_k"}};

inline std::string_view name_of(Sparsify sparsify) {
  return name_in(kSparsify, sparsify);
}

struct Mask {
  Sparsify by = Sparsify::kTopK;
  double keep = 1;                // the share of the cells in which there is something to push, in (0, 1]
  std::size_t first_cell = 0;     // cells before it, those that all samples share, are pushed in any case
  std::size_t weight_floats = 1;  // of a cell, the first; the others are of the rule
  std::uint64_t seed = 1;
};

// A writer that lets a part of each push through to `writer`, and remembers the rest (error feedback: Stich,
// Cordonnier, Jaggi, Sparsified SGD with memory, NeurIPS 2018; Aji, Heafield, Sparse communication for distributed
// gradient descent, EMNLP 2017; Lin, Han, Mao, Wang, Dally, Deep gradient compression, ICLR 2018). What a worker holds
// back, whole cells with the state of the rule, is part of its next push and, other than there, of what it pulls: it
// goes on from where it is, and only the others do not know yet. flush() pushes all of it, so nothing is lost but the
// rounding of floats.
//
// What is held back is in the units of the array, so a scale of the weights may change meanwhile. A worker is a thread
// or, with `slots` > 0, a slot of the visits, below `slots`, of which one visit at most is open at a time; then
// threads play no part in the outcome. Each takes the memory of one more array of parameters.
std::unique_ptr<Writer> make_sparsifying_writer(std::unique_ptr<Writer> writer, Parameters& parameters,
                                                const Mask& mask, std::size_t slots);

}  // namespace sounder
