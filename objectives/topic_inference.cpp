#include "objectives/topic_inference.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "io/error.h"
#include "objectives/catalogue.h"

namespace sounder {
namespace {

constexpr double kMostTopics = 10000;
constexpr double kLeastPrior = 1e-20;  // times what else is in a responsibility, floats hold it
constexpr double kMostPrior = 1e15;    // or words, or tokens

double positive(const Objective::Parameters& parameters, const char* name, double otherwise) {
  const double value = parameter_or(parameters, name, otherwise);
  if (!(value > 0 && value <= kMostPrior))
    throw InputError(fmt::format("{} = {}: must be > 0 and <= {:g}", name, value, kMostPrior));
  return value;
}

double prior(const Objective::Parameters& parameters, const char* name, double otherwise) {
  const double value = positive(parameters, name, otherwise);
  if (value < kLeastPrior)
    throw InputError(fmt::format("{} = {}: must be >= {:g}", name, value, kLeastPrior));
  return value;
}

}  // namespace

TopicSetting TopicSetting::of(const Objective::Parameters& parameters) {
  const TopicSetting usual;
  return {.topics = whole_parameter(parameters, "topics", usual.topics, 1, kMostTopics),
          .alpha = prior(parameters, "alpha", usual.alpha),
          .beta = prior(parameters, "beta", usual.beta),
          .words = parameters.contains("words") ? positive(parameters, "words", 1) : usual.words,
          .tokens = positive(parameters, "tokens", usual.tokens)};
}

Objective::Parameters TopicSetting::parameters() const {
  return {{"topics", static_cast<double>(topics)},
          {"alpha", alpha},
          {"beta", beta},
          {"words", words},
          {"tokens", tokens}};
}

TopicInference::TopicInference(const TopicSetting& setting)
    : setting_(setting), inverse_(setting.topics), shares_(setting.topics) {}

void TopicInference::set_totals(const float* totals) {
  const double mass = std::accumulate(totals, totals + setting_.topics, 0.0);
  token_ = mass > 0 ? mass / setting_.tokens : 1;
  const double vocabulary = setting_.words * setting_.beta * token_;
  std::transform(totals, totals + setting_.topics, inverse_.begin(),
                 [&](float total) { return static_cast<float>(1 / (total + vocabulary)); });
  prior_ = {.inverse_totals = inverse_.data(),
            .topics = setting_.topics,
            .document = static_cast<float>(setting_.alpha * token_),
            .word = static_cast<float>(setting_.beta * token_)};
}

float TopicInference::probability(const float* document, const float* word) {
  const std::size_t topics = shares_.size();
  const float mass =
      std::accumulate(document, document + topics, prior_.document * static_cast<float>(topics));
  return respond(document, word) / mass;
}

}  // namespace sounder
