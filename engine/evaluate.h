#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/report.h"
#include "io/dataset.h"
#include "io/model.h"
#include "io/parallel.h"
#include "objectives/objective.h"

namespace sounder {

// The means of sums over samples, as people read them.
Metrics metrics_of(const Evaluation& sums, LabelKind labels);

// Throws InputError for more weights than 32-bit positions can tell apart.
void check_positions(std::uint64_t dimension, std::size_t width);

// Throws InputError unless the model is of this objective, with the same parameters. A model that names no objective
// passes.
void require_same(const Model& model, const Objective& objective);

// The functions from here to evaluate() throw InputError where require_same() does, when weights or biases of the model
// are not as many as the objective has, and when the data has coordinates that the model does not
// (LibsvmOptions::Beyond leaves these out as the data is read). `objective` is the model's: objective_of()
// (objectives/model_objective.h). Thread-safe. The result is the same however `parallel` runs the pieces.

// The model's output for each row: the margin w.x + b, the number of the class (LabelEncoding::decode makes the label
// of either), or the prediction of a real label.
std::vector<float> predict(const Model& model, const Objective& objective, const Dataset& data,
                           const ParallelFor& parallel = run_serially);

// What that is made of, Objective::scores() numbers a row: the same or, of many classes, a score for each, by
// increasing label.
std::vector<float> scores(const Model& model, const Objective& objective, const Dataset& data,
                          const ParallelFor& parallel = run_serially);

// The scores as probabilities: of the positive label or, of many classes, of each. Throws InputError for an objective
// that has none: hinge, say.
std::vector<float> probabilities(const Model& model, const Objective& objective, const Dataset& data,
                                 const ParallelFor& parallel = run_serially);

// Loss and accuracy (with the area under the ROC curve) or RMSE on labelled data, labels encoded as the model has them
// (encode_like, io/labels.h). Throws InputError for labels that are none of the objective's.
Metrics evaluate(const Model& model, const Objective& objective, const Dataset& data,
                 const ParallelFor& parallel = run_serially);

// Mean loss of w = 0, that of samples without a non-zero, and a bias; 0 of an objective that does not start there.
double loss_of_zero(const Dataset& data, const Objective& objective, float bias = 0);
double loss_of_zero(const Samples& samples, const Objective& objective, float bias = 0);

}  // namespace sounder
