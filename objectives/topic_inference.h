#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "objectives/objective.h"
#include "objectives/topic_kernels.h"

namespace sounder {

// What a topic model is, beside its counts (objectives/topic_model.cpp has the formulas).
struct TopicSetting {
  std::size_t topics = 50;  // K
  double alpha = 0.05;      // of each topic in a document, in tokens, beforehand
  double beta = 0.05;       // of each word in a topic
  double words = 0;         // W, in the vocabulary; 0: not known yet
  double tokens = 1;        // in the training data

  // Throws InputError when one of them is out of range. The inverse: parameters().
  static TopicSetting of(const Objective::Parameters& parameters);
  Objective::Parameters parameters() const;
};

// Probabilities that follow from counts, given the totals N = sum over words of N_w. Not thread-safe: it has room for one
// answer.
class TopicInference {
 public:
  explicit TopicInference(const TopicSetting& setting);
  TopicInference(const TopicInference&) = delete;
  TopicInference& operator=(const TopicInference&) = delete;

  // Comes first. `totals` may change afterwards.
  void set_totals(const float* totals);

  // What a token is worth now: counts fade.
  double token() const { return token_; }

  // Returns a sum, of which shares()[k] is the part of topic k: its responsibility for a token of the word in the
  // document.
  float respond(const float* document, const float* word) {
    return kernels_.respond(prior_, document, word, shares_.data());
  }
  std::span<const float> shares() const { return shares_; }

  // p(word | document).
  float probability(const float* document, const float* word);
  // p(word | topic).
  double probability(float count, std::size_t topic) const {
    return double{count + prior_.word} * inverse_[topic];
  }

 private:
  const TopicSetting setting_;
  const TopicKernels& kernels_ = topic_kernels();
  std::vector<float> inverse_;  // 1 / (N_k + W beta)
  std::vector<float> shares_;
  double token_ = 1;
  TopicKernels::Prior prior_{};
};

}  // namespace sounder
