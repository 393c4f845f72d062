#include "objectives/topics.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <span>
#include <string>
#include <utility>

#include "io/error.h"
#include "objectives/model_objective.h"
#include "objectives/topic_inference.h"

namespace sounder {
namespace {

constexpr int kFoldRounds = 50;

// The counts of a model's words.
struct Words {
  explicit Words(const Model& model)
      : width(model.width),
        size(model.names[1].size()),
        counts(std::span(model.weights).last(size * width)) {}

  std::span<const float> row(std::size_t word) const { return counts.subspan(word * width, width); }

  std::size_t width;
  std::size_t size;
  std::span<const float> counts;
};

std::vector<TopicWord> likeliest(const Words& words, const TopicInference& inference, std::size_t topic,
                                 std::size_t most) {
  std::vector<TopicWord> all;
  for (std::uint32_t w = 0; w < words.size; ++w)
    all.push_back({w, inference.probability(words.row(w)[topic], topic)});
  const auto end = all.begin() + static_cast<std::ptrdiff_t>(std::min(most, all.size()));
  std::partial_sort(all.begin(), end, all.end(), [](const TopicWord& a, const TopicWord& b) {
    return std::pair(-a.probability, a.word) < std::pair(-b.probability, b.word);
  });
  all.erase(end, all.end());
  return all;
}

// For each word of the topics, the documents that it is in, in order.
using Postings = std::map<std::uint32_t, std::vector<std::uint32_t>>;

Postings postings_of(const std::vector<Topic>& topics, const DocwordFile& data) {
  Postings postings;
  for (const Topic& topic : topics) {
    for (const TopicWord& word : topic.words) postings[word.word];
  }
  for (const Count& count : data.counts) {
    const auto found = postings.find(count.word);
    if (found != postings.end()) found->second.push_back(count.document);
  }
  return postings;
}

double normalised_information(const std::vector<std::uint32_t>& a, const std::vector<std::uint32_t>& b,
                              double documents) {
  std::vector<std::uint32_t> both;
  std::ranges::set_intersection(a, b, std::back_inserter(both));
  if (both.empty()) return -1;
  const auto share = [&](const auto& in) { return static_cast<double>(in.size()) / documents; };
  const double together = share(both);
  return together == 1 ? 1 : std::log(together / (share(a) * share(b))) / -std::log(together);
}

double mean_information(std::span<const TopicWord> words, const Postings& postings, double documents) {
  double sum = 0;
  for (std::size_t i = 0; i < words.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j)
      sum += normalised_information(postings.at(words[i].word), postings.at(words[j].word), documents);
  }
  const auto size = static_cast<double>(words.size());
  return size > 1 ? sum / (size * (size - 1) / 2) : 0;
}

// Into `counts`, 0 before: sum over the document's words of count x responsibilities, which the counts imply.
void settle(std::span<const Count> document, const Words& words, TopicInference& inference,
            std::span<float> counts) {
  std::vector<float> next(counts.size());
  for (int round = 0; round < kFoldRounds; ++round) {
    std::ranges::fill(next, 0.0F);
    for (const Count& count : document) {
      const float sum = inference.respond(counts.data(), words.row(count.word).data());
      const float factor = count.count * static_cast<float>(inference.token()) / sum;
      std::ranges::transform(next, inference.shares(), next.begin(),
                             [factor](float n, float share) { return n + factor * share; });
    }
    std::ranges::copy(next, counts.begin());
  }
}

// Where the entries of each document begin and end.
std::vector<std::span<const Count>> documents_of(const DocwordFile& file) {
  std::vector<std::span<const Count>> documents(file.documents);
  for (auto begin = file.counts.begin(); begin != file.counts.end();) {
    const auto end = std::find_if(begin, file.counts.end(),
                                  [&](const Count& count) { return count.document != begin->document; });
    documents[begin->document] = std::span(begin, end);
    begin = end;
  }
  return documents;
}

}  // namespace

void require_topics(const Model& model, const std::string& name) {
  if (model.objective != "topic_model")
    throw InputError({name}, "found a model of the objective " + model.objective + ", expected topic_model");
  if (model.names.size() != 2)
    throw InputError({name}, "found a model without documents and words, expected these");
  objective_of(model, name);
}

std::vector<Topic> topics_of(const Model& model, std::size_t most) {
  const Words words(model);
  TopicInference inference(TopicSetting::of(model.parameters));
  inference.set_totals(model.bias.data());
  const double all = std::accumulate(model.bias.begin(), model.bias.end(), 0.0);
  std::vector<Topic> topics;
  for (std::size_t k = 0; k < words.width; ++k)
    topics.push_back({k, model.bias[k] / all, likeliest(words, inference, k, most)});
  std::ranges::stable_sort(topics, std::ranges::greater(), &Topic::share);
  return topics;
}

std::vector<double> coherence_of(const std::vector<Topic>& topics, const DocwordFile& data,
                                 std::size_t most) {
  const Postings postings = postings_of(topics, data);
  const auto documents = static_cast<double>(data.documents - data.empty_documents);
  std::vector<double> coherence;
  for (const Topic& topic : topics) {
    const auto words = std::span(topic.words).first(std::min(most, topic.words.size()));
    coherence.push_back(mean_information(words, postings, documents));
  }
  return coherence;
}

void require_at_most(const char* what, std::size_t found, std::size_t most, const std::string& name) {
  if (found > most)
    throw InputError({name}, fmt::format("found {} {}, expected at most the model's {}", found, what, most));
}

Model fold_in(const Model& model, const DocwordFile& observed, const std::string& name,
              const ParallelFor& parallel) {
  const Words words(model);
  const TopicSetting setting = TopicSetting::of(model.parameters);
  require_at_most("words", observed.words, words.size, name);
  const std::size_t rows = observed.documents;
  Model folded = model;
  folded.dimension = rows + words.size;
  folded.weights.assign(rows * words.width, 0.0F);
  const auto documents = documents_of(observed);
  parallel(rows, [&](std::size_t d) {
    TopicInference inference(setting);
    inference.set_totals(model.bias.data());
    settle(documents[d], words, inference, std::span(folded.weights).subspan(d * words.width, words.width));
  });
  folded.weights.insert(folded.weights.end(), words.counts.begin(), words.counts.end());
  folded.names[0].clear();
  for (std::size_t d = 1; d <= rows; ++d) folded.names[0].push_back(std::to_string(d));
  return folded;
}

std::vector<float> shares_of_topics(const Model& model) {
  const TopicSetting setting = TopicSetting::of(model.parameters);
  TopicInference inference(setting);
  inference.set_totals(model.bias.data());
  const double prior = setting.alpha * inference.token();
  const auto topics = static_cast<std::ptrdiff_t>(model.width);
  std::vector<float> shares(model.weights.begin(),
                            model.weights.begin() + std::ssize(model.names[0]) * topics);
  for (auto row = shares.begin(); row != shares.end(); row += topics) {
    const double mass = std::accumulate(row, row + topics, prior * static_cast<double>(topics));
    std::transform(row, row + topics, row,
                   [&](float count) { return static_cast<float>((count + prior) / mass); });
  }
  return shares;
}

}  // namespace sounder
