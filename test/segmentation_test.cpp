#include "objectives/segmentation.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "engine/minimum_cut.h"
#include "io/random.h"
#include "support.h"

namespace sounder {
namespace {

constexpr std::size_t kSide = 24;

Image blank(std::size_t width, std::size_t height) {
  return {width, height, 3, std::vector<std::uint8_t>(width * height * 3)};
}

void paint(Image& image, std::size_t column, std::size_t row, std::uint32_t colour) {
  for (std::size_t c = 0; c < 3; ++c)
    image.pixels[(row * image.width + column) * 3 + c] = static_cast<std::uint8_t>(colour >> (16 - 8 * c));
}

// Vertical stripes with noise.
Image stripes(std::size_t count) {
  Random random(1);
  Image image = blank(kSide, kSide);
  for (std::size_t row = 0; row < kSide; ++row) {
    for (std::size_t column = 0; column < kSide; ++column) {
      const auto stripe = static_cast<std::uint32_t>(column * count / kSide);
      const auto noise = static_cast<std::uint32_t>(random.below(40));
      paint(image, column, row, (40 + 60 * stripe + noise) << 16 | (100 + noise) << 8 | (200 - 60 * stripe));
    }
  }
  return image;
}

// A short line in the midst of each stripe.
Image marks(const std::vector<std::uint32_t>& colours) {
  Image image = blank(kSide, kSide);
  for (std::size_t stripe = 0; stripe < colours.size(); ++stripe) {
    for (std::size_t row = 8; row < 16; ++row)
      paint(image, (2 * stripe + 1) * kSide / (2 * colours.size()), row, colours[stripe]);
  }
  return image;
}

}  // namespace

TEST_CASE("segmentation: finds the stripes that are marked") {
  for (const std::vector<std::uint32_t>& colours :
       {std::vector<std::uint32_t>{0xff0000, 0x00ff00}, {0x0000ff, 0xffffff, 0xff0000}}) {
    for (const int neighbours : {4, 8}) {
      CAPTURE(colours.size());
      CAPTURE(neighbours);
      const Image photo = stripes(colours.size());
      const Seeds seeds = seeds_of(marks(colours), photo, "seeds");
      const Cut cut = minimum_cut(segmentation_problem(photo, seeds, {.neighbours = neighbours}));
      std::size_t right = 0;
      for (std::size_t pixel = 0; pixel < cut.labels.size(); ++pixel) {
        const std::size_t stripe = pixel % kSide * colours.size() / kSide;
        right += seeds.colours[cut.labels[pixel]] == colours[stripe] ? 1 : 0;
      }
      CHECK(right == kSide * kSide);
      CHECK(cut.gap <= 1e-3);
    }
  }
}

TEST_CASE("segmentation: marked pixels keep their labels however they look") {
  const Image photo = stripes(1);
  const Seeds seeds = seeds_of(marks({0xff0000, 0x00ff00}), photo, "seeds");
  const Cut cut = minimum_cut(segmentation_problem(photo, seeds, {.smoothness = 1000}));
  for (std::size_t pixel = 0; pixel < cut.labels.size(); ++pixel) {
    if (seeds.labels[pixel] != Seeds::kUnmarked) CHECK(cut.labels[pixel] == seeds.labels[pixel]);
  }
}

TEST_CASE("segmentation: masks are white for the brighter of two seeds, else of the seeds' colours") {
  const Image photo = blank(2, 1);
  const Seeds two{.colours = {0x00ff00, 0xff0000}, .labels = {}};
  const Seeds three{.colours = {0xffffff, 0x00ff00, 0xff0000}, .labels = {}};
  CHECK(mask_of(photo, two, {1, 0}).pixels == std::vector<std::uint8_t>{0, 255});
  CHECK(mask_of(photo, three, {1, 2}).pixels == std::vector<std::uint8_t>{0, 255, 0, 255, 0, 0});
  CHECK(seeds_of(marks({0xff0000, 0x00ff00}), stripes(2), "").colours == two.colours);
}

TEST_CASE("segmentation: refuses pictures that are no seeds") {
  const Image photo = stripes(2);
  Image soft = blank(kSide, kSide);
  for (std::size_t row = 0; row < 3; ++row) {
    for (std::size_t column = 0; column < kSide; ++column)
      paint(soft, column, row, static_cast<std::uint32_t>(1 + row * kSide + column));
  }
  struct Case {
    Image picture;
    std::string_view complaint;
  };
  for (const Case& c : {Case{blank(3, 4), "seeds: found 3 x 4 pixels, expected the 24 x 24 of the photo"},
                        Case{blank(kSide, kSide), "found seeds of 0 colours beside black, expected 2 to 64"},
                        Case{marks({0xff0000}), "found seeds of 1 colours beside black"},
                        Case{soft, "found seeds of 72 colours beside black"}}) {
    CAPTURE(c.complaint);
    const std::string error = test::input_error_of([&] { seeds_of(c.picture, photo, "seeds"); });
    CHECK(error.find(c.complaint) != std::string::npos);
  }
}

}  // namespace sounder
