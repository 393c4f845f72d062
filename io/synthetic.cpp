#include "io/synthetic.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "io/error.h"
#include "io/memory.h"
#include "io/normalize.h"
#include "io/random.h"

namespace sounder {
namespace {

constexpr double kShift = 25;           // flattens the head as leaving out stop words does
constexpr double kLengthSpread = 0.7;   // standard deviation of the logarithm of RCV1's row lengths
constexpr std::size_t kZipfDraws = 16;  // draws a column of a row, before the rest is drawn evenly

// What drawing holds, at least.
constexpr double kBytesPerColumn = 2 * sizeof(std::uint32_t) + sizeof(std::size_t);
constexpr double kBytesPerNonzero = sizeof(Coordinate) + sizeof(float);

constexpr double kMostNoise = 1e30;  // labels are floats

template <class T>
void require(bool holds, std::string_view option, T value, std::string_view limits) {
  if (!holds) throw InputError(fmt::format("{} = {}: must be {}", option, value, limits));
}

void validate(const SyntheticOptions& o) {
  const auto columns = static_cast<double>(o.columns);
  const bool classes = o.kind == SyntheticKind::kClassification;
  require(o.rows > 0, "rows", o.rows, "> 0");
  require(o.columns > 0 && columns <= 0x1p32, "columns", o.columns, "> 0 and <= 2^32");
  require(o.nonzeros_per_row >= 1 && o.nonzeros_per_row <= columns, "nonzeros_per_row", o.nonzeros_per_row,
          fmt::format(">= 1 and <= columns = {}", o.columns));
  require(o.zipf_exponent >= 0 && o.zipf_exponent <= 10, "zipf_exponent", o.zipf_exponent, ">= 0 and <= 10");
  require(o.noise >= 0 && o.noise <= kMostNoise, "noise", o.noise,
          fmt::format(">= 0 and <= {:g}", kMostNoise));
  require(!classes || o.noise <= 1, "noise", o.noise, "<= 1, a share of the labels");
  const auto memory = static_cast<double>(machine_memory());
  require(columns * kBytesPerColumn <= memory, "columns", o.columns, "no more than memory holds");
  const double rows = (memory - columns * kBytesPerColumn) / (o.nonzeros_per_row * kBytesPerNonzero);
  require(static_cast<double>(o.rows) <= rows, "rows", o.rows,
          fmt::format("<= {:.3g}, which memory holds of {} non-zeros each", rows, o.nonzeros_per_row));
}

// Ranks 0 ... count - 1 with a density of (x + kShift)^-exponent on [rank, rank + 1), by its inverse
// distribution.
class ZipfMandelbrot {
 public:
  ZipfMandelbrot(std::size_t count, double exponent)
      : count_(count),
        power_(1 - exponent),
        begin_(integral(kShift)),
        total_(integral(kShift + static_cast<double>(count)) - begin_) {}

  // By the density in the middle, which unlike a difference of integrals never rounds to 0.
  double share(std::size_t rank) const {
    return std::pow(static_cast<double>(rank) + 0.5 + kShift, power_ - 1) / total_;
  }

  std::size_t draw(Random& random) const {
    const double x = inverse(begin_ + total_ * random.uniform()) - kShift;
    return std::min(static_cast<std::size_t>(std::max(x, 0.0)), count_ - 1);
  }

 private:
  bool logarithmic() const { return std::abs(power_) < 1e-6; }
  double integral(double x) const { return logarithmic() ? std::log(x) : std::pow(x, power_) / power_; }
  double inverse(double y) const { return logarithmic() ? std::exp(y) : std::pow(y * power_, 1 / power_); }

  std::size_t count_;
  double power_;
  double begin_;
  double total_;
};

// The spread shrinks as rows fill up, so that cutting at the number of columns hardly moves the mean.
std::size_t draw_length(const SyntheticOptions& o, Random& random) {
  const double spread = kLengthSpread * (1 - o.nonzeros_per_row / static_cast<double>(o.columns));
  const double factor = std::exp(spread * random.gaussian() - spread * spread / 2);
  const auto beyond_first = static_cast<std::size_t>((o.nonzeros_per_row - 1) * factor + random.uniform());
  return std::min(1 + beyond_first, o.columns);
}

// Which columns the rows have and with what values.
class RowMaker {
 public:
  RowMaker(const SyntheticOptions& options, Random& random);
  Dataset make();

 private:
  void draw_columns(std::size_t row, std::size_t length);
  void draw_value(Coordinate column);

