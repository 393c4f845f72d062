#include <fmt/format.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "engine/arena.h"
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

struct Listed {
  std::string user;
  bool known = true;
  std::vector<Recommendation> best;
};

// Whom the flags name, or all users of the model, without their recommendations.
std::vector<Listed> listed(const RecommendFlags& flags, const Model& model, const Ids& known) {
  std::vector<Listed> users;
  for (const std::string& name : flags.users.empty() ? model.names[0] : flags.users)
    users.push_back({.user = name, .known = known.find(name).has_value(), .best = {}});
  return users;
}

Json json_of(const Model& model, const Listed& listed) {
  Json items = Json::array();
  for (const auto& [item, prediction] : listed.best)
    items.push_back({{"item", model.names[1][item]}, {"prediction", prediction}});
  return {{"user", listed.user}, {"known", listed.known}, {"items", std::move(items)}};
}

std::string lines_of(const Model& model, const Listed& listed) {
  std::string text;
  for (const auto& [item, prediction] : listed.best)
    text += fmt::format("{}\t{}\t{}\n", in_one_column(listed.user), in_one_column(model.names[1][item]),
                        prediction);
  return text;
}

std::string paragraph_of(const Model& model, const Listed& listed) {
  std::string text = fmt::format("user {}\n", listed.user);
  for (const auto& [item, prediction] : listed.best)
    text += fmt::format("  {:<8.6g}  {}\n", prediction, model.names[1][item]);
  return text;
}

// What `of` says of all of them.
template <class Of>
std::string text_of(const Model& model, const std::vector<Listed>& users, Of&& of) {
  std::string text;
  for (const Listed& user : users) text += of(model, user);
  return text;
}

}  // namespace

int run(const RecommendFlags& flags, Interrupts& interrupts) {
  const Model model = load_model(flags.model);
  const auto objective = objective_of(model, flags.model);
  if (catalogue_row(model.objective).format != SampleFormat::kRatings)
    throw InputError({flags.model},
                     fmt::format("found a model of {}, expected one of ratings", model.objective));
  const Recommender recommender(model, *objective);
  const Ids known(model.names[0]);
  std::vector<Listed> users = listed(flags, model, known);
  for (const Listed& user : users)
    if (!user.known)
      complain(fmt::format("user {} was not in the training data: what all users like", user.user));
  Arena arena(flags.options);
  parallel_on(arena)(users.size(), [&](std::size_t u) {
    users[u].best = recommender.best(known.find(users[u].user), flags.top, flags.include_seen);
  });

  const Interrupts::Hold hold(interrupts);
  if (!flags.output.empty()) write_file(flags.output, text_of(model, users, lines_of));
  if (!flags.json.empty()) {
    Json all = Json::array();
    for (const Listed& user : users) all.push_back(json_of(model, user));
    write_file(flags.json, json_text(Json{{"model", flags.model}, {"users", std::move(all)}}));
  }
  if (!flags.users.empty() && flags.json != kStandardOutput && flags.output != kStandardOutput)
    say(text_of(model, users, paragraph_of));
  return interrupts.exit_code();
}

}  // namespace sounder
