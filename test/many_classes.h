#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "engine/train.h"
#include "io/random.h"
#include "objectives/catalogue.h"
#include "test/support.h"

namespace sounder::test {

// What tests of objectives of many classes share.

// Rows of four of `dimension` coordinates, labelled by the largest of random linear outputs, one in ten at
// random.
inline Dataset many_classes(std::size_t rows, std::size_t dimension, std::size_t classes,
                            std::uint64_t seed) {
  Random random(seed);
  std::vector<double> truth(dimension * classes);
  for (double& w : truth) w = random.gaussian();
  Dataset::Columns parts;
  for (std::size_t i = 0; i < rows; ++i) {
    std::vector<double> outputs(classes);
    for (std::size_t k = 0; k < 4; ++k) {
      const std::size_t c = (dimension * k + random.below(dimension)) / 4;
      const auto x = static_cast<float>(random.gaussian());
      parts.indices.push_back(static_cast<Coordinate>(c));
      parts.values.push_back(x);
      for (std::size_t j = 0; j < classes; ++j) outputs[j] += x * truth[c * classes + j];
    }
    parts.offsets.push_back(parts.indices.size());
    const auto best = static_cast<std::uint64_t>(std::ranges::max_element(outputs) - outputs.begin());
    parts.labels.push_back(static_cast<float>(random.below(10) == 0 ? random.below(classes) : best));
  }
  return Dataset(dimension, std::move(parts));
}

// One sample of three coordinates, and random weights as a gradient task has them.
class Sample {
 public:
  Sample(const Objective& objective, bool bias, std::uint64_t seed)
      : objective_(objective), width_(objective.width()), first_(objective.shape().common + (bias ? 1 : 0)) {
    Random random(seed);
    for (std::size_t k = 0; k < 3; ++k) {
      positions_.push_back(static_cast<std::uint32_t>((first_ + k) * width_));
      values_.push_back(static_cast<float>(random.gaussian()));
      squared_norm_ += values_.back() * values_.back();
    }
    weights.resize((first_ + 3) * width_);
    for (float& w : weights) w = static_cast<float>(random.gaussian());
  }

  double loss(float scale = 1) const {
    const float* bias = first_ > 0 ? weights.data() : nullptr;
    return objective_
        .evaluate(samples(), {.weights = weights.data(), .bias = bias, .scale = scale, .stride = width_})
        .loss;
  }
  void step(const Step& step) {
    float* bias = first_ > 0 ? weights.data() : nullptr;
    objective_.step(samples(), {.weights = weights.data(), .bias = bias, .stride = width_}, step);
  }
  // How far a unit slope moves an output, with a bias.
  double reach(double size) const { return size * double{weight_} * (double{squared_norm_} + 1); }
  bool scaled(std::size_t place) const { return place >= first_ * width_; }

  std::vector<float> weights;

 private:
  Samples samples() const {
    return {.offsets = offsets_,
            .positions = positions_.data(),
            .values = values_.data(),
            .labels = &label_,
            .weights = &weight_,
            .squared_norms = &squared_norm_};
  }

  const Objective& objective_;
  std::size_t width_;
  std::size_t first_;  // place of the sample's first coordinate, in coordinates
  std::vector<std::uint64_t> offsets_{0, 3};
  std::vector<std::uint32_t> positions_;
  std::vector<float> values_;
  float label_ = 1;
  float weight_ = 0.5F;
  float squared_norm_ = 0;
};

struct GradientCheck {
  bool bias = false;
  std::uint64_t seed = 5;
};

// A step so small that it is along the gradient, in all places, against finite differences of the loss; with
// a scale of the weights, their gradient is the scale times that in the weights of the model, and a step on
// them is divided by it.
inline void check_gradient(const Objective& objective, GradientCheck check) {
  constexpr float kScale = 0.5F;
  constexpr float kTiny = 0x1p-12F;
  constexpr float kReach = 0x1p-7F;
  const Sample start(objective, check.bias, check.seed);
  Sample moved = start;
  moved.step({.size = kTiny, .scale = kScale});
  for (std::size_t i = 0; i < start.weights.size(); ++i) {
    CAPTURE(i);
    Sample ahead = start;
    Sample behind = start;
    ahead.weights[i] += kReach;
    behind.weights[i] -= kReach;
    const double difference = (ahead.loss(kScale) - behind.loss(kScale)) / (2 * double{kReach});
    const double gradient = start.scaled(i) ? difference / (kScale * kScale) : difference;
    const double change = (double{start.weights[i]} - double{moved.weights[i]}) / double{kTiny};
    CHECK(std::fabs(change - gradient) <= 5e-3 * (1 + std::fabs(gradient)));
  }
}

inline void check_reproducible(const std::string& name, const Dataset& data) {
  std::vector<std::vector<float>> weights;
  for (const std::size_t threads : kThreadSweep) {
    Options options = with_threads(threads);
    options.discipline = Discipline::kReproducible;
    options.epochs = 3;
    weights.push_back(train(data, *make_objective(name), options).model.weights);
    CAPTURE(threads);
    CHECK(weights.back() == weights.front());
  }
}

}  // namespace sounder::test