  const SyntheticOptions& options_;
  Random& random_;
  ZipfMandelbrot ranks_;
  std::vector<Coordinate> column_of_rank_;
  std::vector<float> idf_;             // a column
  std::vector<std::size_t> last_row_;  // that has the column
  Dataset::Columns parts_;
};

RowMaker::RowMaker(const SyntheticOptions& options, Random& random)
    : options_(options),
      random_(random),
      ranks_(options.columns, options.zipf_exponent),
      column_of_rank_(options.columns),
      idf_(options.columns),
      last_row_(options.columns, options.rows) {
  std::iota(column_of_rank_.begin(), column_of_rank_.end(), Coordinate{0});
  shuffle(std::span(column_of_rank_), random);
  for (std::size_t rank = 0; rank < options.columns; ++rank) {
    idf_[column_of_rank_[rank]] = static_cast<float>(1 - std::log(ranks_.share(rank)));
  }
}

void RowMaker::draw_columns(std::size_t row, std::size_t length) {
  const std::size_t end = parts_.indices.size() + length;
  for (std::size_t draws = 0; parts_.indices.size() < end; ++draws) {
    const std::size_t rank =
        draws < kZipfDraws * length ? ranks_.draw(random_) : random_.below(options_.columns);
    const Coordinate column = column_of_rank_[rank];
    if (std::exchange(last_row_[column], row) != row) parts_.indices.push_back(column);
  }
  std::sort(parts_.indices.end() - static_cast<std::ptrdiff_t>(length), parts_.indices.end());
}

// A term occurs n times in a document with probability 2^-n.
void RowMaker::draw_value(Coordinate column) {
  const int occurrences = 1 + std::countr_zero(random_.next());
  parts_.values.push_back((1 + std::log(static_cast<float>(occurrences))) * idf_[column]);
}

Dataset RowMaker::make() {
  // Vectors that grow are in memory twice for a moment; room that is not used costs nothing.
  const double room = 1.1 * options_.nonzeros_per_row * static_cast<double>(options_.rows);
  parts_.indices.reserve(static_cast<std::size_t>(room));
  parts_.values.reserve(static_cast<std::size_t>(room));
  for (std::size_t row = 0; row < options_.rows; ++row) {
    const std::size_t begin = parts_.indices.size();
    draw_columns(row, draw_length(options_, random_));
    for (std::size_t k = begin; k < parts_.indices.size(); ++k) draw_value(parts_.indices[k]);
    if (options_.normalize) normalize(std::span(parts_.values).subspan(begin));
    parts_.offsets.push_back(parts_.indices.size());
  }
  parts_.labels.resize(options_.rows);
  return Dataset(options_.columns, std::move(parts_));
}

// Cubes of gaussians: a few large, most small, none zero.
std::vector<double> plant_weights(std::size_t columns, Random& random) {
  std::vector<double> weights(columns);
  std::ranges::generate(weights, [&] { return std::pow(random.gaussian(), 3); });
  return weights;
}

double dot(const Row& row, std::span<const double> weights) {
  double sum = 0;
  for (std::size_t k = 0; k < row.support.size(); ++k) sum += weights[row.support[k]] * row.values[k];
  return sum;
}

// A row is +1 when the mean of the weights over its values is above the median: as all values are positive,
// that is a hyperplane through the origin, and it halves the rows.
std::vector<float> make_classes(const Dataset& data, std::span<const double> weights, double noise,
                                Random& random) {
  std::vector<double> means(data.rows());
  for (std::size_t i = 0; i < data.rows(); ++i) {
    const Row row = data.row(i);
    means[i] = dot(row, weights) / std::accumulate(row.values.begin(), row.values.end(), 0.0);
  }
  std::vector<double> sorted = means;
  const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2);
  std::nth_element(sorted.begin(), middle, sorted.end());
  std::vector<float> labels(data.rows());
  std::ranges::transform(means, labels.begin(), [&](double mean) {
    const bool flipped = random.uniform() < noise;
    return (mean >= *middle) != flipped ? 1.0f : -1.0f;
  });
  return labels;
}

// Margins are scaled to a mean square of 1, the unit of the noise.
std::vector<float> make_reals(const Dataset& data, std::span<const double> weights, double noise,
                              Random& random) {
  std::vector<double> margins(data.rows());
  double squares = 0;
  for (std::size_t i = 0; i < data.rows(); ++i) {
    margins[i] = dot(data.row(i), weights);
    squares += margins[i] * margins[i];
  }
  const double scale = std::sqrt(static_cast<double>(data.rows()) / squares);
  std::vector<float> labels(data.rows());
  std::ranges::transform(margins, labels.begin(), [&](double margin) {
    return static_cast<float>(scale * margin + noise * random.gaussian());
  });
  return labels;
}

}  // namespace

Dataset generate(const SyntheticOptions& options) {
  validate(options);
  Random random(options.seed);
  const Dataset data = RowMaker(options, random).make();
  const std::vector<double> weights = plant_weights(options.columns, random);
  const auto make_labels = options.kind == SyntheticKind::kClassification ? make_classes : make_reals;
  return data.with_labels(make_labels(data, weights, options.noise, random));
}

}  // namespace sounder
