#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "objectives/objective.h"

// The objectives that have a name. To add one: write objectives/NAME.cpp, which defines make_NAME(), and add
// its line here; `--objective NAME`, its help, its tests and its benchmark follow.
//
//   X(name, format of its data, one line of help), on one line
// clang-format off
#define SOUNDER_OBJECTIVES(X)                                                     \
  X(hinge, kLibsvm, "support vector machine: max(0, 1 - y z)")                    \
  X(squared_hinge, kLibsvm, "support vector machine, squared: max(0, 1 - y z)^2") \
  X(logistic, kLibsvm, "logistic regression: log(1 + exp(-y z))")                 \
  X(least_squares, kLibsvm, "linear regression: (z - y)^2 / 2")                   \
  X(huber, kLibsvm, "robust regression: (z - y)^2 / 2 near zero, linear beyond --huber-delta") \
  X(quantile, kLibsvm, "quantile regression: q (y - z) where z < y, else (1 - q) (z - y), q of --quantile") \
  X(epsilon_insensitive, kLibsvm, "support vector regression: max(0, |z - y| - epsilon), of --epsilon")      \
  X(squared_epsilon_insensitive, kLibsvm, "support vector regression, squared: max(0, |z - y| - epsilon)^2") \
  X(one_vs_rest_hinge, kLibsvm, "support vector machines, one of each class against all others")     \
  X(one_vs_rest_squared_hinge, kLibsvm, "the same, squared")                                         \
  X(one_vs_rest_logistic, kLibsvm, "logistic regressions, one of each class against all others")     \
  X(softmax, kLibsvm, "softmax regression for many classes: log(sum of exp z) - z_y")          \
  X(network, kLibsvm, "neural network of one hidden layer for many classes, ReLU and softmax")  \
  X(topic_model, kDocword, "topics of a bag of words: -log of the sum of p(k | document) p(word | k)") \
  X(matrix_completion, kRatings, "ratings by matrix factorisation: (z - r)^2 / 2, z = mean + p_u . q_i + b_u + b_i") \
  X(matrix_completion_logistic, kRatings, "likes and dislikes: log(1 + exp(-y z)), the same z") \
  X(matrix_completion_kl, kRatings, "ratings >= 0, z = p_u . q_i >= 0: r log(r / z) - r + z") \
  X(matrix_completion_one_class, kRatings, "implicit feedback: (z - 1)^2 / 2 observed, z^2 / 2 other pairs, drawn") \
  X(word_embedding, kText, "word vectors of any text: f (log A - |v_w + v_c|^2 - C)^2, A: how often w and c meet")
// clang-format on

namespace sounder {

// What the files of an objective's samples look like.
enum class SampleFormat {
  kLibsvm,   // io/libsvm.h
  kRatings,  // io/ratings.h
  kDocword,  // io/docword.h
  kText,     // io/cooccurrence.h
};

// What the constructors of the catalogue may need beside the name, by name; each knows its own and their defaults.
//
//   huber: huber_delta > 0, in units of the label; 1
//   quantile: quantile, above 0 and below 1; 0.5
//   epsilon_insensitive, squared_epsilon_insensitive: epsilon >= 0, in units of the label; 0.1
//   softmax, network, one_vs_rest_...: classes, 2 to 10,000, or 0: as the training data has; 0
//   network: hidden, floats of the hidden layer, 1 to 65,536; 256
//   topic_model: topics, 1 to 10,000; 50; alpha and beta >= 1e-20, counts that a topic has beforehand in a document and a word
//     in a topic; 0.05; tokens, of the training data; words, of the vocabulary; without, documents behind the last that
//     has a word count as words
//   matrix_completion...: rank, 1 to 4096; 32; biases, 0 or 1; 1 (but for kl); non_negative, 0 or 1; 0 (squared and one_class);
//     negative_weight >= 0; 1 (one_class); mean and sd, of the training data
//   word_embedding: rank, 1 to 4096; 50; most_weight > 0, A beyond which f = min(A, most_weight) does not grow; 100
using ObjectiveParameters = Objective::Parameters;

struct CatalogueRow {
  std::string_view name;
  SampleFormat format;
  std::string_view help;
  std::unique_ptr<Objective> (*make)(const ObjectiveParameters&);
};

std::span<const CatalogueRow> catalogue();

// Throws InputError, listing the names there are, when `name` is none of them.
const CatalogueRow& catalogue_row(std::string_view name);

// Throws InputError when `name` is none of the catalogue, or a parameter out of range or not the objective's.
std::unique_ptr<Objective> make_objective(std::string_view name, const ObjectiveParameters& parameters = {});

// The parameter of that name, or `otherwise`.
double parameter_or(const ObjectiveParameters& parameters, const std::string& name, double otherwise);

// The same; throws InputError unless it is from `least` to `most`.
double real_parameter(const ObjectiveParameters& parameters, const std::string& name, double otherwise,
                      double least, double most);

// `value`, and the same of a parameter. Throws InputError unless it is a whole number from `least` to `most`.
std::size_t whole_number(const std::string& name, double value, double least, double most);
std::size_t whole_parameter(const ObjectiveParameters& parameters, const std::string& name,
                            std::size_t otherwise, double least, double most);

#define SOUNDER_DECLARE(name, format, help) \
  std::unique_ptr<Objective> make_##name(const ObjectiveParameters&);
SOUNDER_OBJECTIVES(SOUNDER_DECLARE)
#undef SOUNDER_DECLARE

}  // namespace sounder
