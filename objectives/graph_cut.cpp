#include "objectives/graph_cut.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace sounder {
namespace {

constexpr int kSweeps = 4;

// Of (linear + implied) . x over X.
double least(std::span<const double> linear, std::span<const double> implied) {
  if (linear.size() == 1) return -std::fabs(linear[0] + implied[0]) / 2;
  double least = std::numeric_limits<double>::infinity();
  for (std::size_t k = 0; k < linear.size(); ++k) least = std::min(least, linear[k] + implied[k]);
  return least;
}

// Relaxed labels of a block's nodes, each worked out when it is asked for.
class Labels {
 public:
  Labels(const Samples& samples, const float* weights, std::size_t width) : weights_(weights), width_(width) {
    std::size_t floats = 0;
    for_each_support(samples, [&](std::size_t, const auto& ends) {
      floats = std::max<std::size_t>(floats, std::max(ends[0], ends[1]) + width);
    });
    x_.assign(floats, kUnknown);
  }

  const float* at(std::size_t position) {
    float* const x = &x_[position];
    if (std::isnan(*x)) nearest_label({weights_ + position, width_}, {x, width_});
    return x;
  }
  void forget(std::size_t position) { x_[position] = kUnknown; }

 private:
  static constexpr float kUnknown = std::numeric_limits<float>::quiet_NaN();

  const float* weights_;
  std::size_t width_;
  std::vector<float> x_;
};

class GraphCut final : public Objective {
 public:
  explicit GraphCut(const CutProblem& problem)
      : width_(problem.width),
        linear_(problem.linear),
        edges_(static_cast<double>(problem.edges.rows())),
        share_(problem.constant / static_cast<double>(problem.nodes())) {
    double sum = 0;
    for (const double h : problem.incidence) sum += h;
    const auto connected = std::ranges::count_if(problem.incidence, [](double h) { return h > 0; });
    stiffness_ = sum / static_cast<double>(connected) * (width_ == 1 ? 1 : 2);
    for (std::size_t node = 0; node < problem.nodes(); ++node)
      share_ += limit(node, problem.incidence[node]) / static_cast<double>(problem.nodes());
  }

  std::string name() const override { return "graph_cut"; }
  LabelKind labels() const override { return LabelKind::kReal; }
  Shape shape() const override {
    return {.width = width_,
            .grouping = Grouping::kInOrder,
            .worker_blocks = 8,
            .most_block_rows = 20480,
            .pairs = true,
            .starts_at_zero = false,
            .terms = true,
            .regularised = false,
            .rounded = true,
            .ends = true};
  }
  bool smooth() const override { return false; }
  Defaults defaults() const override { return {.rule = Rule::kSdca, .l2 = 0, .epochs = 300}; }
  std::optional<Pace> pace(Rule) const override { return Pace{}; }
  bool suits(Rule rule) const override { return rule == Rule::kSdca; }
  std::size_t memory(Rule) const override { return width_; }

  void start(std::size_t node, std::span<float> weights, Random&) const override {
    for (std::size_t k = 0; k < width_; ++k)
      weights[k] = static_cast<float>(-linear_[node * width_ + k] / stiffness_);
  }

  double term(std::size_t node, double, std::span<const float> weights, double) const override {
    const std::span b = linear(node);
    const std::uint32_t label = label_of(weights);
    return (share_ + (width_ > 1 ? b[label] : label == 0 ? b[0] / 2 : -b[0] / 2)) / edges_;
  }

  // 1 if the edge is cut.
  void predict(const Samples& samples, const ConstWeights& weights, std::span<float> out) const override {
    for_each_support(samples, [&](std::size_t i, const auto& ends) {
      const auto label = [&](std::size_t end) { return label_of({weights.weights + ends[end], width_}); };
      out[i] = label(0) == label(1) ? 0.0F : 1.0F;
    });
  }

  Evaluation evaluate(const Samples& samples, const ConstWeights& weights) const override {
    std::vector<float> cut(samples.rows());
    predict(samples, weights, cut);
    Evaluation sums{.weight = static_cast<double>(cut.size())};
    for (std::size_t i = 0; i < cut.size(); ++i) sums.loss += double{cut[i]} * samples.labels[i];
    if (width_ > 1) sums.loss *= 2;
    return sums;
  }

  std::uint64_t step(const Samples& samples, const LocalWeights& local, const Step& step) const override {
    const auto give = static_cast<float>(step.damping / kappa(std::floor(step.before / step.rows)));
    Labels labels(samples, local.weights, width_);
    for (int sweep = 0; sweep < kSweeps; ++sweep) {
      for_each_support(samples, [&](std::size_t i, const auto& ends) {
        if (!climb(samples, i, ends, labels, local.weights, give)) return;
        labels.forget(ends[0]);
        labels.forget(ends[1]);
      });
    }
    return samples.nonzeros();
  }

