#include "objectives/classes.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "io/error.h"
#include "objectives/catalogue.h"

namespace sounder {

std::size_t count_classes(const Dataset& data) {
  const auto labels = data.labels();
  return checked_classes(labels.empty() ? 2 : std::max(2.0, std::floor(std::ranges::max(labels)) + 1.0));
}

std::size_t class_of(const Samples& samples, std::size_t i, std::size_t classes) {
  const float label = samples.labels[i];
  if (label >= 0 && label < static_cast<float>(classes)) return static_cast<std::size_t>(label);
  throw InputError(fmt::format("found a label {}, expected a class: 0 to {}", label, classes - 1));
}

std::size_t checked_classes(double classes) {
  return classes == 0 ? 0 : whole_number("classes", classes, 2, 10'000);
}

std::size_t largest_of(std::span<const float> outputs) {
  return static_cast<std::size_t>(std::ranges::max_element(outputs) - outputs.begin());
}

double cross_entropy(std::span<const float> outputs, std::size_t label) {
  const double top = std::ranges::max(outputs);
  double sum = 0;
  for (const float z : outputs) sum += std::exp(z - top);
  return std::log(sum) + top - outputs[label];
}

Evaluation evaluation_of(double loss, std::span<const float> outputs, std::size_t label, double weight) {
  return {.loss = weight * loss, .weight = weight, .hits = largest_of(outputs) == label ? weight : 0};
}

void to_probabilities(std::span<float> outputs) {
  const float top = std::ranges::max(outputs);
  float sum = 0;
  for (float& z : outputs) sum += z = std::exp(z - top);
  for (float& z : outputs) z /= sum;
}

void to_probabilities(std::span<float> outputs, std::size_t classes) {
  for (; !outputs.empty(); outputs = outputs.subspan(classes)) to_probabilities(outputs.first(classes));
}

float to_slopes(std::span<float> outputs, std::size_t label) {
  to_probabilities(outputs);
  outputs[label] -= 1;
  float squared = 0;
  for (const float g : outputs) squared += g * g;
  return squared;
}

}  // namespace sounder
