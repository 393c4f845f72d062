#pragma once

#include <cstddef>
#include <span>

#include "io/dataset.h"
#include "objectives/objective.h"

namespace sounder {

// What objectives of many classes share: labels 0, 1, ..., classes - 1, one output a class, and the loss
//
//   l(z, y) = log(sum over c of exp z_c) - z_y,   gradient p - e_y, p_c = exp z_c / sum of exp,
//   Hessian diag(p) - p p', whose eigenvalues are at most 1/2
//
// (Boehning, Multinomial logistic regression algorithm, 1992).

// How many classes the labels ask for: the largest and one, 2 at least. Throws InputError beyond what `classes` may be.
std::size_t count_classes(const Dataset& data);

// The class of sample i. Throws InputError when there are no so many classes.
std::size_t class_of(const Samples& samples, std::size_t i, std::size_t classes);

// The parameter `classes` of an objective: 0, to be told by the data, or 2 to 10,000. Throws InputError.
std::size_t checked_classes(double classes);

std::size_t largest_of(std::span<const float> outputs);                   // the first of the largest
double cross_entropy(std::span<const float> outputs, std::size_t label);  // l(z, y)
// Of a sample with that loss; the class with the largest output is predicted.
Evaluation evaluation_of(double loss, std::span<const float> outputs, std::size_t label, double weight);
// Makes the outputs the probabilities p_c.
void to_probabilities(std::span<float> outputs);
// The same for the outputs of several samples, one behind the other.
void to_probabilities(std::span<float> outputs, std::size_t classes);
// Makes the outputs the gradient of the loss in them; returns its squared length.
float to_slopes(std::span<float> outputs, std::size_t label);

// The part of a step that is safe where the gradient's own length, per unit of slope, is `reach` = step x
// |dz/dw|^2: as the curvature is at most 1/2, one step of Newton's method with that goes never beyond the
// minimum along the gradient.
inline float safe_part(float reach) {
  return 1 / (1 + reach / 2);
}

}  // namespace sounder
