// A topic model: p(word | document) = sum over topics k of p(k | document) p(word | k), with Dirichlet priors on both
// (PLSA: Hofmann, 1999; LDA: Blei, Ng, Jordan, 2003; Kullback-Leibler non-negative factorisation, but for the priors).
// A sample is a pair of document and word with its count. Objective: -log p(word | document), a token.
//
// Rows are expected counts, N_d of a document and N_w of a word, and the common coordinate is N = sum over words of N_w:
//
//     p(k | d) = (N_dk + alpha T) / sum over topics,   p(w | k) = (N_wk + beta T) / (N_k + W beta T),
//
// W words in all and T = (sum of N) / tokens, as counts fade: what a token is worth. The responsibilities of the topics
// for a sample are g = p(k | d) p(w | k) / sum over topics, those of SCVB0 (Foulds, Boyles, DuBois, Smyth, Welling,
// KDD 2013), and it adds  a count g  to both rows, with
//
//     a = exp(step x part of the epoch that is over);   when the epoch ends all counts are divided by exp(step).
//
// That is a step along the natural gradient of the bound that EM climbs, which in expected counts is "the sample's
// expectation less what is there" (Hoffman, Blei, Wang, Paisley, Stochastic variational inference, JMLR 2013, section
// 2.3; as mirror descent: Kunstner, Kumar, Schmidt, AISTATS 2021): row += rho (n count g - row), rho = step / n. It is
// written as Pegasos writes L2 (rule_sgd.h): shrinking is left to a scale, 1 / a, and only what is new is added, but for
// a factor of all counts, which T makes up for. So nothing is ever subtracted: additions commute, and blocks that step
// from the same rows leave them counts >= 0 whose proportions are means of responsibilities. As an average, literally,
// rows that stale blocks push to go below zero. The step is how many e-folds an epoch fades.
#include <algorithm>
#include <cmath>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "objectives/catalogue.h"
#include "objectives/topic_inference.h"

namespace sounder {
namespace {

// Samples for which the totals and a stay as they are. In blocks of 100,000 of the 324,000 pairs of KOS, perplexity
// is 1892 where they stay for all of a block, 1425 so; in blocks of 2000, 1405 and 1399.
constexpr std::size_t kPiece = 512;

// a of the sample of that number in the block.
float weight_at(const Step& step, std::size_t sample) {
  const double epochs = (step.before + static_cast<double>(sample)) / step.rows;
  return static_cast<float>(std::exp(step.size * (epochs - std::floor(epochs))));
}

class TopicModel final : public Objective {
 public:
  // `frequencies` of words in the training data, by coordinate: 0 for documents.
  explicit TopicModel(const TopicSetting& setting, std::vector<float> frequencies = {})
      : setting_(setting), frequencies_(std::move(frequencies)) {}

  std::string name() const override { return "topic_model"; }
  Parameters parameters() const override { return setting_.parameters(); }
  LabelKind labels() const override { return LabelKind::kCount; }
  Shape shape() const override {
    return {.width = setting_.topics,
            .common = 1,
            .grouping = Grouping::kTiles,
            .worker_blocks = 12,
            .most_block_rows = 8192,
            .pairs = true,
            .starts_at_zero = false,
            .terms = true,
            .regularised = false,
            .ends = true};
  }
  Defaults defaults() const override { return {.l2 = 0, .epochs = 10}; }
  std::optional<Pace> pace(Rule) const override { return Pace{.step = 12, .fade = Fade::kLinear}; }

  std::unique_ptr<Objective> fitted(const Dataset& data) const override;
  void start(std::size_t coordinate, std::span<float> weights, Random& random) const override;
  void predict(const Samples& samples, const ConstWeights& weights, std::span<float> out) const override;
  Evaluation evaluate(const Samples& samples, const ConstWeights& weights) const override;
  std::uint64_t step(const Samples& samples, const LocalWeights& weights, const Step& step) const override;
  void turn(Turn turn, const LocalWeights& weights, std::size_t count, const Step& step) const override;

