#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace sounder {

// Gray or red, green, blue, in 0 to 255. Rows from top to bottom, the channels of a pixel side by side: channel
// c of the pixel in column x of row y is pixels[(y * width + x) * channels + c].
struct Image {
  std::size_t width = 0;
  std::size_t height = 0;
  std::size_t channels = 1;  // 1 or 3
  std::vector<std::uint8_t> pixels;
};

// A larger file is refused before memory is taken for it.
inline constexpr std::size_t kMostPixels = std::size_t{1} << 28;

// Reads a PNG, JPEG or PNM file (P1 to P6; the first image of several), recognised by its first bytes, also
// compressed (see io/stream.h). Samples are taken as they are stored: no gamma, colour profile or orientation is
// applied.
//   - PNG: gray stays gray, palettes become colours, of alpha and transparency no more is kept than that a
//     pixel without any opacity is black.
//     At most 10^6 pixels a side.
//   - JPEG: gray stays gray, YCbCr becomes RGB; CMYK is refused, and so is corrupt data that libjpeg only
//     warns of.
//   - PNM: bitmaps (P1, P4) become 0 for black and 255 for white.
// Samples of any other depth are scaled to 0 to 255 and rounded.
//
// Throws InputError with the library's reason when the file is corrupt or cut short; for the text of a PNM file
// with line and column. Safe to call from any number of threads.
Image read_image(const std::string& path);

// Writes a gray or RGB PNG of 8 bits, whole or not at all. Throws InputError when `path`
// cannot be written, and for an image without pixels or with more than 10^6 a side, libpng's limit.
void write_png(const Image& image, const std::string& path);

}  // namespace sounder
