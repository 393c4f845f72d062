// Implicit feedback by matrix factorisation (factorisation.h): that a pair was observed counts, its label does not. A
// sample (u, i) and a negative one (u, j), j drawn evenly from the items of its block, cost
//
//   (z_ui - 1)^2 / 2 + negative_weight z_uj^2 / 2
//
// so that all pairs, observed or not, are pulled to 0 a little and those observed to 1 (Bayer, He, Kanagal, Rendle, A
// generic coordinate descent framework for learning from implicit feedback, WWW 2017, section 3; LIBMF's -f 12 sums over
// all pairs). Every visit draws anew; what is reported is of one draw for each sample, always the same. Training reports it
// of the items of each block, evaluate() of all that it is given. A block of one item, or of one sample, has no negatives
// to draw, so blocks must not be that small (Shape::draws).

#include <algorithm>
#include <array>
#include <bit>
#include <memory>
#include <variant>
#include <vector>

#include "io/random.h"
#include "objectives/catalogue.h"
#include "objectives/factorisation.h"

namespace sounder {
namespace {

// The second positions of pairs, each once.
template <class Position>
class Items {
 public:
  explicit Items(const PairSamples<Position>& pairs) {
    for (std::size_t i = 0; i < pairs.count; ++i) add(pairs.positions[2 * i + 1]);
  }

  // For each pair, its first position and an item; `out` may be where the pairs are.
  void draw_for(const PairSamples<Position>& pairs, Random& random, Position* out) const {
    for (std::size_t i = 0; i < pairs.count; ++i) {
      out[2 * i] = pairs.positions[2 * i];
      out[2 * i + 1] = items_[static_cast<std::size_t>(random.below(items_.size()))];
    }
  }

 private:
  void add(Position item) {
    if (item >= met_.size()) met_.resize(2 * std::size_t{item} + 1);
    if (met_[item]) return;
    met_[item] = true;
    items_.push_back(item);
  }

  std::vector<bool> met_;
  std::vector<Position> items_;
};

class MatrixCompletionOneClass final : public Factorisation {
 public:
  MatrixCompletionOneClass(Form form, double negative_weight)
      : Factorisation(form, PairLoss::kSquared, {.sgd = 0.085, .adagrad = 0.1}),
        negative_weight_(negative_weight) {}

  std::string name() const override { return "matrix_completion_one_class"; }
  LabelKind labels() const override { return LabelKind::kReal; }
  Shape shape() const override {
    Shape shape = Factorisation::shape();
    shape.draws = true;
    return shape;
  }
  Parameters parameters() const override {
    return {{"rank", static_cast<double>(form().rank)},
            {"biases", form().biases},
            {"non_negative", form().non_negative},
            {"negative_weight", negative_weight_}};
  }

  Defaults defaults() const override { return {.rule = Rule::kSgd, .l2 = 0.035, .epochs = 30}; }
  Evaluation evaluate(const Samples& samples, const ConstWeights& weights) const override;
  std::uint64_t step(const Samples& samples, const LocalWeights& weights, const Step& step) const override;

 protected:
  double value(float output, float) const override { return (1 - double{output}) * (1 - double{output}) / 2; }

 private:
  double negative_loss(const Samples& samples, const ConstWeights& weights) const;

  double negative_weight_;
};

// Samples and negative ones take turns, some hundred at a time. The negative ones leave the regulariser to the others.
std::uint64_t MatrixCompletionOneClass::step(const Samples& samples, const LocalWeights& weights,
                                             const Step& step) const {
  constexpr std::size_t kTurn = 128;
  static constexpr std::array<float, kTurn> kZeros{};
  const PairStep towards = pair_step(weights, step);
  PairStep away = towards;
  away.size *= static_cast<float>(negative_weight_);
  away.bias_size *= static_cast<float>(negative_weight_);
  away.l2 = away.bias_l2 = 0;
  const std::vector<float> ones(std::min(kTurn, samples.pairs), 1.0F);
  Random random(std::bit_cast<std::uint64_t>(step.before));
  std::visit(
      [&]<class Position>(const Position* positions) {
        const auto run = pair_kernels<Position>().step;
        const PairSamples<Position> pairs{samples.pairs, positions, nullptr, samples.weights};
        const Items<Position> items(pairs);
        std::array<Position, 2 * kTurn> drawn;
        for (std::size_t first = 0; first < pairs.count; first += kTurn) {
          PairSamples<Position> piece = pairs.part(first, kTurn);
          piece.labels = ones.data();
          run(piece, towards, weights.weights);
          items.draw_for(piece, random, drawn.data());
          piece.positions = drawn.data();
          piece.labels = kZeros.data();
          run(piece, away, weights.weights);
        }
      },
      samples.positions);
  return samples.nonzeros();
}

Evaluation MatrixCompletionOneClass::evaluate(const Samples& samples, const ConstWeights& weights) const {
  const std::vector<float> ones(samples.rows(), 1.0F);
  Samples observed = samples;
  observed.labels = ones.data();
  Evaluation sum = Factorisation::evaluate(observed, weights);
  sum.loss += negative_weight_ * negative_loss(samples, weights);
  return sum;
}

// Of the samples whose two coordinates are known.
double MatrixCompletionOneClass::negative_loss(const Samples& samples, const ConstWeights& weights) const {
  constexpr std::uint64_t kSeed = 1;
  double sum = 0;
  std::visit(
      [&]<class Position>(const Position*) {
        std::vector<Position> known;
        std::vector<float> factors;
        for_each_support(samples, [&](std::size_t i, const auto& support) {
          if (support.size() != 2) return;
          known.insert(known.end(), support.begin(), support.end());
          factors.push_back(samples.weight(i));
        });
        PairSamples<Position> pairs{factors.size(), known.data()};
        const Items<Position> items(pairs);
        Random random(kSeed);
        items.draw_for(pairs, random, known.data());
        std::vector<float> outputs(pairs.count);
        pair_kernels<Position>().predict(pairs, pair_form(), weights.weights, outputs.data());
        for (std::size_t i = 0; i < pairs.count; ++i) sum += double{factors[i]} * outputs[i] * outputs[i] / 2;
      },
      samples.positions);
  return sum;
}

}  // namespace

std::unique_ptr<Objective> make_matrix_completion_one_class(const ObjectiveParameters& parameters) {
  return std::make_unique<MatrixCompletionOneClass>(Factorisation::form_of(parameters, {}),
                                                    real_parameter(parameters, "negative_weight", 1, 0, 1e6));
}

}  // namespace sounder
