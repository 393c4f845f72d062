#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "io/random.h"
#include "objectives/label_kind.h"
#include "objectives/rule.h"
#include "objectives/samples.h"

namespace sounder {

// How samples are dealt out to blocks.
enum class Grouping {
  kRandom,   // as chance has it
  kTiles,    // samples of two coordinates: those of a random part of the first ones and of the second ones
  kInOrder,  // neighbours of the data, which share coordinates
};

// The form of a problem.
struct Shape {
  std::size_t width = 1;   // floats a coordinate
  std::size_t common = 0;  // coordinates besides those of the data, that every sample touches
  Grouping grouping = Grouping::kRandom;
  std::size_t worker_blocks = 24;       // blocks of an epoch for each worker, at least,
  std::size_t most_block_rows = 1024;   // samples in a block, unless the user wants more,
  std::size_t most_stale_rows = 65536;  // and in the blocks that step from the same weights
  bool pairs = false;          // a training sample is two coordinates and a label: blocks keep no values
  bool starts_at_zero = true;  // else start() has something to say
  bool terms = false;          // term() stands for (l2 / 2) |w|^2, and there is no l1
  bool regularised = true;     // else l2 is nothing to it and must be 0
  bool rounded = false;  // the objective is that of the weights rounded: it need not fall from epoch to epoch
  bool draws = false;    // steps and losses draw from the coordinates of a block, of which there must be some
  bool begins = false;   // turn() has work to do whatever the rule (RuleTraits::begins),
  bool ends = false;     // (RuleTraits::ends)

  // A loss of one margin a sample, and L1 and L2 as they come.
  bool linear() const {
    return width == 1 && common == 0 && grouping == Grouping::kRandom && !pairs && !terms;
  }

  bool turns() const { return begins || ends; }

  // Whether Options::bias adds something: pairs, and what has common coordinates, have constants of their own.
  bool takes_bias() const { return !pairs && common == 0; }
};

// What training does where the user does not say.
struct Defaults {
  Rule rule = Rule::kSgd;
  double l2 = 1e-4;
  int epochs = 30;
};

// The first step of a rule, and how it moves where the schedule is auto.
struct Pace {
  double step = 1;
  Fade fade = Fade::kNone;
};

// Weights and rule state as a gradient task holds them: plain floats, private to the task. What belongs to the
// weight weights[p] has the same place p in the other arrays; a coordinate of width > 1 has one float of each, at the
// place of its first weight. The weights of the model are `scale * weights`, so that shrinking all of them (L2) costs
// one multiplication; the bias is not scaled. Coordinates that all samples share (Shape::common) begin at `bias`,
// `stride` floats apart; for them, too, the same place holds the state.
struct LocalWeights {
  static constexpr std::size_t kMostState = 2;

  float* weights;
  float* bias = nullptr;  // null: no bias; else it is among the weights, and nobody's position
  std::size_t stride = 0;
  const float* reweight = nullptr;         // n / degree; null unless the rule or L1 needs it
  std::array<float*, kMostState> state{};  // RuleTraits::state of them
  float* anchors = nullptr;                // RuleTraits::anchors; in turn() only

  std::size_t bias_position() const { return static_cast<std::size_t>(bias - weights); }
};

template <class Row>
float margin_of(const Row& row, const LocalWeights& local) {
  return row.dot(local.weights) + (local.bias == nullptr ? 0.0F : *local.bias);
}

struct ConstWeights {
  const float* weights;
  const float* bias = nullptr;
  float scale = 1;
  std::size_t stride = 0;
};

// What a pass over a block is for.
enum class Pass {
  kUpdate,
  kSnapshot,  // RuleTraits::snapshots: the weights stay, the rule takes their gradient
};

// When a rule visits all coordinates.
enum class Turn {
  kBegin,  // RuleTraits::begins: of an epoch
  kEnd,    // RuleTraits::ends: of an epoch
  kDual,   // RuleTraits::dual, on a copy: the weights become those that the samples' slopes imply
  // RuleTraits::derives, when a run begins or goes back to earlier weights: sets the state such that these weights
  // follow from it.
  kLead,
};

// One block's update.
struct Step {
  Rule rule = Rule::kSgd;
  Pass pass = Pass::kUpdate;
  float size = 0;  // eta, the step of every sample of the block
  // Scale of the weights before the first sample, and its factor per sample, 1 / (1 + eta * l2), which is often
  // nearer to 1 than a float can be. Both are 1 for rules that do not leave L2 to the scale.
  double scale = 1;
  double shrink = 1;
  // Of the whole problem: mean loss over `rows` samples + l1 |w|_1 + (l2 / 2) |w|^2.
  double l1 = 0;
  double l2 = 0;
  double rows = 1;
  double proximal = 0;  // kappa of rule_sdca.h
  // Blocks that step from the same weights beside this one, where the rule leaves it to the push to take each of them
  // for a part only (RuleTraits::shares).
  double others = 0;
  double damping = 1;  // of what the rule changes, 1 / damping is pushed; sigma of rule_sdca.h
  double before = 0;   // samples processed, by the clock of the sampler, before the first of the block
  // A bias moves as the weight of a column would that is so much, squared, in all rows.
  float bias_square = 1;
};

// The scale of the weights as samples go by; see Step::scale and Samples::gaps.
class DecayingScale {
 public:
  DecayingScale(const Samples& samples, const Step& step)
      : gaps_(samples.gaps), shrink_(step.shrink), now_(step.scale) {}

  // Before sample i, then after it; i = 0, 1, 2, ...
  double before(std::size_t i) {
    for (std::uint32_t k = gaps_ == nullptr ? 0 : gaps_[i]; k > 0; --k) now_ *= shrink_;
    return now_;
  }
  double after() { return now_ *= shrink_; }

