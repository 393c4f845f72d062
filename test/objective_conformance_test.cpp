// What every objective of the catalogue keeps, checked through the public interface alone: a new row is
// tested without an edit here.
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "io/random.h"
#include "objectives/catalogue.h"
#include "test/support.h"

using namespace sounder;
using namespace sounder::test;

namespace {

// One sample x = (1), whose margin is the weight plus the bias.
struct OneSample {
  float label;
  float weight = 1;
  float value = 1;
  float squared_norm = value * value;
  std::uint64_t offsets[2] = {0, 1};
  std::uint16_t position = 0;

  Samples samples() const {
    return {.offsets = offsets,
            .positions = &position,
            .values = &value,
            .labels = &label,
            .weights = &weight,
            .squared_norms = &squared_norm};
  }
};

double value_of(const Objective& objective, float margin, float label) {
  const OneSample one{label};
  return objective.evaluate(one.samples(), {.weights = &margin}).loss;
}

// What a step of size `reach` / (|x|^2 + 1) multiplies the sample with: it moves a bias of 0 by minus that.
float moved_slope_of(const Objective& objective, float margin, float label, float reach) {
  OneSample one{label};
  one.squared_norm = reach - 1;
  float bias = 0;
  objective.step(one.samples(), {.weights = &margin, .bias = &bias}, {.size = 1});
  return -bias;
}

// The same for a step so small that it does not matter whether the slope is taken before it or after it.
float slope_of(const Objective& objective, float margin, float label) {
  constexpr float kTiny = 0x1p-40F;
  const OneSample one{label};
  float bias = 0;
  objective.step(one.samples(), {.weights = &margin, .bias = &bias}, {.size = kTiny});
  return -bias / kTiny;
}

std::vector<float> labels_for(const Objective& objective) {
  if (objective.labels() == LabelKind::kTwoClass) return {-1, 1};
  return {-2.5F, -1, 0, 1, 3};
}

// Margins k/8 - 1/16 lie on both sides of any kink at a multiple of 1/8, or a tenth from one, where the catalogue has them.
std::vector<float> smooth_margins() {
  std::vector<float> margins{-1e4F, -1e3F, -100, -30, -10, 10, 30, 100, 1e3F, 1e4F};
  for (int k = -48; k <= 48; ++k) margins.push_back(static_cast<float>(k) / 8 - 0.0625F);
  return margins;
}

template <class Body>
void for_each_loss(Body&& body) {
  for (const CatalogueRow& row : linear_catalogue()) {
    CAPTURE(row.name);
    const auto objective = row.make({});
    REQUIRE(objective->name() == row.name);
    for (const float label : labels_for(*objective)) {
      CAPTURE(label);
      body(*objective, label);
    }
  }
}

// Random rows over `dimension` coordinates, with positions of both widths.
struct ManySamples {
  ManySamples(std::size_t rows, std::size_t dimension, const Objective& objective, std::uint64_t seed) {
    Random random(seed);
    const std::vector<float> choices = labels_for(objective);
    for (std::size_t i = 0; i < rows; ++i) {
      for (std::size_t c = 0; c < dimension; ++c) {
        if (random.uniform() > 0.4) continue;
        wide.push_back(static_cast<std::uint32_t>(c));
        narrow.push_back(static_cast<std::uint16_t>(c));
        values.push_back(static_cast<float>(random.gaussian()));
      }
      squared_norms.push_back(0);
      for (std::size_t k = offsets.back(); k < values.size(); ++k)
        squared_norms.back() += values[k] * values[k];
      offsets.push_back(values.size());
      labels.push_back(choices[random.below(choices.size())]);
      weights.push_back(static_cast<float>(random.below(4)) / 2);
    }
  }

  Samples samples(bool use_narrow) const {
    Samples all{.offsets = offsets,
                .positions = wide.data(),
                .values = values.data(),
                .labels = labels.data(),
                .weights = weights.data(),
                .squared_norms = squared_norms.data()};
    if (use_narrow) all.positions = narrow.data();
    return all;
  }
  double margin(std::size_t i, const std::vector<double>& w, double bias) const {
    double sum = bias;
    for (std::size_t k = offsets[i]; k < offsets[i + 1]; ++k) sum += w[wide[k]] * double{values[k]};
    return sum;
  }

  std::vector<std::uint64_t> offsets{0};
  std::vector<std::uint16_t> narrow;
  std::vector<std::uint32_t> wide;
  std::vector<float> values, labels, weights, squared_norms;
};

constexpr std::size_t kDimension = 30;

std::vector<float> random_weights(std::uint64_t seed) {
  Random random(seed);
  std::vector<float> weights(kDimension);
  for (float& w : weights) w = static_cast<float>(random.gaussian());
  return weights;
}

}  // namespace

