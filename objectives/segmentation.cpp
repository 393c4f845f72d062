#include "objectives/segmentation.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <set>
#include <utility>

#include "io/error.h"

namespace sounder {
namespace {

constexpr std::size_t kMostLabels = 64;
constexpr double kUnit = 100;
constexpr double kMostNeighbours = 8;

std::uint32_t colour_of(const Image& image, std::size_t pixel) {
  std::uint32_t colour = 0;
  for (std::size_t c = 0; c < 3; ++c)
    colour = colour << 8 | image.pixels[pixel * image.channels + std::min(c, image.channels - 1)];
  return colour;
}

// Rec. 601, times 1000.
std::uint32_t brightness(std::uint32_t colour) {
  return 299 * (colour >> 16) + 587 * (colour >> 8 & 255) + 114 * (colour & 255);
}

// --- Colours

constexpr std::size_t kBins = 16;  // of a channel
using Histogram = std::vector<double>;

std::size_t bin_of(std::uint32_t colour) {
  return (colour >> 20) * kBins * kBins + (colour >> 12 & 15) * kBins + (colour >> 4 & 15);
}

// Spreads to the neighbours along one channel, in parts of 1/4, 1/2 and 1/4.
void blur(Histogram& histogram, std::size_t stride) {
  const Histogram before = histogram;
  for (std::size_t bin = 0; bin < before.size(); ++bin) {
    const std::size_t along = bin / stride % kBins;
    const double below = before[along == 0 ? bin : bin - stride];
    const double above = before[along + 1 == kBins ? bin : bin + stride];
    histogram[bin] = (below + 2 * before[bin] + above) / 4;
  }
}

// -log p of each bin; a colour that was never marked is as likely as chance has it in one pixel of a hundred.
Histogram costs_of(Histogram counts) {
  constexpr double kChance = 0.01;
  double sum = 0;
  for (const double count : counts) sum += count;
  for (const std::size_t stride : {std::size_t{1}, kBins, kBins * kBins}) blur(counts, stride);
  for (double& count : counts)
    count = -std::log((1 - kChance) * count / sum + kChance / static_cast<double>(counts.size()));
  return counts;
}

void add_colours(CutBuilder& builder, const Image& photo, const Seeds& seeds, double forbidden) {
  std::vector<Histogram> costs(seeds.colours.size(), Histogram(kBins * kBins * kBins));
  for (std::size_t pixel = 0; pixel < seeds.labels.size(); ++pixel) {
    if (seeds.labels[pixel] != Seeds::kUnmarked)
      ++costs[seeds.labels[pixel]][bin_of(colour_of(photo, pixel))];
  }
  for (Histogram& histogram : costs) histogram = costs_of(std::move(histogram));
  for (std::size_t pixel = 0; pixel < seeds.labels.size(); ++pixel) {
    const std::uint32_t seed = seeds.labels[pixel];
    for (std::uint32_t label = 0; label < costs.size(); ++label) {
      const double cost = costs[label][bin_of(colour_of(photo, pixel))];
      builder.add_cost(pixel, label,
                       seed == Seeds::kUnmarked ? std::round(kUnit * cost)
                       : seed == label          ? 0
                                                : forbidden);
    }
  }
}

// --- Borders

// Calls body(pixel, later neighbour, distance) for all neighbours, row by row.
template <class Body>
void for_each_neighbour(const Image& photo, int neighbours, Body&& body) {
  const std::size_t width = photo.width;
  for (std::size_t pixel = 0; pixel < width * photo.height; ++pixel) {
    const bool right = (pixel + 1) % width != 0;
    const bool below = pixel / width + 1 < photo.height;
    if (right) body(pixel, pixel + 1, 1.0);
    if (below) body(pixel, pixel + width, 1.0);
    if (neighbours == 4 || !below) continue;
    if (pixel % width != 0) body(pixel, pixel + width - 1, std::sqrt(2.0));
    if (right) body(pixel, pixel + width + 1, std::sqrt(2.0));
  }
}

double difference(const Image& photo, std::size_t a, std::size_t b) {
  double sum = 0;
  for (std::size_t c = 0; c < photo.channels; ++c) {
    const int apart = photo.pixels[a * photo.channels + c] - photo.pixels[b * photo.channels + c];
    sum += apart * apart;
  }
  return sum;
}

void add_borders(CutBuilder& builder, const Image& photo, const SegmentationOptions& options) {
  double sum = 0;
  double count = 0;
  for_each_neighbour(photo, options.neighbours, [&](std::size_t a, std::size_t b, double) {
    sum += difference(photo, a, b);
    ++count;
  });
  const double rate = sum > 0 ? count / (2 * sum) : 0;
  for_each_neighbour(photo, options.neighbours, [&](std::size_t a, std::size_t b, double distance) {
    const double contrast = std::exp(-rate * difference(photo, a, b));
    const double cost = std::round(kUnit * options.smoothness * contrast / distance);
    builder.add_edge({static_cast<std::uint32_t>(a), static_cast<std::uint32_t>(b), cost, cost});
  });
}

}  // namespace

Seeds seeds_of(const Image& picture, const Image& photo, const std::string& name) {
  if (picture.width != photo.width || picture.height != photo.height) {
    throw InputError({name}, fmt::format("found {} x {} pixels, expected the {} x {} of the photo",
                                         picture.width, picture.height, photo.width, photo.height));
  }
  Seeds seeds;
  std::set<std::uint32_t> colours;
  for (std::size_t pixel = 0; pixel < photo.width * photo.height; ++pixel)
    colours.insert(colour_of(picture, pixel));
  colours.erase(0);
  if (colours.size() < 2 || colours.size() > kMostLabels) {
    throw InputError({name}, fmt::format("found seeds of {} colours beside black, expected 2 to {}",
                                         colours.size(), kMostLabels));
  }
  seeds.colours.assign(colours.begin(), colours.end());
  std::ranges::stable_sort(seeds.colours, std::greater(), brightness);
  for (std::size_t pixel = 0; pixel < photo.width * photo.height; ++pixel) {
    const auto found = std::ranges::find(seeds.colours, colour_of(picture, pixel));
    seeds.labels.push_back(found == seeds.colours.end()
                               ? Seeds::kUnmarked
                               : static_cast<std::uint32_t>(found - seeds.colours.begin()));
  }
  return seeds;
}

CutProblem segmentation_problem(const Image& photo, const Seeds& seeds, const SegmentationOptions& options) {
  CutBuilder builder(photo.width * photo.height, seeds.colours.size());
  add_colours(builder, photo, seeds, std::ceil(kUnit * (1 + kMostNeighbours * options.smoothness)));
  add_borders(builder, photo, options);
  return std::move(builder).finish();
}

Image mask_of(const Image& photo, const Seeds& seeds, const std::vector<std::uint32_t>& labels) {
  const bool two = seeds.colours.size() == 2;
  Image mask{photo.width, photo.height, two ? 1U : 3U, {}};
  for (const std::uint32_t label : labels) {
    const std::uint32_t colour = seeds.colours[label];
    if (two) {
      mask.pixels.push_back(label == 0 ? 255 : 0);
    } else {
      for (const int shift : {16, 8, 0})
        mask.pixels.push_back(static_cast<std::uint8_t>(colour >> shift & 255));
    }
  }
  return mask;
}

}  // namespace sounder