 private:
  const std::uint32_t* gaps_;
  double shrink_;
  double now_;
};

// Sums over samples, each times its weight; they add up over blocks.
struct Evaluation {
  double loss = 0;
  double weight = 0;
  double hits = 0;            // classes: samples on the right side
  double squared_error = 0;   // real labels: (prediction - label)^2,
  double absolute_error = 0;  // and |prediction - label|

  Evaluation& operator+=(const Evaluation& other) {
    loss += other.loss;
    weight += other.weight;
    hits += other.hits;
    squared_error += other.squared_error;
    absolute_error += other.absolute_error;
    return *this;
  }
};

// The loss of a sample, and how a rule steps along it. The engine minimises and reports mean loss + l1 |w|_1 + (l2 / 2)
// |w|^2 or, with Shape::terms, mean loss + the sum of term() over the coordinates. A bias is not regularised.
//
// Implementations are immutable: every member function may be called from any number of threads at once. They
// see local arrays only, never the shared parameters, an atomic or a thread, and may use oneTBB themselves; exceptions
// they throw surface from train(). For a linear model with a scalar loss use make_linear() (linear.h); anything else
// derives from this class directly.
class Objective {
 public:
  using Parameters = std::map<std::string, double>;

  virtual ~Objective() = default;

  virtual std::string name() const = 0;                 // stored in the model
  virtual Parameters parameters() const { return {}; }  // what the name does not say, stored in the model
  virtual LabelKind labels() const = 0;
  virtual Shape shape() const { return {}; }
  std::size_t width() const { return shape().width; }
  virtual bool smooth() const { return true; }  // the loss has no kinks
  // An upper bound of the loss's second derivative in the margin, finite and >= 0: saga and svrg step by its inverse,
  // and the step search starts from it. 1 for a loss with kinks.
  virtual double curvature() const { return 1; }
  // The same at the weights that training starts from, where it may be less: on it is bounded what threads change at a
  // time.
  virtual double first_curvature() const { return curvature(); }
  // Where the curvature depends on the unit of the labels: a typical one for margins of that mean loss, from which the
  // step search then starts instead.
  virtual std::optional<double> curvature_at(double /*loss*/) const { return std::nullopt; }

  virtual Defaults defaults() const { return {}; }
  // Nothing: tried out on a sample of the data, as the rule has it.
  virtual std::optional<Pace> pace(Rule) const { return std::nullopt; }

  // An objective with parameters that come from the training data (a mean, say): itself with these set. train() calls
  // it; the model has its parameters. Null: this one will do.
  virtual std::unique_ptr<Objective> fitted(const Dataset&) const { return nullptr; }

  // Shape::terms: what a coordinate of the data adds to the mean loss, beside its samples. `share` is its degree / n,
  // or 0 where the degree is not known.
  virtual double term(std::size_t /*coordinate*/, double /*share*/, std::span<const float> /*weights*/,
                      double /*l2*/) const {
    return 0;
  }

  // Unless Shape::starts_at_zero: sets the `width` weights, zero on entry, that a coordinate starts from. Common
  // coordinates are numbered on from those of the data. The random numbers are the coordinate's own.
  virtual void start(std::size_t /*coordinate*/, std::span<float> /*weights*/, Random&) const {}

  // The model's output for each sample, into out[0 .. rows).
  virtual void predict(const Samples& samples, const ConstWeights& weights, std::span<float> out) const = 0;
  // The sums over the samples, each times its weight: of the losses, without what regularises, and of what Evaluation
  // has for labels() of that kind. Samples may be without non-zeros; a null `weights.bias` is a bias of 0, or none.
  virtual Evaluation evaluate(const Samples& samples, const ConstWeights& weights) const = 0;

  // What predictions are made of, so many numbers a sample, into out[0 .. rows x scores()): the output itself or, of
  // many classes, a score for each.
  virtual std::size_t scores() const { return 1; }
  virtual void score(const Samples& samples, const ConstWeights& weights, std::span<float> out) const {
    predict(samples, weights, out);
  }
  // Makes the scores of samples probabilities, of the label 1 or, of many classes, of each. False: there are none.
  virtual bool to_probabilities(std::span<float> /*scores*/) const { return false; }
  bool has_probabilities() const { return to_probabilities({}); }

  // Runs step.rule, one that it suits, over the samples in order, each seeing what the one before it changed. A
  // sample of weight zero moves nothing. Returns the non-zeros that it went through: all, but for samples that the
  // rule lets rest.
  virtual bool suits(Rule rule) const { return rule == Rule::kSgd; }
  virtual std::uint64_t step(const Samples& samples, const LocalWeights& weights, const Step& step) const = 0;

  // Floats that the rule keeps for each sample.
  virtual std::size_t memory(Rule rule) const { return traits_of(rule).memory; }

  // RuleTraits::dual. The dual objective is  -(sum over samples of conjugates) / n + sum over coordinates of
  // bound(coordinate, implied), a lower bound of the minimum, where conjugates() adds up weight x l*(slope), l* the
  // convex conjugate of the loss, and imply() adds what the slopes of the samples, their memory, sum up to on each
  // coordinate; places in `implied` are those of the weights.
  virtual double conjugates(const Samples&, std::span<const float> /*slopes*/) const { return 0; }
  virtual void imply(const Samples&, std::span<double> /*implied*/) const {}
  virtual double bound(std::size_t /*coordinate*/, std::span<const double> /*implied*/, double /*l2*/,
                       double /*rows*/) const {
    return 0;
  }

  // What the rule does at this turn with the weights and state in the places 0 ... count - 1, whose scale is 1. Of some
  // coordinates while another thread is at others.
  virtual void turn(Turn, const LocalWeights&, std::size_t /*count*/, const Step&) const {}
};

}  // namespace sounder
