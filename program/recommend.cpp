#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/evaluate.h"
#include "io/error.h"
#include "io/ids.h"
#include "io/json_text.h"
#include "io/model_file.h"
#include "io/output.h"
#include "objectives/catalogue.h"
#include "objectives/model_objective.h"
#include "program/commands.h"

namespace sounder {
namespace {

using Json = nlohmann::ordered_json;

struct Recommendation {
  std::uint32_t item;
  float prediction;
};

// What a model says of users and items; it must outlive this.
class Recommender {
 public:
  Recommender(const Model& model, const std::string& path) : model_(model) {
    if (catalogue_row(model.objective).format != SampleFormat::kRatings || model.names.size() != 2)
      throw InputError({path}, fmt::format("found a model of {}, expected one of ratings", model.objective));
    objective_ = objective_of(model, path);
    users_ = Ids(model.names[0]);
    popularity_.resize(model.names[1].size());
    for (const auto& items : model.seen) {
      for (const std::uint32_t item : items) ++popularity_[item];
    }
  }

  std::optional<std::uint32_t> user(const std::string& name) const { return users_.find(name); }
  const std::string& item(std::uint32_t number) const { return model_.names[1][number]; }

  // The best first; ties by how many rated the item in training. Of an unknown user, what is known without one.
  std::vector<Recommendation> best(std::optional<std::uint32_t> user, std::size_t count,
                                   bool with_seen) const {
    const std::vector<std::uint32_t> items = candidates(with_seen ? std::nullopt : user);
    const std::vector<float> predictions = predict(model_, *objective_, pairs(user, items));
    std::vector<Recommendation> all;
    for (std::size_t i = 0; i < items.size(); ++i) all.push_back({items[i], predictions[i]});
    const auto before = [&](const Recommendation& a, const Recommendation& b) {
      if (a.prediction != b.prediction) return a.prediction > b.prediction;
      return std::pair(popularity_[b.item], a.item) < std::pair(popularity_[a.item], b.item);
    };
    const auto shown = static_cast<std::ptrdiff_t>(std::min(count, all.size()));
    std::partial_sort(all.begin(), all.begin() + shown, all.end(), before);
    all.erase(all.begin() + shown, all.end());
    return all;
  }

 private:
  // All items but those that the user rated in training.
  std::vector<std::uint32_t> candidates(std::optional<std::uint32_t> user) const {
    std::vector<bool> out(model_.names[1].size());
    if (user && *user < model_.seen.size()) {
      for (const std::uint32_t item : model_.seen[*user]) out[item] = true;
    }
    std::vector<std::uint32_t> items;
    for (std::uint32_t item = 0; item < out.size(); ++item) {
      if (!out[item]) items.push_back(item);
    }
    return items;
  }

  Dataset pairs(std::optional<std::uint32_t> user, const std::vector<std::uint32_t>& items) const {
    Dataset::Columns parts;
    for (const std::uint32_t item : items) {
      if (user) parts.indices.push_back(*user);
      parts.indices.push_back(static_cast<Coordinate>(model_.names[0].size() + item));
      parts.offsets.push_back(parts.indices.size());
    }
    parts.values.assign(parts.indices.size(), 1);
    parts.labels.assign(items.size(), 0);
    return Dataset(model_.dimension, std::move(parts));
  }

  const Model& model_;
  std::unique_ptr<Objective> objective_;
  Ids users_;
  std::vector<std::uint32_t> popularity_;
};

Json json_of(const Recommender& recommender, const std::string& user, bool known,
             const std::vector<Recommendation>& best) {
  Json items = Json::array();
  for (const auto& [item, prediction] : best)
    items.push_back({{"item", recommender.item(item)}, {"prediction", prediction}});
  return {{"user", user}, {"known", known}, {"items", std::move(items)}};
}

std::string describe(const Recommender& recommender, const std::string& user,
                     const std::vector<Recommendation>& best) {
  std::string text = fmt::format("user {}\n", user);
  for (const auto& [item, prediction] : best)
    text += fmt::format("  {:<8.6g}  {}\n", prediction, recommender.item(item));
  return text;
}

}  // namespace

int run(const RecommendFlags& flags, Interrupts& interrupts) {
  const Model model = load_model(flags.model);
  const Recommender recommender(model, flags.model);
  Json users = Json::array();
  std::string text;
  for (const std::string& name : flags.users) {
    const auto user = recommender.user(name);
    if (!user) complain(fmt::format("user {} was not in the training data: what all users like", name));
    const auto best = recommender.best(user, flags.top, flags.include_seen);
    users.push_back(json_of(recommender, name, user.has_value(), best));
    text += describe(recommender, name, best);
  }
  const Interrupts::Hold hold(interrupts);
  if (!flags.json.empty()) write_file(flags.json, json_text(Json{{"model", flags.model}, {"users", users}}));
  if (flags.json != kStandardOutput) say(text);
  return interrupts.exit_code();
}

}  // namespace sounder
