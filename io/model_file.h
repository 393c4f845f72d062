#pragma once

#include <string>

#include "io/model.h"

namespace sounder {

// A model file is text that `head` shows, then numbers, then a checksum:
//
//   sounder model 1                  the first line; 1 is the version of this format
//   objective hinge                  then one "key value" line for each key, in any order
//   objective_parameter 0
//   dimension 47236                  d
//   width 1                          floats a coordinate, at least 1
//   biases 0                         0 or `width`
//   negative_label -1                the labels that the two classes had in the data; equal when labels are
//   real positive_label 1 positive_above none              how the data's labels became two classes: a
//   number, or none positive_class none normalize yes                    yes or no: rows were scaled to
//   Euclidean length 1 index_base 1                     the first column number in the data l2 0.0001 rows
//   20242                       samples it was trained on weights                          the last line of
//   text; it and every other one ends in a single '\n' <d x width floats, coordinate by coordinate> <biases
//   floats> <checksum>
//
// Floats are IEEE 754 binary32, little-endian. The checksum is the 64-bit XXH3 (seed 0) of all bytes before
// it, little-endian. Numbers in the text are finite decimals that read back as exactly the value saved. The
// text is at most 64 KiB long. The keys are the members of Model (io/model.h) under the same or a nearby
// name.

// Replaces `path` as a whole or leaves it as it was (io/output.h). Throws InputError when it cannot be
// written, or when the model holds what the format cannot: a number that is not finite, a line break in the
// objective's name.
void save_model(const Model& model, const std::string& path);

// Throws InputError, naming the file and what is wrong with it, unless every byte is as save_model() left it.
// Nothing is allocated before the sizes in the text agree with the size of the file.
Model load_model(const std::string& path);

}  // namespace sounder