TEST_CASE("objectives: the slope is the finite difference of the value") {
  for_each_loss([](const Objective& objective, float label) {
    for (const float z : smooth_margins()) {
      CAPTURE(z);
      const float h = std::exp2(std::floor(std::log2(std::fmax(1.0F, std::fabs(z)))) - 10);
      const double ahead = value_of(objective, z + h, label);
      const double behind = value_of(objective, z - h, label);
      const double difference = (ahead - behind) / (double{z + h} - double{z - h});
      CHECK(std::fabs(slope_of(objective, z, label) - difference) <= 2e-6 * (1 + std::fabs(difference)));
    }
  });
}

TEST_CASE("objectives: the slope is a subgradient everywhere, kinks included, of a convex value") {
  std::vector<float> margins = smooth_margins();
  for (int k = -48; k <= 48; ++k) margins.push_back(static_cast<float>(k) / 8);
  for_each_loss([&](const Objective& objective, float label) {
    for (const float a : margins) {
      const double value = value_of(objective, a, label);
      const double slope = slope_of(objective, a, label);
      for (const float b : margins) {
        const double reached = value_of(objective, b, label);
        const double bound = value + slope * (double{b} - a);
        const double rounding = 1e-6 * (1 + std::fabs(value) + std::fabs(slope * (double{b} - a)));
        if (reached >= bound - rounding) continue;
        CAPTURE(a);
        CAPTURE(b);
        CHECK(reached >= bound);
      }
    }
  });
}

TEST_CASE("objectives: value and slope are finite up to margins of 1e30") {
  for_each_loss([](const Objective& objective, float label) {
    for (const float size : {0.0F, 1e-40F, 1e-30F, 80.0F, 90.0F, 104.0F, 1e5F, 1e10F, 1e20F, 1e30F}) {
      for (const float z : {-size, size}) {
        CAPTURE(z);
        CHECK(std::isfinite(value_of(objective, z, label)));
        CHECK(value_of(objective, z, label) >= 0);
        CHECK(std::isfinite(slope_of(objective, z, label)));
      }
    }
    CHECK(std::isnan(value_of(objective, std::nanf(""), label)));  // of no number it is no loss of 0
  });
}

TEST_CASE("objectives: a weight multiplies loss and step, and a weight of zero moves nothing") {
  for_each_loss([](const Objective& objective, float label) {
    for (const float weight : {0.0F, 1.0F, 2.0F, 0.25F}) {
      for (const float start : {-5.0F, -0.0F, 0.4F, 2.0F}) {
        CAPTURE(weight);
        CAPTURE(start);
        const OneSample one{label, weight};
        const Evaluation sum = objective.evaluate(one.samples(), {.weights = &start});
        CHECK(sum.loss == weight * value_of(objective, start, label));
        CHECK(sum.weight == weight);
        CHECK(sum.hits == ((start > 0) == (label > 0) ? weight : 0));
        CHECK(sum.squared_error == doctest::Approx(weight * std::pow(double{start} - label, 2)));
        CHECK(sum.absolute_error == doctest::Approx(weight * std::fabs(double{start} - label)));
        float moved = start;
        float bias = 0;
        objective.step(one.samples(), {.weights = &moved, .bias = &bias}, {.size = 0.5F});
        const float change = -0.5F * weight * moved_slope_of(objective, start, label, 0.5F * weight * 2);
        CHECK(bias == doctest::Approx(change));
        CHECK(moved == doctest::Approx(start + change));
        if (weight == 0) CHECK((bias == 0 && moved == start));
      }
    }
  });
}

TEST_CASE("objectives: a step is taken along the values, by the margin with bias and scale") {
  for_each_loss([](const Objective& objective, float label) {
    for (const float bias : {-1.5F, 0.25F, 4.0F}) {
      const OneSample one{label, 1, 2};
      const float margin = 0.5F * 2 * 0.75F + bias;
      float moved = 0.75F;
      float moved_bias = bias;
      objective.step(one.samples(), {.weights = &moved, .bias = &moved_bias},
                     {.size = 0.125F, .scale = 0.5F});
      const float change = -0.125F * moved_slope_of(objective, margin, label, 0.125F * 5);
      CHECK(moved == doctest::Approx(0.75F + change * 2 / 0.5F));
      CHECK(moved_bias == doctest::Approx(bias + change));
    }
  });
}

TEST_CASE("objectives: a safe slope has the sign of the one before, and no larger step is worse") {
  for_each_loss([](const Objective& objective, float label) {
    for (const float z : smooth_margins()) {
      for (const float reach : {1e-3F, 0.5F, 4.0F, 1e6F}) {
        CAPTURE(z);
        CAPTURE(reach);
        const float slope = slope_of(objective, z, label);
        const float moved = moved_slope_of(objective, z, label, reach);
        if (moved == slope) continue;  // taken before the move, as it may be
        CHECK(moved * slope >= 0);
        CHECK(std::fabs(moved) <= std::fabs(slope) * 1.0001F);
        const double value = value_of(objective, z, label);
        CHECK(value_of(objective, z - reach * moved, label) <= value * (1 + 1e-6));
        if (reach == 1e-3F) CHECK(moved == doctest::Approx(slope).epsilon(0.01));
      }
    }
  });
}

