// The objectives of matrix completion, through train() and alone.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "engine/evaluate.h"
#include "engine/train.h"
#include "io/random.h"
#include "objectives/catalogue.h"
#include "objectives/factorisation.h"
#include "test/support.h"

using namespace sounder;
using namespace sounder::test;

namespace {

constexpr std::uint32_t kUsers = 60;
constexpr std::uint32_t kItems = 40;

Dataset pairs_of(const std::vector<std::pair<Coordinate, Coordinate>>& pairs, std::vector<float> labels,
                 std::size_t dimension = kUsers + kItems) {
  Dataset::Columns parts;
  for (const auto& [user, item] : pairs) {
    parts.indices.insert(parts.indices.end(), {user, item});
    parts.offsets.push_back(parts.indices.size());
  }
  parts.values.assign(parts.indices.size(), 1);
  parts.labels = std::move(labels);
  return Dataset(dimension, std::move(parts));
}

// Ratings around `mean` of a model with biases and two factors, each pair half the time.
template <class Label>
Dataset ratings(Label&& label, std::uint64_t seed = 1) {
  Random random(seed);
  std::vector<double> bias;
  std::vector<double> factor;
  for (std::uint32_t c = 0; c < kUsers + kItems; ++c) {
    bias.push_back(random.gaussian() / 3);
    factor.push_back(random.gaussian());
  }
  std::vector<std::pair<Coordinate, Coordinate>> pairs;
  std::vector<float> labels;
  for (Coordinate user = 0; user < kUsers; ++user) {
    for (Coordinate item = kUsers; item < kUsers + kItems; ++item) {
      if (random.uniform() < 0.5) continue;
      pairs.emplace_back(user, item);
      labels.push_back(static_cast<float>(label(bias[user] + bias[item] + factor[user] * factor[item])));
    }
  }
  return pairs_of(pairs, std::move(labels));
}

Dataset stars(double unit = 1) {
  return ratings([unit](double z) { return unit * (3.5 + z); });
}

Options options_for(const Objective& objective, std::size_t threads, int epochs = 60) {
  Options options = with_threads(threads);
  options.l2 = objective.defaults().l2 / 4;
  options.epochs = epochs;
  return options;
}

Model zeros(const Objective& objective, std::size_t dimension) {
  Model model;
  model.objective = objective.name();
  model.parameters = objective.parameters();
  model.dimension = dimension;
  model.width = static_cast<std::uint32_t>(objective.width());
  model.weights.assign(model.dimension * model.width, 0);
  return model;
}

double rmse_after(const Dataset& data, const Options& options, const Objective::Parameters& parameters) {
  return *train(data, *make_objective("matrix_completion", parameters), options).report.training.rmse;
}

// f = mean loss + terms, of weights laid out as the model's.
double objective_at(const Objective& objective, const Dataset& data, const std::vector<float>& weights,
                    double l2) {
  const std::size_t width = objective.width();
  Model model{};
  model.width = static_cast<std::uint32_t>(width);
  model.dimension = data.dimension();
  model.weights = weights;
  double f = evaluate(model, objective, data).loss;
  for (std::size_t c = 0; c < data.dimension(); ++c) {
    const auto degree = std::ranges::count(data.indices(), static_cast<Coordinate>(c));
    const double share = static_cast<double>(degree) / static_cast<double>(data.rows());
    f += objective.term(c, share, std::span(weights).subspan(c * width, width), l2);
  }
  return f;
}

}  // namespace

