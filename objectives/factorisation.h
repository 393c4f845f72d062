#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "objectives/objective.h"
#include "objectives/pair_kernels.h"

namespace sounder {

// Matrix factorisation: a sample is a user, an item and a label, and each user u and item i has a row of weights, as
// pair_kernels.h lays it out. They predict
//
//   z = offset + p_u . q_i + b_u + b_i
//
// What is minimised is the mean of the samples' losses, each with the regulariser
//
//   (l2 sd / 2) (|p_u|^2 + |q_i|^2) + (l2 / 4) (b_u^2 + b_i^2),
//
// so that a row of degree d carries it d times: the more is known of a row, the more it is shrunk in sum, and the less per
// sample (weighted lambda: Zhou, Wilkinson, Schreiber, Pan, Large-scale parallel collaborative filtering, 2008, section
// 3.1). L2 is in units of sd, the step of 1 / sd, and the start grows as sqrt(sd): ratings times a number make the same
// model times that number.
//
// The offset is the mean, mostly. Of a sample with one known coordinate, or none, the output is mean + b of what is
// known. Steps take pairs alone (Samples::pairs).
class Factorisation : public Objective {
 public:
  // What the parameters of the same names say; mean and sd come from the training labels.
  struct Form {
    std::size_t rank = 32;
    bool biases = true;
    bool non_negative = false;  // the weights, not the biases
    double mean = 0;
    double sd = 1;
  };
  // Throws InputError for a parameter out of range.
  static Form form_of(const Parameters& parameters, Form otherwise);

  Shape shape() const override;
  Defaults defaults() const override { return {.rule = Rule::kSgd, .l2 = 0.035, .epochs = 10}; }
  bool suits(Rule rule) const override { return rule == Rule::kSgd || rule == Rule::kAdagrad; }
  std::optional<Pace> pace(Rule rule) const override;

  double term(std::size_t coordinate, double share, std::span<const float> weights, double l2) const override;
  void start(std::size_t coordinate, std::span<float> weights, Random& random) const override;
  void predict(const Samples& samples, const ConstWeights& weights, std::span<float> out) const override;
  Evaluation evaluate(const Samples& samples, const ConstWeights& weights) const override;
  std::uint64_t step(const Samples& samples, const LocalWeights& weights, const Step& step) const override;

 protected:
  // First steps of the rules.
  struct Paces {
    double sgd;
    double adagrad;
  };

  Factorisation(Form form, PairLoss loss, Paces paces) : form_(form), loss_(loss), paces_(paces) {}

  const Form& form() const { return form_; }
  virtual double value(float output, float label) const = 0;
  virtual double offset() const { return form_.mean; }  // where rows are known
  // Of a row, about, in units of the ratings: the unit of what adagrad sums up.
  virtual double squared_gradient() const { return form_.sd * form_.sd * form_.sd; }

  PairForm pair_form() const;
  PairStep pair_step(const LocalWeights& weights, const Step& step) const;

 private:
  std::size_t padded_rank() const { return (form_.rank + kPairLanes - 1) / kPairLanes * kPairLanes; }
  template <class Body>
  void for_each_output(const Samples& samples, const ConstWeights& weights, Body&& body) const;

  Form form_;
  PairLoss loss_;
  Paces paces_;
};

// Mean and standard deviation of the labels, each as often as its weight says.
struct Spread {
  double mean = 0;
  double deviation = 0;
};
Spread spread_of_labels(const Dataset& data);

}  // namespace sounder
