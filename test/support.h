#pragma once

#include <stdlib.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <functional>
#include <numeric>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "engine/options.h"
#include "io/dataset.h"
#include "io/error.h"
#include "io/model.h"
#include "io/parallel.h"
#include "objectives/catalogue.h"
#include "objectives/objective.h"

namespace sounder::test {

// How often a case that starts no thread tries something at random: ThreadSanitizer makes each throw a hundred times as dear,
// and has nothing to find there.
constexpr std::size_t tries(std::size_t count) {
#ifdef __SANITIZE_THREAD__
  return count / 20;
#else
  return count;
#endif
}

// For `* doctest::skip(kUnderTsan)`: cases that train on one thread, where ThreadSanitizer has nothing to find, or whose threads
// are those of a cheaper case beside them.
#ifdef __SANITIZE_THREAD__
inline constexpr bool kUnderTsan = true;
#else
inline constexpr bool kUnderTsan = false;
#endif

// Thread counts that every concurrent case runs with; 1 comes first and proves the case itself. What ThreadSanitizer finds, it
// finds on fewer of them.
#ifdef __SANITIZE_THREAD__
inline constexpr std::size_t kThreadSweep[] = {2, 3, 8};
#else
inline constexpr std::size_t kThreadSweep[] = {1, 2, 3, 4, 8};
#endif

inline Options with_threads(std::size_t threads) {
  Options options;
  options.threads = static_cast<int>(threads);
  return options;
}

// For readers: so many threads that take the pieces of work as they come.
inline ParallelFor on_threads(std::size_t threads) {
  return [threads](std::size_t count, const std::function<void(std::size_t)>& body) {
    std::atomic<std::size_t> next = 0;
    std::vector<std::jthread> pool;
    for (std::size_t t = 0; t < threads; ++t)
      pool.emplace_back([&] {
        for (std::size_t i = next++; i < count; i = next++) body(i);
      });
  };
}

// A fresh directory, removed with all that is in it at the end of the scope.
class TempDir {
 public:
  TempDir() {
    std::string name = (std::filesystem::temp_directory_path() / "sounder-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary directory " + name);
    path_ = name;
  }
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  std::string operator/(std::string_view file) const { return (path_ / file).string(); }

 private:
  std::filesystem::path path_;
};

inline void write_file(const std::string& path, std::string_view bytes) {
  std::ofstream file(path, std::ios::binary);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  if (!file.flush()) throw std::runtime_error("cannot write " + path);
}

// The message of the InputError that `action` throws, or "" when it throws none.
template <class Action>
std::string input_error_of(Action&& action) {
  try {
    action();
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

// Rows that can be told apart: row i has label i, and the non-zeros are 1, 2, 3, ... in order of the rows.
inline Dataset numbered_rows(std::size_t dimension, const std::vector<std::vector<Coordinate>>& supports,
                             std::vector<float> weights = {}) {
  Dataset::Columns parts;
  parts.weights = std::move(weights);
  for (const auto& support : supports) {
    parts.labels.push_back(static_cast<float>(parts.labels.size()));
    for (const Coordinate c : support) {
      parts.indices.push_back(c);
      parts.values.push_back(static_cast<float>(parts.indices.size()));
    }
    parts.offsets.push_back(parts.indices.size());
  }
  return Dataset(dimension, std::move(parts));
}

// The rows in that order.
inline Dataset in_order(const Dataset& data, const std::vector<std::size_t>& order) {
  Dataset::Columns parts;
  for (const std::size_t i : order) parts.append(data.row(i));
  return {data.dimension(), std::move(parts)};
}

inline std::vector<std::size_t> by_label(const Dataset& data) {
  std::vector<std::size_t> order(data.rows());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, {}, [&](std::size_t i) { return data.labels()[i]; });
  return order;
}

inline Dataset sorted_by_label(const Dataset& data) {
  return in_order(data, by_label(data));
}

inline bool all_finite(const Model& model) {
  const auto finite = [](float w) { return std::isfinite(w); };
  return std::ranges::all_of(model.weights, finite) && std::ranges::all_of(model.bias, finite);
}

// How many threads are at one place at once.
class Concurrency {
 public:
  // For as long as it lives, its thread is there.
  class Inside {
   public:
    explicit Inside(Concurrency& place) : place_(place) {
      const int now = ++place.inside_;
      int peak = place.peak_;
      while (now > peak && !place.peak_.compare_exchange_weak(peak, now)) {
      }
    }
    ~Inside() { --place_.inside_; }
    Inside(const Inside&) = delete;
    Inside& operator=(const Inside&) = delete;

   private:
    Concurrency& place_;
  };

  int peak() const { return peak_; }

 private:
  std::atomic<int> inside_{0};
  std::atomic<int> peak_{0};
};

// The objectives of the catalogue that are a loss of one margin.
inline std::vector<CatalogueRow> linear_catalogue() {
  std::vector<CatalogueRow> rows;
  for (const CatalogueRow& row : catalogue()) {
    const Shape shape = row.make({})->shape();
    if (shape.width == 1 && !shape.pairs) rows.push_back(row);
  }
  return rows;
}

// An objective that is 1 everywhere and whose steps do nothing: a base for those that watch how they are called.
class FakeObjective : public Objective {
 public:
  std::string name() const override { return "fake"; }
  LabelKind labels() const override { return LabelKind::kReal; }
  void predict(const Samples&, const ConstWeights&, std::span<float> out) const override {
    for (float& prediction : out) prediction = 0;
  }
  Evaluation evaluate(const Samples& samples, const ConstWeights&) const override {
    const auto rows = static_cast<double>(samples.rows());
    return {.loss = rows, .weight = rows, .hits = 0};
  }
  std::uint64_t step(const Samples& samples, const LocalWeights&, const Step&) const override {
    return samples.nonzeros();
  }
};

}  // namespace sounder::test
