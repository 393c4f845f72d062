#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

#include "engine/blocks.h"
#include "engine/layout.h"
#include "engine/source.h"
#include "io/synthetic.h"
#include "objectives/catalogue.h"
#include "test/support.h"

namespace sounder::test {

// Sparse rows with an empty one among them; if `weighted`, of weights of which some are 0.
inline Dataset sparse_rows(LabelKind labels, std::size_t rows, std::size_t columns, bool weighted) {
  SyntheticOptions options;
  options.kind = labels == LabelKind::kReal ? SyntheticKind::kRegression : SyntheticKind::kClassification;
  options.rows = rows - 1;
  options.columns = columns;
  options.nonzeros_per_row = 5;
  options.noise = 0.2;
  const Dataset data = generate(options);
  Dataset::Columns parts{.offsets = {data.offsets().begin(), data.offsets().end()},
                         .indices = {data.indices().begin(), data.indices().end()},
                         .values = {data.values().begin(), data.values().end()},
                         .labels = {data.labels().begin(), data.labels().end()},
                         .weights = {}};
  parts.offsets.push_back(parts.offsets.back());
  parts.labels.push_back(1);
  for (std::size_t i = 0; weighted && i < rows; ++i) parts.weights.push_back(static_cast<float>(i % 3) / 2);
  return Dataset(columns, std::move(parts));
}

// l'(margin): what a tiny step of SGD moves the bias by.
inline double slope_of(const Objective& objective, double margin, float label) {
  constexpr float kTiny = 0x1p-40F;
  const std::uint64_t offsets[] = {0, 1};
  const std::uint32_t position = 0;
  const float one = 1;
  float weight = static_cast<float>(margin);
  float bias = 0;
  objective.step(
      {.offsets = offsets, .positions = &position, .values = &one, .labels = &label, .squared_norms = &one},
      {.weights = &weight, .bias = &bias}, {.size = kTiny});
  return -double{bias} / kTiny;
}

// A data set as one block, its weights as train() has them, and the array that training would start from.
struct Rig {
  Rig(const Dataset& data, const Objective& loss, Rule of, bool bias)
      : objective(loss),
        rule(of),
        layout(data, {}, bias, {.reweight = true, .state = traits_of(of).state}),
        block(whole(data)),
        array(layout.start(loss, 1)) {}

  std::size_t rows() const { return block.rows(); }
  LocalWeights local() { return layout.local(array.data()); }
  Samples samples() { return block.samples(); }
  // Row i alone.
  Samples sample(std::size_t i) {
    Samples one = block.samples();
    one.offsets = one.offsets.subspan(i, 2);
    one.positions = block.narrow.data() + block.offsets[i];
    one.values += block.offsets[i];
    one.labels += i;
    one.squared_norms += i;
    if (one.weights != nullptr) one.weights += i;
    if (one.memory != nullptr) one.memory += i;
    return one;
  }
  Step step(double size, double l1 = 0, double l2 = 0) const {
    return {.rule = rule,
            .size = static_cast<float>(size),
            .l1 = l1,
            .l2 = l2,
            .rows = static_cast<double>(rows())};
  }
  float weight(std::size_t i) const { return block.samples().weight(i); }

  // Calls body(place, value) for what row i touches, the bias as a value of 1.
  template <class Body>
  void for_each_of(std::size_t i, Body&& body) const {
    for (std::uint64_t k = block.offsets[i]; k < block.offsets[i + 1]; ++k)
      body(std::size_t{block.narrow[k]}, double{block.values[k]});
    if (layout.common() > 0) body(std::size_t{0}, 1.0);
  }
  template <class Weights>
  double margin(std::size_t i, const Weights& weights) const {
    double sum = 0;
    for_each_of(i, [&](std::size_t p, double x) { sum += double{weights[p]} * x; });
    return sum;
  }
  // Calls body(place) for each weight; its state has the same place in the other planes.
  template <class Body>
  void for_each_place(Body&& body) const {
    for (std::size_t cell = 0; cell < layout.cells(); ++cell)
      for (std::size_t i = 0; i < layout.weight_floats(); ++i) body(cell * layout.cell_floats() + i);
  }
  bool is_bias(std::size_t place) const { return (layout.common() > 0) && place == 0; }

  // (1/n) sum of weight x factors[i] x x.
  template <class Factors>
  std::vector<double> mean_of(const Factors& factors) const {
    std::vector<double> mean(array.size());
    for (std::size_t i = 0; i < rows(); ++i) {
      const double share = double{weight(i)} * factors[i] / static_cast<double>(rows());
      for_each_of(i, [&](std::size_t p, double x) { mean[p] += share * x; });
    }
    return mean;
  }
  template <class Weights>
  std::vector<double> slopes(const Weights& weights) const {
    std::vector<double> all;
    for (std::size_t i = 0; i < rows(); ++i)
      all.push_back(slope_of(objective, margin(i, weights), block.labels[i]));
    return all;
  }

  const Objective& objective;
  Rule rule;
  Layout layout;
  Block block;
  std::vector<float> array;

 private:
  Block whole(const Dataset& data) const {
    std::vector<std::uint32_t> all(data.rows());
    std::iota(all.begin(), all.end(), 0U);
    return BlockMaker(Source(data).data(), layout, 3).make(all);
  }
};

// Where the gradient of the smooth part is g and the objective mean loss + l1 |w|_1 + (l2 / 2) |w|^2 least:
// accelerated proximal gradients in double, restarted (Beck, Teboulle 2009; O'Donoghue, Candes 2015).
struct Optimum {
  std::vector<double> weights;   // by place in the array
  std::vector<double> gradient;  // of the mean loss
  double objective = 0;
};

inline Optimum optimum_of(Rig& rig, double l1, double l2, int steps = 4000) {
  const double size = 1 / (2.5 * rig.objective.curvature() + l2);  // rows have length 1, and a bias
  std::vector<double> w(rig.array.size()), ahead = w, gradient;
  double momentum = 1;
  for (int step = 0; step < steps; ++step) {
    gradient = rig.mean_of(rig.slopes(ahead));
    const double next_momentum = (1 + std::sqrt(1 + 4 * momentum * momentum)) / 2;
    double uphill = 0;
    for (std::size_t p = 0; p < w.size(); ++p) {
      const double moved = ahead[p] - size * gradient[p];
      const double next =
          rig.is_bias(p)
              ? moved
              : std::copysign(std::fmax(std::fabs(moved) - size * l1, 0.0), moved) / (1 + size * l2);
      uphill += (ahead[p] - next) * (next - w[p]);
      ahead[p] = next + (momentum - 1) / next_momentum * (next - w[p]);
      w[p] = next;
    }
    momentum = uphill > 0 ? 1 : next_momentum;
  }
  const std::vector<float> rounded(w.begin(), w.end());
  const Evaluation sums = rig.objective.evaluate(rig.samples(), rig.layout.weights(rounded.data()));
  double penalty = 0;
  for (std::size_t p = 0; p < w.size(); ++p)
    if (!rig.is_bias(p)) penalty += l1 * std::fabs(w[p]) + l2 / 2 * w[p] * w[p];
  return {
      .weights = w, .gradient = rig.mean_of(rig.slopes(w)), .objective = sums.loss / sums.weight + penalty};
}

// Calls body(objective, rule) for every pair that suits.
template <class Body>
void for_each_rule(Body&& body) {
  for (const CatalogueRow& row : test::linear_catalogue()) {
    const auto objective = row.make({});
    for (const Rule rule : all_rules())
      if (objective->suits(rule)) body(*objective, rule);
  }
}

}  // namespace sounder::test
