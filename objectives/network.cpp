// A network of one hidden layer:  h = max(0, V'x + a),  z = U h + c,  loss l(z) = log(sum over k of exp z_k)
// - z_y, y in {0 ... classes - 1}. Not convex.
//   g = p - e_y,  p_k = exp z_k / sum of exp        gradient in c: g, in U: g h'
//   d = U'g where h > 0, else 0                     gradient in a: d, in V: x d'
// The square of the gradient's length, per |g|^2, is the reach of a step: what a Gauss-Newton step along it
// is damped by, as an implicit step of a linear model is.
//
// An input coordinate is a row of V, `hidden` floats. Common coordinates are a, the rows of U, and c in as
// many rows as it takes. Training starts from U with variance 1 / hidden and from V with a fiftieth of the
// variance of He, Zhang, Ren and Sun (Delving deep into rectifiers, 2015), which is 2 / mean |x|^2 for sparse
// inputs: one layer needs no more to carry its signal, and what it then learns holds better on other samples.
// L2 is on V alone.
// Source: Rumelhart, Hinton, Williams, Learning representations by back-propagating errors (1986).

#include <fmt/format.h>

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <memory>
#include <vector>

#include "io/error.h"
#include "objectives/catalogue.h"
#include "objectives/classes.h"
#include "objectives/wide_kernels.h"

namespace sounder {
namespace {

using Vector = Eigen::Map<Eigen::VectorXf>;
using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

struct Sizes {
  std::size_t hidden;
  std::size_t classes;

  // Common coordinates: of U, of c, and all of them.
  std::size_t output_row(std::size_t k) const { return 1 + k; }
  std::size_t bias_row(std::size_t k) const { return 1 + classes + k / hidden; }
  std::size_t common() const { return bias_row(classes - 1) + 1; }
};

// The common coordinates as Eigen sees them. `Float` may be const.
template <class Float>
class Dense {
  template <class Plain>
  using As = std::conditional_t<std::is_const_v<Float>, const Plain, Plain>;
  using Rows = Eigen::Map<As<Matrix>, 0, Eigen::OuterStride<>>;

 public:
  Dense(const Sizes& sizes, Float* common, std::size_t stride)
      : hidden_bias(common, static_cast<Eigen::Index>(sizes.hidden)),
        output(common + sizes.output_row(0) * stride, static_cast<Eigen::Index>(sizes.classes),
               static_cast<Eigen::Index>(sizes.hidden),
               Eigen::OuterStride<>(static_cast<Eigen::Index>(stride))),
        sizes_(sizes),
        common_(common),
        stride_(stride) {}

  Float& output_bias(std::size_t k) const {
    return common_[sizes_.bias_row(k) * stride_ + k % sizes_.hidden];
  }

  Eigen::Map<As<Eigen::VectorXf>> hidden_bias;
  Rows output;

 private:
  const Sizes& sizes_;
  Float* common_;
  std::size_t stride_;
};

// What one sample makes of the layers.
struct Activations {
  explicit Activations(const Sizes& sizes)
      : hidden(sizes.hidden), delta(sizes.hidden), outputs(sizes.classes) {}

  std::vector<float> hidden;
  std::vector<float> delta;  // the gradient in what goes into the hidden layer
  std::vector<float> outputs;
};

Vector mapped(std::vector<float>& v) {
  return {v.data(), static_cast<Eigen::Index>(v.size())};
}

template <class Row, class Float>
void forward(const Row& row, const float* weights, float scale, const Dense<Float>& dense, Activations& a) {
  std::ranges::fill(a.hidden, 0.0F);
  gather(row, weights, a.hidden.size(), a.hidden.data());
  Vector hidden = mapped(a.hidden);
  hidden = (scale * hidden + dense.hidden_bias).cwiseMax(0.0F);
  Vector outputs = mapped(a.outputs);
  outputs.noalias() = dense.output * hidden;
  for (std::size_t k = 0; k < a.outputs.size(); ++k) a.outputs[k] += dense.output_bias(k);
}

// From the outputs' slopes.
void backward(const Dense<float>& dense, Activations& a) {
  Vector delta = mapped(a.delta);
  delta.noalias() = dense.output.transpose() * mapped(a.outputs);
  delta = (mapped(a.hidden).array() > 0).select(delta, 0.0F);
}

// Against the gradient.
template <class Row>
void move(const Row& row, const LocalWeights& local, float step, float scale, Dense<float>& dense,
          Activations& a) {
  const Vector slopes = mapped(a.outputs);
  Vector delta = mapped(a.delta);
  dense.output.noalias() -= (step * slopes) * mapped(a.hidden).transpose();
  for (std::size_t k = 0; k < a.outputs.size(); ++k) dense.output_bias(k) -= step * a.outputs[k];
  dense.hidden_bias -= step * delta;
  delta *= -step / scale;
  scatter(row, a.delta.data(), a.delta.size(), local.weights);
}

// 1 without any input. A step moves V so many times as much as the constants: by next to nothing where inputs are small, and
// weights that carry these are so large that they, by l2, are the objective.
double mean_squared_norm(const Dataset& data) {
  constexpr double kLeast = 1e-6;
  double squares = 0;
  for (const double x : data.values()) squares += x * x;
  if (squares == 0) return 1;
  const double mean = squares / static_cast<double>(data.rows());
  if (mean >= kLeast) return mean;
  throw InputError(
      fmt::format("the mean |x|^2 of the samples is {:.3g}, expected {:g} or more: a network does not learn "
                  "from smaller ones; scale the columns (--scale-columns) or normalize the rows",
                  mean, kLeast));
}

// What fitted() learns from the training data.
struct Inputs {
  std::size_t dimension = std::numeric_limits<std::size_t>::max();
  double mean_squared_norm = 1;
};

class Network final : public Objective {
 public:
  Network(Sizes sizes, bool fitted, Inputs inputs = {}) : sizes_(sizes), known_(fitted), inputs_(inputs) {}

