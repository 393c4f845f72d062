#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "io/dataset.h"
#include "io/row_origins.h"

namespace sounder {

// How the classes of a file map to the numbers that classification losses are written in: -1 / +1 for two
// classes, 0, 1, 2, ... for many. Kept in the model so that predictions come back as the user's own labels.
// With negative == positive and no classes the labels are real and stay as they are.
struct LabelEncoding {
  float negative = 0;
  float positive = 0;
  std::vector<float> classes{};  // many classes: the label of each, increasing; else empty
  bool operator==(const LabelEncoding&) const = default;
  bool binary() const { return negative != positive; }
  // The label that a margin (w.x + bias) predicts: the user's class, or the margin itself for real labels.
  // Of many classes, the one whose number it is, below classes.size().
  float decode(float output) const {
    if (!classes.empty()) return classes[static_cast<std::size_t>(output)];
    return binary() ? (output > 0 ? positive : negative) : output;
  }
};

// What the user said about classes; at most one of the two may be set.
struct LabelRule {
  std::optional<double> positive_above;  // label > threshold is +1, the rest -1
  std::optional<double> positive_class;  // label == this, as a float, is +1, the rest -1

  bool operator==(const LabelRule&) const = default;
};

struct EncodedDataset {
  Dataset data;  // labels in {-1, +1}, or 0, 1, ..., classes - 1
  LabelEncoding encoding;
};

// Two classes from whatever numbers the file has: the larger of exactly two labels is +1 (so 0/1, 1/2 and -1/+1 all
// work), or `rule` decides: the class that it chooses is predicted as such and all others as -1 (1 where -1 is chosen),
// what is above its threshold as 1 and the rest as -1. Throws InputError (file `name`) when there is one class only, or
// more than two without a rule; the message names the labels found and the option that helps. Here and below, `origins`
// are what the reader of the data knows: with them messages name the line, and a label that became another class as a
// float is refused.
EncodedDataset encode_two_classes(const Dataset& data, const LabelRule& rule, const std::string& name,
                                  const RowOrigins& origins = {});

// Every label is a class: its rank among the labels there are. Throws InputError (file `name`) when there is
// only one, or more than 10,000, as real numbers have.
EncodedDataset encode_classes(const Dataset& data, const std::string& name, const RowOrigins& origins = {});

// The same for data that a model with `encoding` and `rule` is tried on (many classes know no rule). A file
// of one class only is fine here; a label that is none of the model's is an InputError that names it and its
// row.
Dataset encode_like(const Dataset& data, const LabelEncoding& encoding, const LabelRule& rule,
                    const std::string& name, const RowOrigins& origins = {});

}  // namespace sounder