TEST_CASE("factorisation: a step on every sample goes down the objective that is reported") {
  const Dataset data = pairs_of({{0, 2}, {0, 3}, {1, 2}}, {1, 4, 2}, 4);
  const auto objective = make_objective("matrix_completion", {{"rank", 5}})->fitted(data);
  const std::size_t width = objective->width();
  constexpr double kL2 = 0.2;
  std::vector<float> weights(data.dimension() * width);
  Random random(1);
  for (std::size_t c = 0; c < data.dimension(); ++c)
    objective->start(c, std::span(weights).subspan(c * width, width), random);
  for (float& w : weights) w *= 10;
  weights[width - 1] = 0.3F;
  std::vector<double> moved(weights.size());
  for (std::size_t i = 0; i < data.rows(); ++i) {
    std::vector<float> local = weights;
    const auto support = data.row(i).support;
    const std::uint32_t positions[] = {static_cast<std::uint32_t>(support[0] * width),
                                       static_cast<std::uint32_t>(support[1] * width)};
    Samples sample;
    sample.pairs = 1;
    sample.positions = positions;
    sample.labels = &data.labels()[i];
    objective->step(sample, {.weights = local.data()}, {.size = 0x1p-10F, .l2 = kL2});
    for (std::size_t k = 0; k < local.size(); ++k) moved[k] += (double{local[k]} - weights[k]) * 0x1p+10 / 3;
  }
  const double sd = objective->parameters().at("sd");
  for (std::size_t k = 0; k < weights.size(); ++k) {
    CAPTURE(k);
    constexpr float kMove = 1e-2F;
    std::vector<float> up = weights;
    std::vector<float> down = weights;
    if (k % width >= 5 && k % width != width - 1) continue;
    up[k] += kMove;
    down[k] -= kMove;
    const double slope =
        (objective_at(*objective, data, up, kL2) - objective_at(*objective, data, down, kL2)) /
        (double{up[k]} - down[k]);
    const double size = k % width == width - 1 ? 0.3 : 1 / sd;
    CHECK(moved[k] == doctest::Approx(-size * slope).epsilon(0.01).scale(0.1));
  }
}

TEST_CASE("factorisation: any number of threads, on rows that all share, learns the same") {
  const Dataset data = stars();
  const auto objective = make_objective("matrix_completion");
  for (const Rule rule : {Rule::kSgd, Rule::kAdagrad}) {
    for (const std::size_t threads : kThreadSweep) {
      CAPTURE(name_of(rule));
      CAPTURE(threads);
      Options options = options_for(*objective, threads);
      options.rule = rule;
      CHECK(rmse_after(data, options, {{"rank", 4}}) < 0.1);
    }
  }
}

TEST_CASE("factorisation: reproducible is the same for any number of threads") {
  const Dataset data = stars();
  const auto objective = make_objective("matrix_completion", {{"rank", 4}});
  std::vector<float> expected;
  for (const std::size_t threads : kThreadSweep) {
    CAPTURE(threads);
    Options options = options_for(*objective, threads, 5);
    options.discipline = Discipline::kReproducible;
    const Model model = train(data, *objective, options).model;
    if (expected.empty()) expected = model.weights;
    CHECK(model.weights == expected);
  }
}

TEST_CASE("factorisation: ratings in another unit give the same model in that unit") {
  const auto objective = make_objective("matrix_completion");
  const Options options = options_for(*objective, 1);
  const double rmse = rmse_after(stars(), options, {{"rank", 4}});
  for (const double unit : {0.01, 20.0}) {
    CAPTURE(unit);
    CHECK(rmse_after(stars(unit), options, {{"rank", 4}}) / unit == doctest::Approx(rmse).epsilon(0.02));
  }
}

TEST_CASE("factorisation: biases alone do not explain products, nor products biases") {
  const Dataset data = stars();
  const auto objective = make_objective("matrix_completion");
  const Options options = options_for(*objective, 2);
  const double both = rmse_after(data, options, {{"rank", 2}});
  CHECK(rmse_after(data, options, {{"rank", 2}, {"biases", 0}}) > both);
  CHECK(
      train(data, *make_objective("matrix_completion", {{"rank", 3}, {"biases", 0}}), options).model.width ==
      8);
  CHECK(train(data, *make_objective("matrix_completion", {{"rank", 9}}), options).model.width == 17);
}

