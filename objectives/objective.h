#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "objectives/samples.h"

namespace sounder {

// What labels an objective is written for: -1 / +1, or any real number.
enum class LabelKind { kTwoClass, kReal };

// How a step moves the weights (one rule_*.h each).
enum class Rule { kSgd };

// Weights as a gradient task holds them: plain floats, private to the task. The weights of the model are
// `scale * weights`, so that shrinking all of them (L2) costs one multiplication; the bias is not scaled.
struct LocalWeights {
  float* weights;
  float* bias = nullptr;  // null: no bias
};

struct ConstWeights {
  const float* weights;
  const float* bias = nullptr;
  float scale = 1;
};

// One block's update.
struct Step {
  Rule rule = Rule::kSgd;
  float size = 0;  // eta, the step of every sample of the block
  // Scale of the weights before the first sample, and its factor per sample, 1 / (1 + eta * l2), which is often
  // nearer to 1 than a float can be.
  double scale = 1;
  double shrink = 1;
};

// Sums over samples, each times its weight; they add up over blocks.
struct Evaluation {
  double loss = 0;
  double weight = 0;
  double hits = 0;           // two classes: samples on the right side
  double squared_error = 0;  // real labels: (prediction - label)^2

  Evaluation& operator+=(const Evaluation& other) {
    loss += other.loss;
    weight += other.weight;
    hits += other.hits;
    squared_error += other.squared_error;
    return *this;
  }
};

// f(w) = mean of the samples' losses; the engine adds (l2 / 2) |w|^2 and reports the sum, which is what it
// minimises.
//
// Implementations are immutable: every member function may be called from any number of threads at once. They
// see local arrays only, never the shared parameters, an atomic or a thread; exceptions they throw surface
// from train(). For a linear model with a scalar loss use make_linear() (linear.h); anything else derives
// from this class directly.
class Objective {
 public:
  virtual ~Objective() = default;

  virtual std::string name() const = 0;  // stored in the model
  virtual double parameter() const {
    return 0;
  }  // what the name does not say (Huber's delta), stored in the model
  virtual LabelKind labels() const = 0;
  virtual std::size_t width() const { return 1; }  // floats a coordinate
  // Typical second derivative of the loss in the margin: the scale on which steps are searched and bounded.
  virtual double curvature() const { return 1; }

  // The model's output for each sample, into out[0 .. rows).
  virtual void predict(const Samples& samples, const ConstWeights& weights, std::span<float> out) const = 0;
  virtual Evaluation evaluate(const Samples& samples, const ConstWeights& weights) const = 0;

  // Runs step.rule over the samples in order, each seeing what the one before it changed. A sample of weight
  // zero moves nothing.
  virtual void step(const Samples& samples, const LocalWeights& weights, const Step& step) const = 0;
};

}  // namespace sounder
