#include "objectives/topics.h"

#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include "engine/evaluate.h"
#include "objectives/catalogue.h"
#include "test/support.h"

namespace sounder {
namespace {

// Two topics, one document, three words: the first is in topic 1 only, the last in topic 2 only.
Model make_model() {
  Model model;
  model.objective = "topic_model";
  model.parameters = {{"topics", 2}, {"alpha", 0.5}, {"beta", 1}, {"words", 3}, {"tokens", 20}};
  model.width = 2;
  model.weights = {9, 1, 6, 0, 2, 4, 0, 8};
  model.bias = {8, 12};
  model.dimension = 4;
  model.names = {{"1"}, {"a", "b", "c"}};
  return model;
}

}  // namespace

TEST_CASE("topics: words by their probability, topics by their share") {
  const std::vector<Topic> topics = topics_of(make_model(), 2);
  REQUIRE(topics.size() == 2);
  CHECK(topics[0].number == 1);
  CHECK(topics[0].share == doctest::Approx(0.6));
  CHECK(topics[1].share == doctest::Approx(0.4));
  REQUIRE(topics[0].words.size() == 2);
  CHECK(topics[0].words[0].word == 2);
  CHECK(topics[0].words[0].probability == doctest::Approx(9.0 / 15));
  CHECK(topics[0].words[1].word == 1);
  CHECK(topics[1].words[0].word == 0);
  CHECK(topics[1].words[0].probability == doctest::Approx(7.0 / 11));
  CHECK(topics_of(make_model(), 10)[0].words.size() == 3);
}

TEST_CASE("topics: coherence is the mean NPMI of pairs") {
  // Words 0 and 1 are in two of four documents, once together; 2 is in no document of theirs.
  const DocwordFile data{.documents = 5,
                         .words = 3,
                         .counts = {{0, 0, 1}, {0, 1, 3}, {1, 0, 1}, {2, 1, 2}, {4, 2, 1}},
                         .empty_documents = 1};
  const auto topic = [](std::vector<std::uint32_t> words) {
    Topic made;
    for (const std::uint32_t word : words) made.words.push_back({word, 0.1});
    return made;
  };
  const auto coherence = coherence_of({topic({0, 1}), topic({0, 2}), topic({0, 1, 2}), topic({0})}, data, 3);
  CHECK(coherence[0] == doctest::Approx(0));  // p(a, b) = p(a) p(b)
  CHECK(coherence[1] == -1);
  CHECK(coherence[2] == doctest::Approx(-2.0 / 3));
  CHECK(coherence[3] == 0);
  CHECK(coherence_of({topic({0, 1, 2})}, data, 2)[0] == doctest::Approx(0));
  const DocwordFile always{
      .documents = 1, .words = 2, .counts = {{0, 0, 1}, {0, 1, 1}}, .empty_documents = 0};
  CHECK(coherence_of({topic({0, 1})}, always, 2)[0] == 1);
}

TEST_CASE("topics: fold_in finds the likeliest mixture of each document") {
  const DocwordFile observed{.documents = 3,
                             .words = 3,
                             .counts = {{0, 0, 10}, {2, 0, 3}, {2, 1, 2}, {2, 2, 4}},
                             .empty_documents = 1};
  const Model folded = fold_in(make_model(), observed, "seen");
  CHECK(folded.dimension == 6);
  REQUIRE(folded.weights.size() == 12);
  CHECK(folded.weights[0] > 9.5);                                  // all that speaks for topic 2 is its prior
  CHECK(folded.weights[2] == doctest::Approx(folded.weights[3]));  // nothing is known
  CHECK(folded.weights[4] + folded.weights[5] == doctest::Approx(9));
  CHECK(std::vector(folded.weights.begin() + 6, folded.weights.end()) ==
        std::vector<float>{6, 0, 2, 4, 0, 8});
  CHECK(folded.names[0] == std::vector<std::string>{"1", "2", "3"});

  // A fixed point: the counts are those that they imply.
  const double mixture[] = {(folded.weights[4] + 0.5) / 10, (folded.weights[5] + 0.5) / 10};
  const double words[3][2] = {{7.0 / 11, 1.0 / 15}, {3.0 / 11, 5.0 / 15}, {1.0 / 11, 9.0 / 15}};
  double count = 0;
  for (const auto& [word, n] : std::vector<std::pair<int, double>>{{0, 3}, {1, 2}, {2, 4}}) {
    const double first = mixture[0] * words[word][0];
    count += n * first / (first + mixture[1] * words[word][1]);
  }
  CHECK(folded.weights[4] == doctest::Approx(count).epsilon(1e-3));
}

TEST_CASE("topics: the shares of topics are their counts and the prior, of all") {
  const DocwordFile observed{
      .documents = 2, .words = 3, .counts = {{1, 0, 3}, {1, 1, 2}, {1, 2, 4}}, .empty_documents = 1};
  const Model folded = fold_in(make_model(), observed, "seen");
  const std::vector<float> shares = shares_of_topics(folded);
  REQUIRE(shares.size() == 4);
  CHECK(shares[0] == doctest::Approx(0.5));
  CHECK(shares[1] == doctest::Approx(0.5));
  CHECK(shares[2] == doctest::Approx((folded.weights[2] + 0.5) / 10));
  CHECK(shares[3] == doctest::Approx((folded.weights[3] + 0.5) / 10));
}

TEST_CASE("topics: refuses what is no topic model, and words it does not know") {
  const auto refusal = [](const Model& model) {
    return test::input_error_of([&] { require_topics(model, "file"); });
  };
  CHECK(refusal(make_model()).empty());
  Model other = make_model();
  other.objective = "hinge";
  CHECK(refusal(other) == "file: found a model of the objective hinge, expected topic_model");
  Model nameless = make_model();
  nameless.names.clear();
  CHECK(refusal(nameless) == "file: found a model without documents and words, expected these");
  Model narrow = make_model();
  narrow.width = 1;
  CHECK(refusal(narrow) == "file: width 1, expected 2 for topic_model");
  Model impossible = make_model();
  impossible.parameters["topics"] = 0;
  CHECK(refusal(impossible) == "file: topics = 0: must be a whole number from 1 to 10000");
  const DocwordFile wide{.documents = 1, .words = 4, .counts = {{0, 3, 1}}, .empty_documents = 0};
  CHECK(test::input_error_of([&] { fold_in(make_model(), wide, "seen"); }) ==
        "seen: found 4 words, expected at most the model's 3");
}

TEST_CASE("topics: fold_in comes to the same mixture whatever the model counts for a token") {
  const DocwordFile observed{
      .documents = 1, .words = 3, .counts = {{0, 0, 3}, {0, 1, 2}, {0, 2, 4}}, .empty_documents = 0};
  Model twice = make_model();
  for (float& weight : twice.weights) weight *= 2;
  for (float& total : twice.bias) total *= 2;
  const Model once = fold_in(make_model(), observed, "seen");
  const Model folded = fold_in(twice, observed, "seen");
  for (std::size_t k = 0; k < 2; ++k) {
    CHECK(folded.weights[k] == doctest::Approx(2 * once.weights[k]));
    CHECK(shares_of_topics(folded)[k] == doctest::Approx(shares_of_topics(once)[k]));
  }
}

}  // namespace sounder