 private:
  TopicSetting setting_;
  std::vector<float> frequencies_;
};

// Documents come first. Where nobody said how many words there are, they begin behind the last document that has one.
std::unique_ptr<Objective> TopicModel::fitted(const Dataset& data) const {
  TopicSetting setting = setting_;
  setting.tokens = 0;
  std::vector<float> frequencies(data.dimension());
  Coordinate last = 0;
  for (std::size_t i = 0; i < data.rows(); ++i) {
    const Row row = data.row(i);
    const float count = row.weight * row.label;
    frequencies[row.support[1]] += count;
    setting.tokens += count;
    last = std::max(last, row.support[0]);
  }
  if (setting.words == 0) setting.words = static_cast<double>(data.dimension()) - last - 1;
  return std::make_unique<TopicModel>(setting, std::move(frequencies));
}

// Words differ by chance, or all topics would stay the same; documents have no opinion yet.
void TopicModel::start(std::size_t coordinate, std::span<float> weights, Random& random) const {
  const auto topics = static_cast<double>(setting_.topics);
  if (coordinate >= frequencies_.size()) {
    std::ranges::fill(weights, static_cast<float>(setting_.tokens / topics));
    return;
  }
  for (float& weight : weights)
    weight =
        static_cast<float>(frequencies_[coordinate] / topics * (0.5 - 0.5 * std::log1p(-random.uniform())));
}

void TopicModel::predict(const Samples& samples, const ConstWeights& weights, std::span<float> out) const {
  TopicInference inference(setting_);
  inference.set_totals(weights.bias);
  for_each_support(samples, [&](std::size_t i, const auto& pair) {
    out[i] = inference.probability(weights.weights + pair[0], weights.weights + pair[1]);
  });
}

Evaluation TopicModel::evaluate(const Samples& samples, const ConstWeights& weights) const {
  TopicInference inference(setting_);
  inference.set_totals(weights.bias);
  Evaluation sum;
  for_each_support(samples, [&](std::size_t i, const auto& pair) {
    const double count = double{samples.weight(i)} * samples.labels[i];
    const float p = inference.probability(weights.weights + pair[0], weights.weights + pair[1]);
    sum += {.loss = -count * std::log(double{p}), .weight = count};
  });
  return sum;
}

// In pieces, of each of which the middle stands for all of it, and the totals gain at its end what its words gained.
std::uint64_t TopicModel::step(const Samples& samples, const LocalWeights& local, const Step& step) const {
  const TopicKernels& kernels = topic_kernels();
  TopicInference inference(setting_);
  std::vector<float> gain(setting_.topics);
  float weight = 0;
  const auto end_piece = [&] {
    std::transform(gain.begin(), gain.end(), local.bias, local.bias, std::plus());
    std::ranges::fill(gain, 0.0F);
  };
  for_each_support(samples, [&](std::size_t i, const auto& pair) {
    if (i % kPiece == 0) {
      end_piece();
      inference.set_totals(local.bias);
      weight = weight_at(step, i + std::min(kPiece, samples.rows() - i) / 2);
    }
    float* const document = local.weights + pair[0];
    float* const word = local.weights + pair[1];
    const float count = weight * samples.weight(i) * samples.labels[i];
    const float sum = inference.respond(document, word);
    kernels.add(inference.shares().data(), count / sum, gain.size(), document, word, gain.data());
  });
  end_piece();
  return samples.nonzeros();
}

void TopicModel::turn(Turn turn, const LocalWeights& local, std::size_t count, const Step& step) const {
  if (turn != Turn::kEnd) return;
  const float fading = std::exp(-step.size);
  for (float& expected : std::span(local.weights, count)) expected *= fading;
}

}  // namespace

std::unique_ptr<Objective> make_topic_model(const ObjectiveParameters& parameters) {
  return std::make_unique<TopicModel>(TopicSetting::of(parameters));
}

}  // namespace sounder
