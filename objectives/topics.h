#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "io/docword.h"
#include "io/model.h"
#include "io/parallel.h"

namespace sounder {

// What a model of objectives/topic_model.cpp says. Its names have two parts, documents and words.

// Throws InputError (file `name`) when a model is no such model.
void require_topics(const Model& model, const std::string& name);

struct TopicWord {
  std::uint32_t word = 0;  // numbered from 0
  double probability = 0;  // p(word | topic)
};

struct Topic {
  std::size_t number = 0;        // of the float in a row
  double share = 0;              // of all tokens
  std::vector<TopicWord> words;  // the likeliest, in that order
};

// By falling share; `most` words each, or all there are.
std::vector<Topic> topics_of(const Model& model, std::size_t most);

// Whether a topic's first words, `most` of them, stand in the same documents: the mean, over pairs of them, of their
// normalised pointwise mutual information log(p(a, b) / (p(a) p(b))) / -log p(a, b), p being the share of the documents
// (of those with a word) that a word is in; from -1, never together, over 0, by chance, to 1, always (Bouma, 2009;
// Aletras, Stevenson, IWCS 2013). Of one word 0. In the order of the topics.
std::vector<double> coherence_of(const std::vector<Topic>& topics, const DocwordFile& data, std::size_t most);

// Throws InputError (file `name`) for more words, or documents, than the model's.
void require_at_most(const char* what, std::size_t found, std::size_t most, const std::string& name);

// The model with the documents of `observed` in place of its own: their counts by expectation-maximisation with the
// words' counts as they are. Throws InputError (file `name`) when there are more words than the model has.
Model fold_in(const Model& model, const DocwordFile& observed, const std::string& name,
              const ParallelFor& parallel = run_serially);

// p(topic | document) of the model's documents, a row each, by the topics' numbers; of a document without words, all
// the same.
std::vector<float> shares_of_topics(const Model& model);

}  // namespace sounder
