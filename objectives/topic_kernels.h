#pragma once

#include <cstddef>

namespace sounder {

// The loops over topics of objectives/topic_model.cpp. Compiled for several instruction sets, the best chosen once
// (kernels.h). Thread-safe.
struct TopicKernels {
  // What the topics say to a document and a word together: (document[k] + document_prior) (word[k] + word_prior)
  // inverse_totals[k], for each topic k.
  struct Prior {
    const float* inverse_totals;
    std::size_t topics;
    float document;
    float word;
  };

  // Into shares[0 .. topics), and returns their sum.
  float (*respond)(const Prior& prior, const float* document, const float* word, float* shares);
  // factor * shares[k] more in each of the three.
  void (*add)(const float* shares, float factor, std::size_t topics, float* document, float* word,
              float* change);
};

const TopicKernels& topic_kernels();

}  // namespace sounder