TEST_CASE("factorisation: weights that must not be negative are not") {
  const struct {
    std::string name;
    Objective::Parameters parameters;
  } cases[] = {{"matrix_completion", {{"non_negative", 1}, {"biases", 0}}}, {"matrix_completion_kl", {}}};
  const Dataset data = ratings([](double z) { return std::floor(3 * std::exp(z / 3)); });
  for (const auto& [name, parameters] : cases) {
    for (const std::size_t threads : {1, 3}) {
      CAPTURE(name);
      CAPTURE(threads);
      const auto objective = make_objective(name, parameters);
      const Trained trained = train(data, *objective, options_for(*objective, threads));
      CHECK(trained.report.rollbacks == 0);
      CHECK(trained.report.per_epoch.back().objective < 0.9 * trained.report.per_epoch.front().objective);
      if (threads == 1) CHECK(std::ranges::min(trained.model.weights) >= 0);
    }
  }
}

TEST_CASE("factorisation: what is not known is predicted without it") {
  const Dataset data = stars();
  const auto objective = make_objective("matrix_completion", {{"rank", 4}});
  const Model model = train(data, *objective, options_for(*objective, 1)).model;
  const auto fitted = make_objective(model.objective, model.parameters);
  Dataset::Columns parts;
  parts.offsets = {0, 0, 1, 2, 4};
  parts.indices = {3, 65, 3, 65};
  parts.values.assign(4, 1);
  parts.labels.assign(4, 0);
  const std::vector<float> out = predict(model, *fitted, Dataset(kUsers + kItems, std::move(parts)));
  const auto bias = [&](std::size_t c) { return model.weights[c * model.width + model.width - 1]; };
  const auto mean = static_cast<float>(model.parameters.at("mean"));
  CHECK(out[0] == mean);
  CHECK(out[1] == doctest::Approx(mean + bias(3)));
  CHECK(out[2] == doctest::Approx(mean + bias(65)));
  double product = 0;
  for (std::size_t k = 0; k < 8; ++k)
    product += double{model.weights[3 * model.width + k]} * model.weights[65 * model.width + k];
  CHECK(out[3] == doctest::Approx(mean + bias(3) + bias(65) + product));
}

TEST_CASE("factorisation: likes and dislikes") {
  const Dataset data = ratings([](double z) { return z > 0.3 ? 1 : -1; });
  const auto objective = make_objective("matrix_completion_logistic", {{"rank", 4}});
  for (const std::size_t threads : kThreadSweep) {
    CAPTURE(threads);
    Options options = options_for(*objective, threads);
    options.l2 = 0.005;
    CHECK(*train(data, *objective, options).report.training.accuracy > 0.93);
  }
}

TEST_CASE("factorisation: of implicit feedback, pairs that fit score higher") {
  // Users and items of two kinds, who meet their own; pair (0, kUsers) and (1, kUsers + 1) are left out.
  std::vector<std::pair<Coordinate, Coordinate>> pairs;
  for (Coordinate user = 0; user < kUsers; ++user) {
    for (Coordinate item = user % 2; item < kItems; item += 2) {
      if (user > 1 || item > 1) pairs.emplace_back(user, kUsers + item);
    }
  }
  const Dataset data = pairs_of(pairs, std::vector<float>(pairs.size(), 5));
  const auto objective = make_objective("matrix_completion_one_class", {{"rank", 4}});
  for (const std::size_t threads : kThreadSweep) {
    CAPTURE(threads);
    Options options = options_for(*objective, threads);
    options.block_rows = 150;  // negatives come from the block
    const Model model = train(data, *objective, options).model;
    const Dataset asked =
        pairs_of({{0, kUsers}, {0, kUsers + 1}, {1, kUsers + 1}, {1, kUsers}}, {1, 1, 1, 1});
    const std::vector<float> out = predict(model, *make_objective(model.objective, model.parameters), asked);
    CHECK(out[0] > out[1] + 0.4);
    CHECK(out[2] > out[3] + 0.4);
  }
}

