#pragma once

#include <optional>
#include <string>

#include "io/dataset.h"

namespace sounder {

// How the two classes of a file map to the -1 / +1 that classification losses are written in; kept in the model so
// that predictions come back as the user's own labels. With negative == positive the labels are real and stay as
// they are.
struct LabelEncoding {
  float negative = 0;
  float positive = 0;
  bool binary() const { return negative != positive; }
  // The label that a margin (w.x + bias) predicts: the user's class, or the margin itself for real labels.
  float decode(float margin) const { return binary() ? (margin > 0 ? positive : negative) : margin; }
};

// What the user said about classes; at most one of the two may be set.
struct LabelRule {
  std::optional<double> positive_above;  // label > threshold is +1, the rest -1
  std::optional<double> positive_class;  // label == this is +1, the rest -1
};

struct EncodedDataset {
  Dataset data;  // labels in {-1, +1}
  LabelEncoding encoding;
};

// Two classes from whatever numbers the file has: the larger of exactly two labels is +1 (so 0/1, 1/2 and -1/+1 all
// work), or `rule` decides. Throws InputError (file `name`) when there is one class only, or more than two without a
// rule; the message names the labels found and the option that helps.
EncodedDataset encode_two_classes(const Dataset& data, const LabelRule& rule, const std::string& name);

// The same for data that a model with `encoding` and `rule` is tried on: a file of one class only is fine here, a
// label that is neither of the model's two is an InputError.
Dataset encode_like(const Dataset& data, const LabelEncoding& encoding, const LabelRule& rule,
                    const std::string& name);

}  // namespace sounder
