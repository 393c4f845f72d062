#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "io/dataset.h"
#include "io/model.h"
#include "io/parallel.h"
#include "objectives/objective.h"

namespace sounder {

struct Recommendation {
  std::uint32_t item;
  float prediction;
};

// What a model of ratings says of users and items, by their places in Model::names. Model and objective must outlive
// it. Thread-safe.
class Recommender {
 public:
  // Throws InputError for a model that does not name users and items, is not of that objective, or whose `seen` is not
  // as io/model.h has it.
  Recommender(const Model& model, const Objective& objective);

  std::size_t users() const { return model_.names[0].size(); }
  std::size_t items() const { return model_.names[1].size(); }
  bool has_seen(std::uint32_t user, std::uint32_t item) const;

  // The `count` items, or all if there are fewer, of the highest predictions for a user, best first; of equal ones
  // those come first that more users rated in training. Without a user, by what the model knows of items alone. Items
  // that the user rated in training are left out, unless `with_seen`. Throws InputError for a user that is not below
  // users().
  std::vector<Recommendation> best(std::optional<std::uint32_t> user, std::size_t count,
                                   bool with_seen = false) const;

 private:
  std::vector<std::uint32_t> candidates(std::optional<std::uint32_t> user) const;
  Dataset pairs(std::optional<std::uint32_t> user, std::span<const std::uint32_t> items) const;

  const Model& model_;
  const Objective& objective_;
  std::vector<std::uint32_t> popularity_;
};

// How the first `top` recommendations for each user do, in the mean of the users who have anything to find: items in
// the data that were not theirs in training.
struct Ranking {
  std::size_t top = 0;
  std::uint64_t users = 0;
  double precision = 0;  // the share of the recommendations that is found
  double recall = 0;     // the share of what there is to find
  // 1 / log2(place + 1) for each that is found, over the most there could be (Järvelin, Kekäläinen, 2002).
  double ndcg = 0;
};

// Counts as found are pairs of the data with a label above `above`, or all if that is unset; pairs of a user or an item
// that the model does not know are left out. Costs a prediction for each item and user. Throws InputError if `top` is
// 0.
Ranking rank_held_out(const Recommender& recommender, const Dataset& data, std::optional<float> above,
                      std::size_t top, const ParallelFor& parallel = run_serially);

}  // namespace sounder