TEST_CASE("factorisation: refuses what it cannot do") {
  const struct {
    std::string name;
    Objective::Parameters parameters;
    const char* message;
  } cases[] = {
      {"matrix_completion", {{"rank", 0}}, "rank = 0: must be a whole number from 1 to 4096"},
      {"matrix_completion", {{"rank", 2.5}}, "rank = 2.5: must be a whole number from 1 to 4096"},
      {"matrix_completion", {{"biases", 2}}, "biases = 2: must be 0 or 1"},
      {"matrix_completion", {{"sd", 0}}, "sd = 0: must be > 0"},
      {"matrix_completion_kl",
       {{"biases", 1}},
       "biases = 1: is no parameter of the objective matrix_completion_kl"},
      {"matrix_completion_one_class",
       {{"negative_weight", -1}},
       "negative_weight = -1: must be a number from 0 to 1000000"},
  };
  for (const auto& [name, parameters, message] : cases)
    CHECK(input_error_of([&] { make_objective(name, parameters); }) == message);
  const auto refused = [](const std::string& name, std::vector<float> labels) {
    return input_error_of([&] {
      train(pairs_of({{0, kUsers}, {1, kUsers}}, std::move(labels)), *make_objective(name), with_threads(1));
    });
  };
  CHECK(refused("matrix_completion", {3, 3}) == "every rating is 3: there is nothing to learn");
  CHECK(refused("matrix_completion_kl", {3, -1}) ==
        "row 1 (counted from 0): the label is -1, expected a number >= 0");
  CHECK(refused("matrix_completion_kl", {0, 0}) == "every rating is 0: there is nothing to learn");
}

TEST_CASE("factorisation: non-negative without biases is non-negative matrix factorisation, mean and all") {
  Random random(4);
  std::vector<std::pair<Coordinate, Coordinate>> pairs;
  std::vector<float> labels;
  std::vector<double> level;
  for (std::uint32_t c = 0; c < kUsers + kItems; ++c) level.push_back(random.uniform() + 0.01);
  for (Coordinate user = 0; user < kUsers; ++user)
    for (Coordinate item = kUsers; item < kUsers + kItems; ++item) {
      pairs.emplace_back(user, item);
      labels.push_back(static_cast<float>(10 * level[user] * level[item]));  // many far below the mean
    }
  const auto objective =
      make_objective("matrix_completion", {{"rank", 2}, {"non_negative", 1}, {"biases", 0}});
  for (const std::size_t threads : kThreadSweep) {
    CAPTURE(threads);
    Options options = options_for(*objective, threads, 100);
    options.l2 = 0;
    const Trained trained = train(pairs_of(pairs, labels), *objective, options);
    CHECK(*trained.report.training.rmse < 0.1);
    CHECK(std::ranges::all_of(trained.model.weights, [](float w) { return w >= 0; }));
  }
}

TEST_CASE("factorisation: what draws from its block is refused a few samples of it") {
  const auto objective = make_objective("matrix_completion_one_class");
  const auto refusal = [&](const auto& set) {
    Options options = options_for(*objective, 2, 1);
    set(options);
    return input_error_of([&] { train(stars(), *objective, options); });
  };
  CHECK(refusal([](Options&) {}).empty());
  CHECK(refusal([](Options& o) { o.block_rows = 128; }).empty());
  CHECK(refusal([](Options& o) { o.block_rows = 127; }) ==
        "block_rows = 127: must be >= 128, as matrix_completion_one_class draws from the samples of a block");
  for (const Discipline discipline : {Discipline::kLocked, Discipline::kOrdered}) {
    CHECK(refusal([&](Options& o) { o.discipline = discipline; }).ends_with("take atomic, or block_rows"));
    CHECK(refusal([&](Options& o) { o.discipline = discipline, o.block_rows = 200; }).empty());
  }
  CHECK(refusal([](Options& o) { o.discipline = Discipline::kExclusive; }).ends_with("take reproducible"));
  CHECK(refusal([](Options& o) { o.tau = 40; }).starts_with("tau = 40: must be >= 512"));
}

