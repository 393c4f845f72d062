#pragma once

#include <string>
#include <string_view>

#include "io/model.h"

namespace sounder {

// A model file is text that `head` shows, then numbers and names, then a checksum:
//
//   sounder model 2              the first line; 2 is the version of this format
//   objective huber              then one "key value" line for each key, in any order
//   parameters huber_delta=0.1   what the objective needs, name=number separated by commas, or none; a name
//                                is of a-z, 0-9 and _
//   dimension 5                  d
//   width 1                      floats a coordinate, at least 1
//   biases 0                     floats of what all samples share, a multiple of `width`
//   names 2,3                    how many coordinates have names, part by part, d in all; or none
//   name_bytes 14                size of the names behind the floats, 0 without names
//   seen_bytes 5                 size of the pairs behind the names, 0 without pairs
//   negative_label 0             the labels that the two classes had in the data; equal when there are no two
//   positive_label 0
//   classes none                 the labels that many classes had, increasing, separated by commas; or none
//   positive_above none          how the data's labels became two classes: a number, or none
//   positive_class none
//   normalize yes                yes or no: rows were scaled to Euclidean length 1
//   index_base 1                 the first column number in the data
//   l2 0.0001
//   rows 20242                   samples it was trained on
//   weights                      the last line of text; it and every other one ends in a single '\n'
//   <d x width floats, coordinate by coordinate> <`biases` floats> <names> <pairs> <checksum>
//
// The keys are the members of Model (io/model.h) under the same or a nearby name. The text is at most 1 MiB
// long. Its numbers are finite decimals that read back as exactly the value saved.
//
// Floats are IEEE 754 binary32, little-endian. Names are in the order of their coordinates, each followed by
// '\n', which none may contain; any other byte may be in them.
//
// The pairs say what of the second part each of the first was trained with, so there must be two parts. For
// each of the first: how many, then for each of these, in increasing order, how many of the second part are
// skipped since the one before or, for the first, since the beginning; {0, 1, 5} is 3 0 0 3. All are LEB128
// numbers below 2^32: seven bits a byte, the lowest first, the top bit set in all bytes but the last, in as
// few bytes as it takes.
//
// The checksum is the 64-bit XXH3 (seed 0) of all bytes before it, little-endian.

inline constexpr std::string_view kModelFileMagic = "sounder model ";

// Whether a file that begins so is a model file, of any version.
inline bool is_model_file(std::string_view beginning) {
  return beginning.starts_with(kModelFileMagic);
}

// Replaces `path` as a whole or leaves it as it was: who loads it meanwhile gets the one model or the other. A process
// that is killed may leave its temporary file beside it, `path`.tmp<pid>.<n>. Throws InputError when it cannot be
// written, when the sizes in the model do not fit each other, or when it holds what the format cannot: a number that is
// not finite, a line break in the name of the objective or of a coordinate, another character in that of a parameter,
// more text than there is room for.
void save_model(const Model& model, const std::string& path);

// Throws InputError, naming the file and what is wrong with it, unless every byte is as save_model() left it
// and the parts fit together. Nothing large is allocated before the sizes in the text agree with the size of
// the file.
Model load_model(const std::string& path);

}  // namespace sounder
