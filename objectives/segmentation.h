#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "io/image.h"
#include "objectives/cut_problem.h"

namespace sounder {

// Which pixels of a photo belong to what, as far as a person has marked it.
struct Seeds {
  static constexpr std::uint32_t kUnmarked = 0xffffffff;

  std::vector<std::uint32_t> colours;  // 0xRRGGBB, brightest first: the number of a colour is its label
  std::vector<std::uint32_t> labels;   // of each pixel, or kUnmarked
};

// A picture in which black is unmarked and every other colour is a label; messages call it `name`. Throws InputError
// for another size than that of the photo, fewer than two colours or more than 64: scribbles with soft edges, say.
Seeds seeds_of(const Image& picture, const Image& photo, const std::string& name);

struct SegmentationOptions {
  double smoothness = 50;  // >= 0: what a border costs, against the colours on its two sides
  int neighbours = 8;      // 4, or with diagonals
};

// A label for every pixel, by a minimum cut (Boykov, Jolly, Interactive graph cuts, ICCV 2001):
//
//     energy = sum over pixels of -log p(colour | label)
//            + smoothness x sum over neighbours with different labels of exp(-|difference|^2 / (2 mean)) / distance,
//
// p a smoothed histogram of the colours that are marked so, mean that of |difference|^2 over all neighbours. Marked
// pixels keep their labels. In units of 1/100, in whole numbers.
CutProblem segmentation_problem(const Image& photo, const Seeds& seeds,
                                const SegmentationOptions& options = {});

// Of two labels black and white, label 0 being white; of more the colours of the seeds.
Image mask_of(const Image& photo, const Seeds& seeds, const std::vector<std::uint32_t>& labels);

}  // namespace sounder