  void imply(const Samples& samples, std::span<double> implied) const override {
    for_each_support(samples, [&](std::size_t i, const auto& ends) {
      for (std::size_t k = 0; k < width_; ++k) {
        const float flow = samples.memory[k * samples.memory_stride + i];
        implied[ends[0] + k] += flow;
        implied[ends[1] + k] -= flow;
      }
    });
  }

  double bound(std::size_t node, std::span<const double> implied, double, double rows) const override {
    return (share_ + least(linear(node), implied)) / rows;
  }

  // Between epochs the anchor a is such that r = kappa(0) (a - w), which does not depend on the epoch, so that a run
  // can go back to an earlier one.
  void turn(Turn turn, const LocalWeights& local, std::size_t count, const Step& step) const override {
    const double epochs = step.before / step.rows;
    const auto ratio =
        static_cast<float>(kappa(0) / kappa(turn == Turn::kBegin ? epochs : std::ceil(epochs) - 1));
    for (std::size_t p = 0; p < count; p += width_) {
      const std::span w(local.weights + p, width_);
      const std::span a(local.anchors + p, width_);
      if (turn == Turn::kBegin) {
        begin(w, a, ratio);
      } else {
        for (std::size_t k = 0; k < width_; ++k) a[k] = w[k] + (a[k] - w[k]) / ratio;
      }
    }
  }

 private:
  std::span<const double> linear(std::size_t node) const {
    return std::span(linear_).subspan(node * width_, width_);
  }
  double kappa(double epoch) const { return stiffness_ * std::max(0.03, 1 / (1 + epoch / 5)); }
  double limit(std::size_t node, double incidence);

  void begin(std::span<float> w, std::span<float> a, float ratio) const {
    for (std::size_t k = 0; k < width_; ++k) a[k] = (a[k] - w[k]) * ratio;
    nearest_label(w, w);
    for (std::size_t k = 0; k < width_; ++k) w[k] -= std::exchange(a[k], w[k]);
  }

  // Whether the flow of edge i changed.
  template <class Ends>
  bool climb(const Samples& samples, std::size_t i, const Ends& ends, Labels& labels, float* weights,
             float give) const {
    const float* const x_u = labels.at(ends[0]);
    const float* const x_v = labels.at(ends[1]);
    const float h = samples.labels[i];
    const float stiffness = 0.5F / give;
    bool moved = false;
    for (std::size_t k = 0; k < width_; ++k) {
      float& flow = samples.memory[k * samples.memory_stride + i];
      const float change = std::clamp(flow + stiffness * (x_u[k] - x_v[k]), -h, h) - flow;
      flow += change;
      weights[ends[0] + k] -= give * change;
      weights[ends[1] + k] += give * change;
      moved |= change != 0;
    }
    return moved;
  }

  std::size_t width_;
  std::vector<double> linear_;
  double edges_;
  double share_;          // of the constant, of a node
  double stiffness_ = 0;  // kappa in the first epoch
};

// What a label costs more than another matters up to the cost of all edges of the node, where it settles the label.
// So the "infinite" costs of seeds become numbers that a float can hold. What the constant gains.
double GraphCut::limit(std::size_t node, double incidence) {
  const std::span b = std::span(linear_).subspan(node * width_, width_);
  if (width_ == 1) {
    const double beyond = std::max(0.0, std::fabs(b[0]) - incidence);
    b[0] = std::clamp(b[0], -incidence, incidence);
    return -beyond / 2;
  }
  const double cheapest = *std::ranges::min_element(b);
  for (double& cost : b) cost = std::min(cost - cheapest, 2 * incidence);
  return cheapest;
}

}  // namespace

std::unique_ptr<Objective> make_graph_cut(const CutProblem& problem) {
  return std::make_unique<GraphCut>(problem);
}

std::uint32_t label_of(std::span<const float> weights) {
  if (weights.size() == 1) return weights[0] > 0 ? 0 : 1;
  return static_cast<std::uint32_t>(std::ranges::max_element(weights) - weights.begin());
}

// The threshold is within 1 of the largest coordinate, and kept as what it is below that: of large ones, less than a
// float tells apart.
void nearest_label(std::span<const float> z, std::span<float> x) {
  if (z.size() == 1) {
    x[0] = std::clamp(z[0], -0.5F, 0.5F);
    return;
  }
  const float top = *std::ranges::max_element(z);
  float threshold = -1;
  for (std::size_t before = z.size() + 1, kept = 0;; before = kept) {
    float sum = 0;
    kept = 0;
    for (const float value : z) {
      if (value - top <= threshold) continue;
      sum += value - top;
      ++kept;
    }
    if (kept >= before) break;
    threshold = (sum - 1) / static_cast<float>(kept);
  }
  for (std::size_t k = 0; k < z.size(); ++k) x[k] = std::max(0.0F, z[k] - top - threshold);
}

}  // namespace sounder
