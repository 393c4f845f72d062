#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/recommend.h"
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

Json json_of(const Model& model, const std::string& user, bool known,
             const std::vector<Recommendation>& best) {
  Json items = Json::array();
  for (const auto& [item, prediction] : best)
    items.push_back({{"item", model.names[1][item]}, {"prediction", prediction}});
  return {{"user", user}, {"known", known}, {"items", std::move(items)}};
}

std::string describe(const Model& model, const std::string& user, const std::vector<Recommendation>& best) {
  std::string text = fmt::format("user {}\n", user);
  for (const auto& [item, prediction] : best)
    text += fmt::format("  {:<8.6g}  {}\n", prediction, model.names[1][item]);
  return text;
}

}  // namespace

int run(const RecommendFlags& flags, Interrupts& interrupts) {
  const Model model = load_model(flags.model);
  if (catalogue_row(model.objective).format != SampleFormat::kRatings)
    throw InputError({flags.model},
                     fmt::format("found a model of {}, expected one of ratings", model.objective));
  const auto objective = objective_of(model, flags.model);
  const Recommender recommender(model, *objective);
  const Ids known(model.names[0]);
  Json users = Json::array();
  std::string text;
  for (const std::string& name : flags.users) {
    const auto user = known.find(name);
    if (!user) complain(fmt::format("user {} was not in the training data: what all users like", name));
    const auto best = recommender.best(user, flags.top, flags.include_seen);
    users.push_back(json_of(model, name, user.has_value(), best));
    text += describe(model, name, best);
  }
  const Interrupts::Hold hold(interrupts);
  if (!flags.json.empty()) write_file(flags.json, json_text(Json{{"model", flags.model}, {"users", users}}));
  if (flags.json != kStandardOutput) say(text);
  return interrupts.exit_code();
}

}  // namespace sounder