TEST_CASE("factorisation: negatives of an evaluation come from all of the data, in whatever order") {
  constexpr std::uint32_t kMany = 200;
  std::vector<std::pair<Coordinate, Coordinate>> pairs;
  for (Coordinate user = 0; user < kMany; ++user)
    for (Coordinate item = 0; item < kMany; ++item)
      if ((user + item) % 3 != 0) pairs.emplace_back(user, kMany + item);
  const auto data = [&] {
    return pairs_of(pairs, std::vector<float>(pairs.size(), 1), std::size_t{2} * kMany);
  };
  const auto objective = make_objective("matrix_completion_one_class", {{"rank", 4}});
  const Model model = train(data(), *objective, options_for(*objective, 1, 3)).model;
  const double by_user = evaluate(model, *objective, data()).loss;
  std::ranges::sort(pairs, {}, [](const auto& pair) { return pair.second; });
  CHECK(evaluate(model, *objective, data()).loss == doctest::Approx(by_user).epsilon(0.02));
}

TEST_CASE("factorisation: the same under AdaGrad, which knows the unit by its sums of squares") {
  const auto objective = make_objective("matrix_completion");
  Options options = options_for(*objective, 1);
  options.rule = Rule::kAdagrad;
  const double rmse = rmse_after(stars(), options, {{"rank", 4}});
  for (const double unit : {0.01, 20.0}) {
    CAPTURE(unit);
    CHECK(rmse_after(stars(unit), options, {{"rank", 4}}) / unit == doctest::Approx(rmse).epsilon(0.02));
  }
}

TEST_CASE("factorisation: counts in any unit, too, give the same under AdaGrad, no worse than under SGD") {
  const auto objective = make_objective("matrix_completion_kl", {{"rank", 4}});
  const auto loss_of = [&](double unit, Rule rule) {
    Options options = options_for(*objective, 1, 20);
    options.rule = rule;
    const Dataset data = ratings([&](double z) { return unit * std::floor(3 * std::exp(z / 3)); });
    return train(data, *objective, options).report.objective / unit;
  };
  const double sgd = loss_of(1, Rule::kSgd);
  for (const double unit : {0.01, 1.0, 1000.0}) {
    CAPTURE(unit);
    CHECK(loss_of(unit, Rule::kAdagrad) < 1.05 * sgd);
  }
}

TEST_CASE(
    "factorisation: a step on implicit feedback goes towards 1 and, less the regulariser, away from it") {
  constexpr double kNegative = 3;
  constexpr double kL2 = 0.5;
  constexpr float kTiny = 0x1p-14F;
  const auto objective =
      make_objective("matrix_completion_one_class", {{"rank", 1}, {"negative_weight", kNegative}});
  const std::size_t width = objective->width();  // the bias is last
  std::vector<float> weights(2 * width);
  weights[0] = 0.5F, weights[width - 1] = 0.5F;
  weights[width] = -0.75F, weights[2 * width - 1] = 0.125F;
  const std::vector<float> before = weights;
  const std::uint32_t positions[] = {0,
                                     static_cast<std::uint32_t>(width)};  // one item: it is the negative, too
  const float label = 1;
  objective->step({.offsets = {}, .pairs = 1, .positions = positions, .labels = &label},
                  {.weights = weights.data()}, {.size = kTiny, .l2 = kL2, .rows = 1});
  const double z = 0.5 * -0.75 + 0.5 + 0.125;
  const double slope = (z - 1) + kNegative * z;
  const auto moved = [&](std::size_t place) { return (double{weights[place]} - before[place]) / kTiny; };
  CHECK(moved(0) == doctest::Approx(-(slope * -0.75 + kL2 * 0.5)).epsilon(0.01));
  CHECK(moved(width) == doctest::Approx(-(slope * 0.5 + kL2 * -0.75)).epsilon(0.01));
  // Biases step 0.3 times as far, with half the regulariser.
  CHECK(moved(width - 1) == doctest::Approx(-0.3 * (slope + kL2 / 2 * 0.5)).epsilon(0.01));
  CHECK(moved(2 * width - 1) == doctest::Approx(-0.3 * (slope + kL2 / 2 * 0.125)).epsilon(0.01));
}