  std::string name() const override { return "network"; }
  Parameters parameters() const override {
    return {{"classes", known_ ? static_cast<double>(sizes_.classes) : 0},
            {"hidden", static_cast<double>(sizes_.hidden)}};
  }
  LabelKind labels() const override { return LabelKind::kManyClass; }
  // All blocks move the dense layers, and what they change at the same time adds up: 64 samples in all are
  // stable, eight of 64 are not.
  Shape shape() const override {
    return {
        .width = sizes_.hidden, .common = sizes_.common(), .most_stale_rows = 64, .starts_at_zero = false};
  }
  bool smooth() const override { return false; }
  Defaults defaults() const override { return {.l2 = 5e-5, .epochs = 20}; }
  std::optional<Pace> pace(Rule) const override {
    constexpr double kReach = 2;
    return Pace{.step = kReach / (inputs_.mean_squared_norm + 1), .fade = Fade::kLinear};
  }

  std::unique_ptr<Objective> fitted(const Dataset& data) const override {
    const Inputs inputs{.dimension = data.dimension(), .mean_squared_norm = mean_squared_norm(data)};
    return std::make_unique<Network>(Sizes{sizes_.hidden, known_ ? sizes_.classes : count_classes(data)},
                                     true, inputs);
  }

  void start(std::size_t coordinate, std::span<float> weights, Random& random) const override {
    constexpr double kStart = 0.04;
    const bool input = coordinate < inputs_.dimension;
    const std::size_t common = coordinate - inputs_.dimension;
    if (!input && (common < sizes_.output_row(0) || common >= sizes_.bias_row(0))) return;
    const double variance =
        input ? kStart / inputs_.mean_squared_norm : 1 / static_cast<double>(sizes_.hidden);
    for (float& w : weights) w = static_cast<float>(std::sqrt(variance) * random.gaussian());
  }

  void predict(const Samples& samples, const ConstWeights& weights, std::span<float> out) const override {
    for_each_output(samples, weights, [&](std::size_t i, std::span<const float> z) {
      out[i] = static_cast<float>(largest_of(z));
    });
  }

  std::size_t scores() const override { return sizes_.classes; }
  void score(const Samples& samples, const ConstWeights& weights, std::span<float> out) const override {
    for_each_output(samples, weights, [&](std::size_t i, std::span<const float> z) {
      std::ranges::copy(z, out.subspan(i * z.size()).begin());
    });
  }
  bool to_probabilities(std::span<float> scores) const override {
    sounder::to_probabilities(scores, sizes_.classes);
    return true;
  }

  Evaluation evaluate(const Samples& samples, const ConstWeights& weights) const override {
    Evaluation sum;
    for_each_output(samples, weights, [&](std::size_t i, std::span<const float> z) {
      const std::size_t label = class_of(samples, i, sizes_.classes);
      sum += evaluation_of(cross_entropy(z, label), z, label, samples.weight(i));
    });
    return sum;
  }

  std::uint64_t step(const Samples& samples, const LocalWeights& local, const Step& step) const override {
    Dense<float> dense(sizes_, local.bias, local.stride);
    Activations a(sizes_);
    DecayingScale scale(samples, step);
    for_each_row(samples, [&](std::size_t i, const auto& row) {
      forward(row, local.weights, static_cast<float>(scale.before(i)), dense, a);
      const float squared = to_slopes(a.outputs, class_of(samples, i, sizes_.classes));
      const auto shrunk = static_cast<float>(scale.after());
      const float eta = step.size * samples.weight(i);
      if (eta * squared == 0) return;
      backward(dense, a);
      const float length = mapped(a.hidden).squaredNorm() + 1 +
                           mapped(a.delta).squaredNorm() / squared * (samples.squared_norm(i) + 1);
      move(row, local, eta * safe_part(eta * length), shrunk, dense, a);
    });
    return samples.nonzeros();
  }

 private:
  template <class Body>
  void for_each_output(const Samples& samples, const ConstWeights& weights, Body&& body) const {
    const Dense<const float> dense(sizes_, weights.bias, weights.stride);
    Activations a(sizes_);
    for_each_row(samples, [&](std::size_t i, const auto& row) {
      forward(row, weights.weights, weights.scale, dense, a);
      body(i, std::span<const float>(a.outputs));
    });
  }

  Sizes sizes_;
  bool known_;  // whether the classes are; else there are two for the time being
  Inputs inputs_;
};

}  // namespace

std::unique_ptr<Objective> make_network(const ObjectiveParameters& parameters) {
  const std::size_t hidden = whole_parameter(parameters, "hidden", 256, 1, 65'536);
  const std::size_t classes = checked_classes(parameter_or(parameters, "classes", 0));
  return std::make_unique<Network>(Sizes{hidden, classes > 0 ? classes : 2}, classes > 0);
}

}  // namespace sounder
