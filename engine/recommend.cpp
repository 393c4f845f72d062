#include "engine/recommend.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <utility>

#include "engine/evaluate.h"
#include "io/error.h"

namespace sounder {
namespace {

// Of a place, counted from 0.
double gain(std::size_t place) {
  return 1 / std::log2(static_cast<double>(place) + 2);
}

// By user, in order, each item once.
std::vector<std::vector<std::uint32_t>> to_find(const Recommender& recommender, const Dataset& data,
                                                std::optional<float> above) {
  const std::size_t users = recommender.users();
  std::vector<std::vector<std::uint32_t>> items(users);
  for (std::size_t i = 0; i < data.rows(); ++i) {
    const Row row = data.row(i);
    const bool known = row.support.size() == 2 && row.support[0] < users && row.support[1] >= users &&
                       row.support[1] < users + recommender.items();
    if (!known || (above && !(row.label > *above))) continue;
    const auto item = static_cast<std::uint32_t>(row.support[1] - users);
    if (!recommender.has_seen(row.support[0], item)) items[row.support[0]].push_back(item);
  }
  for (auto& of_user : items) {
    std::ranges::sort(of_user);
    of_user.erase(std::unique(of_user.begin(), of_user.end()), of_user.end());
  }
  return items;
}

Ranking ranking_of(const std::vector<Recommendation>& best, const std::vector<std::uint32_t>& wanted,
                   std::size_t top) {
  double found = 0;
  double gained = 0;
  double most = 0;
  for (std::size_t place = 0; place < best.size(); ++place) {
    if (!std::ranges::binary_search(wanted, best[place].item)) continue;
    ++found;
    gained += gain(place);
  }
  for (std::size_t place = 0; place < std::min(top, wanted.size()); ++place) most += gain(place);
  return {.top = top,
          .users = 1,
          .precision = found / static_cast<double>(top),
          .recall = found / static_cast<double>(wanted.size()),
          .ndcg = gained / most};
}

}  // namespace

Recommender::Recommender(const Model& model, const Objective& objective)
    : model_(model), objective_(objective) {
  require_same(model, objective);
  if (model.names.size() != 2 || model.names[0].size() + model.names[1].size() != model.dimension)
    throw InputError("found a model of " + model.objective +
                     ", expected one of ratings, with users and items");
  if (!model.seen.empty() && model.seen.size() != users())
    throw InputError(
        fmt::format("found what {} users rated, expected {}, or nothing", model.seen.size(), users()));
  popularity_.resize(model.names[1].size());
  for (const auto& items : model.seen) {
    if (std::ranges::adjacent_find(items, std::greater_equal{}) != items.end())
      throw InputError(fmt::format("found items that user {} rated out of order: they must be increasing",
                                   &items - model.seen.data()));
    for (const std::uint32_t item : items) {
      if (item >= popularity_.size())
        throw InputError(fmt::format("found item {} among what users rated, expected less than {}", item,
                                     popularity_.size()));
      ++popularity_[item];
    }
  }
}

bool Recommender::has_seen(std::uint32_t user, std::uint32_t item) const {
  return user < model_.seen.size() && std::ranges::binary_search(model_.seen[user], item);
}

std::vector<Recommendation> Recommender::best(std::optional<std::uint32_t> user, std::size_t count,
                                              bool with_seen) const {
  constexpr std::size_t kPart = 1024;  // in memory that malloc has at hand
  if (user && *user >= users())
    throw InputError(fmt::format("user = {}: must be less than {}, the model's", *user, users()));
  const std::vector<std::uint32_t> items = candidates(with_seen ? std::nullopt : user);
  std::vector<Recommendation> all;
  all.reserve(items.size());
  for (std::size_t first = 0; first < items.size(); first += kPart) {
    const auto part = std::span(items).subspan(first, std::min(kPart, items.size() - first));
    const std::vector<float> predictions = predict(model_, objective_, pairs(user, part));
    for (std::size_t i = 0; i < part.size(); ++i) all.push_back({part[i], predictions[i]});
  }
  const auto before = [&](const Recommendation& a, const Recommendation& b) {
    if (a.prediction != b.prediction) return a.prediction > b.prediction;
    return std::pair(popularity_[b.item], a.item) < std::pair(popularity_[a.item], b.item);
  };
  const auto shown = static_cast<std::ptrdiff_t>(std::min(count, all.size()));
  std::partial_sort(all.begin(), all.begin() + shown, all.end(), before);
  all.erase(all.begin() + shown, all.end());
  return all;
}

// All items but those that the user rated in training.
std::vector<std::uint32_t> Recommender::candidates(std::optional<std::uint32_t> user) const {
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

Dataset Recommender::pairs(std::optional<std::uint32_t> user, std::span<const std::uint32_t> items) const {
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

Ranking rank_held_out(const Recommender& recommender, const Dataset& data, std::optional<float> above,
                      std::size_t top, const ParallelFor& parallel) {
  if (top == 0) throw InputError("top = 0: must be >= 1");
  const std::vector<std::vector<std::uint32_t>> wanted = to_find(recommender, data, above);
  std::vector<Ranking> of_users(wanted.size());
  parallel(wanted.size(), [&](std::size_t user) {
    if (wanted[user].empty()) return;
    of_users[user] = ranking_of(recommender.best(static_cast<std::uint32_t>(user), top), wanted[user], top);
  });
  Ranking mean{.top = top};
  for (const Ranking& of_user : of_users) {
    mean.users += of_user.users;
    mean.precision += of_user.precision;
    mean.recall += of_user.recall;
    mean.ndcg += of_user.ndcg;
  }
  const double users = std::max(1.0, static_cast<double>(mean.users));
  mean.precision /= users;
  mean.recall /= users;
  mean.ndcg /= users;
  return mean;
}

}  // namespace sounder