TEST_CASE("factorisation: every row is predicted alike, however many come before it") {
  constexpr std::size_t kRows = 10'000;  // several pieces of evaluate()
  const auto objective = make_objective("matrix_completion", {{"rank", 3}});
  Random random(1);
  Model model = zeros(*objective, kUsers + kItems);
  for (float& weight : model.weights) weight = static_cast<float>(random.gaussian());
  std::vector<std::pair<Coordinate, Coordinate>> pairs;
  for (std::size_t i = 0; i < kRows; ++i)
    pairs.emplace_back(random.below(kUsers), kUsers + static_cast<Coordinate>(random.below(kItems)));
  const std::vector<float> all = predict(model, *objective, pairs_of(pairs, std::vector<float>(kRows)));
  for (const std::size_t row : {0, 4095, 4096, 4097, 9999}) {
    CAPTURE(row);
    CHECK(all[row] == predict(model, *objective, pairs_of({pairs[row]}, {0}))[0]);
  }
}

TEST_CASE("factorisation: of an evaluation, a whole weight counts like repeated rows, also of a negative") {
  const auto objective = make_objective("matrix_completion_one_class", {{"rank", 1}});
  Model model = zeros(*objective, 4);
  for (std::size_t c = 0; c < 4; ++c) model.weights[c * model.width] = 0.5F + static_cast<float>(c);
  const Dataset two = pairs_of({{0, 3}, {1, 3}}, {1, 1}, 4);  // one item, so draws have no choice
  const Dataset four = pairs_of({{0, 3}, {0, 3}, {0, 3}, {1, 3}}, {1, 1, 1, 1}, 4);
  CHECK(evaluate(model, *objective, two.with_weights({3, 1})).loss ==
        doctest::Approx(evaluate(model, *objective, four).loss));
}

TEST_CASE("factorisation: every visit draws other negatives") {
  constexpr std::uint32_t kMany = 64;
  const auto objective = make_objective("matrix_completion_one_class", {{"rank", 1}});
  const auto width = static_cast<std::uint32_t>(objective->width());
  std::vector<std::uint32_t> positions;
  for (std::uint32_t i = 1; i <= kMany; ++i) positions.insert(positions.end(), {0, i * width});
  const std::vector<float> labels(kMany, 1);
  const auto stepped = [&](double samples_before) {
    std::vector<float> weights((kMany + 1) * width, 0.25F);
    objective->step({.offsets = {}, .pairs = kMany, .positions = positions.data(), .labels = labels.data()},
                    {.weights = weights.data()}, {.size = 0.1F, .rows = kMany, .before = samples_before});
    return weights;
  };
  CHECK(stepped(0) == stepped(0));
  CHECK(stepped(0) != stepped(kMany));
}

TEST_CASE("factorisation: negatives come from the items of rows far away, too") {
  constexpr std::size_t kEach = 5000;  // rows of one user and one item, more than a piece of an evaluation
  const auto objective = make_objective("matrix_completion_one_class", {{"rank", 2}, {"biases", 0}});
  Model model = zeros(*objective, 4);
  for (const std::size_t c : {0, 2}) model.weights[c * model.width] = 1;      // fit each other,
  for (const std::size_t c : {1, 3}) model.weights[c * model.width + 1] = 1;  // and so do these
  std::vector<std::pair<Coordinate, Coordinate>> pairs(kEach, {0, 2});
  pairs.insert(pairs.end(), kEach, {1, 3});
  const Dataset data = pairs_of(pairs, std::vector<float>(2 * kEach, 1), 4);
  // Of half the negatives the output is 1, and costs 1 / 2.
  CHECK(evaluate(model, *objective, data).loss == doctest::Approx(0.25).epsilon(0.05));
}

TEST_CASE("factorisation: mean and spread of labels count a whole weight as repeated rows") {
  const std::vector<std::pair<Coordinate, Coordinate>> pairs{{0, kUsers}, {1, kUsers + 1}, {2, kUsers}};
  const Spread weighted = spread_of_labels(pairs_of(pairs, {1, 4, 7}).with_weights({3, 1, 0}));
  const Spread repeated = spread_of_labels(pairs_of({pairs[0], pairs[0], pairs[0], pairs[1]}, {1, 1, 1, 4}));
  CHECK(weighted.mean == doctest::Approx(repeated.mean));
  CHECK(weighted.deviation == doctest::Approx(repeated.deviation));
}