TEST_CASE("objectives: 16-bit and 32-bit positions give the same bits, and predictions are margins") {
  for (const CatalogueRow& row : linear_catalogue()) {
    CAPTURE(row.name);
    const auto objective = row.make({});
    const ManySamples many(40, kDimension, *objective, 5);
    std::vector<float> results[2];
    for (const bool narrow : {false, true}) {
      std::vector<float> weights = random_weights(6);
      float bias = 0.5F;
      objective->step(many.samples(narrow), {.weights = weights.data(), .bias = &bias},
                      {.size = 0.1F, .scale = 0.5F, .shrink = 0.99F});
      std::vector<float>& all = results[narrow ? 1 : 0];
      all.resize(40);
      objective->predict(many.samples(narrow), {.weights = weights.data(), .bias = &bias, .scale = 0.5F},
                         all);
      std::vector<double> w(weights.begin(), weights.end());
      for (double& x : w) x *= 0.5;
      for (std::size_t i = 0; i < 40; ++i)
        CHECK(all[i] == doctest::Approx(many.margin(i, w, bias)).epsilon(1e-5));
      all.insert(all.end(), weights.begin(), weights.end());
      all.push_back(bias);
    }
    CHECK(std::memcmp(results[0].data(), results[1].data(), results[0].size() * sizeof(float)) == 0);
  }
}

TEST_CASE("objectives: the scaled form is w <- w / (1 + eta l2) - eta weight slope x") {
  constexpr double kEta = 0.05;
  constexpr double kL2 = 0.3;
  for (const CatalogueRow& row : linear_catalogue()) {
    CAPTURE(row.name);
    const auto objective = row.make({});
    const ManySamples many(60, kDimension, *objective, 7);
    std::vector<float> scaled = random_weights(8);
    std::vector<double> w(scaled.begin(), scaled.end());
    for (double& x : w) x *= 0.5;
    float scaled_bias = 0.25F;
    double bias = 0.25;
    for (std::size_t i = 0; i < many.labels.size(); ++i) {
      const double eta = kEta * many.weights[i];
      const double slope =
          moved_slope_of(*objective, static_cast<float>(many.margin(i, w, bias)), many.labels[i],
                         static_cast<float>(eta * (many.squared_norms[i] + 1)));
      for (double& x : w) x /= 1 + kEta * kL2;
      for (std::size_t k = many.offsets[i]; k < many.offsets[i + 1]; ++k)
        w[many.wide[k]] -= eta * slope * many.values[k];
      bias -= eta * slope;
    }
    const auto shrink = 1 / (1 + kEta * kL2);
    objective->step(many.samples(true), {.weights = scaled.data(), .bias = &scaled_bias},
                    {.size = static_cast<float>(kEta), .scale = 0.5F, .shrink = shrink});
    const double scale = 0.5 * std::pow(shrink, 60);
    for (std::size_t c = 0; c < kDimension; ++c) CHECK(std::fabs(scale * scaled[c] - w[c]) < 1e-4);
    CHECK(std::fabs(scaled_bias - bias) < 1e-4);
  }
}

TEST_CASE("objectives: the formulas at points worked out by hand") {
  const struct {
    const char* name;
    float margin, label;
    double value, slope;
  } cases[] = {
      {"hinge", 0.25F, 1, 0.75, -1},
      {"hinge", 0.25F, -1, 1.25, 1},
      {"hinge", 1, 1, 0, 0},
      {"squared_hinge", 0.5F, 1, 0.25, -1},
      {"squared_hinge", 2, -1, 9, 6},
      {"logistic", 0, 1, 0.6931471805599453, -0.5},
      {"logistic", -50, 1, 50, -1},
      {"least_squares", 3, 1, 2, 2},
      {"huber", 0.5F, 0, 0.125, 0.5},
      {"huber", -3, 1, 3.5, -1},
      {"quantile", 3, 1, 1, 0.5},
      {"quantile", -3, 1, 2, -0.5},
      {"quantile", 1, 1, 0, 0},
      {"epsilon_insensitive", 3, 1, 1.9, 1},
      {"epsilon_insensitive", -3, 1, 3.9, -1},
      {"epsilon_insensitive", 1.0625F, 1, 0, 0},
      {"squared_epsilon_insensitive", 3, 1, 3.61, 3.8},
      {"squared_epsilon_insensitive", -3, 1, 15.21, -7.8},
  };
  for (const auto& [name, margin, label, value, slope] : cases) {
    CAPTURE(name);
    const auto objective = make_objective(name);
    CHECK(value_of(*objective, margin, label) == doctest::Approx(value));
    CHECK(slope_of(*objective, margin, label) == doctest::Approx(slope));
  }
}
