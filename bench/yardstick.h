#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "io/dataset.h"
#include "io/random.h"
#include "objectives/kernels.h"

namespace sounder::bench {

// The best serial SGD loop for the hinge loss that we know how to write, svmsgd's way (Bottou): samples one
// by one, rows laid out in shuffled order, float weights, L2 as one decaying scale, the step of 1/t, nothing
// written for a sample whose hinge is inactive, and the engine's own SIMD kernels. No blocks, no threads, no
// atomics: what all of those are measured against.
class Yardstick {
 public:
  Yardstick(const Dataset& data, std::uint64_t seed) : weights_(data.dimension()) {
    std::vector<std::uint32_t> order(data.rows());
    for (std::uint32_t i = 0; i < order.size(); ++i) order[i] = i;
    Random random(seed);
    shuffle(std::span(order), random);
    for (const std::uint32_t i : order) {
      const Row row = data.row(i);
      positions_.insert(positions_.end(), row.support.begin(), row.support.end());
      values_.insert(values_.end(), row.values.begin(), row.values.end());
      labels_.push_back(row.label);
      offsets_.push_back(positions_.size());
    }
  }

  void run_epoch(double l2, double step) {
    const auto& kernel = kernels<std::uint32_t>();
    for (std::size_t i = 0; i < labels_.size(); ++i) {
      if (i % 16 == 0) {
        eta_ = static_cast<float>(step / (1 + l2 * step * samples_));
        shrink_ = static_cast<float>(1 / (1 + eta_ * l2));
      }
      const std::size_t begin = offsets_[i];
      const std::size_t size = offsets_[i + 1] - begin;
      const float margin = scale_ * kernel.dot(&positions_[begin], &values_[begin], size, weights_.data());
      scale_ *= shrink_;
      ++samples_;
      if (labels_[i] * margin >= 1) continue;
      kernel.axpy(&positions_[begin], &values_[begin], size, eta_ * labels_[i] / scale_, weights_.data());
    }
    for (float& w : weights_) w *= scale_;
    scale_ = 1;
  }

  std::span<const float> weights() const { return weights_; }

 private:
  std::vector<std::size_t> offsets_{0};
  std::vector<std::uint32_t> positions_;
  std::vector<float> values_;
  std::vector<float> labels_;
  std::vector<float> weights_;
  double samples_ = 0;
  float scale_ = 1;
  float eta_ = 0;
  float shrink_ = 1;
};

}  // namespace sounder::bench
