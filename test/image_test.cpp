#include "io/image.h"

#include <cstdio>  // jpeglib.h needs FILE and does not include it.

#include <doctest/doctest.h>
#include <jpeglib.h>
#include <zlib.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "io/error.h"
#include "test/support.h"

using namespace sounder;
using namespace sounder::test;
using namespace std::string_literals;

namespace {

// One file after the other at one path.
class Reader {
 public:
  Image read(std::string_view bytes) const {
    std::filesystem::remove(path_);  // a file that is overwritten goes to the disk at once
    write_file(path_, bytes);
    return read_image(path_);
  }
  // The message without the path in front.
  std::string error_of(std::string_view bytes) const {
    const std::string error = input_error_of([&] { read(bytes); });
    if (error.empty()) return "";
    REQUIRE(error.starts_with(path_ + ":"));
    REQUIRE(std::ranges::all_of(error, [](char c) { return c >= ' ' && c <= '~'; }));
    return error.substr(path_.size());
  }

 private:
  TempDir directory_;
  std::string path_ = directory_ / "image";
};

// Smooth, so that little is lost in a JPEG.
Image gradient(std::size_t width, std::size_t height, std::size_t channels) {
  Image image{width, height, channels, {}};
  for (std::size_t y = 0; y < height; ++y)
    for (std::size_t x = 0; x < width; ++x)
      for (std::size_t c = 0; c < channels; ++c)
        image.pixels.push_back(static_cast<std::uint8_t>(60 + 2 * x + y + 40 * c));
  return image;
}

std::string big_endian(std::size_t value) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift);
  return bytes;
}

std::string chunk(std::string_view type, std::string_view data) {
  const std::string body = std::string(type).append(data);
  const auto sum = crc32(0, reinterpret_cast<const Bytef*>(body.data()), static_cast<uInt>(body.size()));
  return big_endian(data.size()) + body + big_endian(sum);
}

std::string deflated(std::string_view plain) {
  uLongf size = compressBound(plain.size());
  std::string packed(size, '\0');
  compress(reinterpret_cast<Bytef*>(packed.data()), &size, reinterpret_cast<const Bytef*>(plain.data()),
           plain.size());
  return packed.substr(0, size);
}

enum Colour : char { kGray = 0, kRgb = 2, kPalette = 3, kGrayAlpha = 4, kRgba = 6 };

struct Png {
  std::size_t width, height;
  char depth;
  Colour colour;
  std::string lines;  // each with its filter, 0 for none, in front
  std::string extra = {};
  char interlace = 0;
};

std::string bytes_of(const Png& png) {
  const std::string header = big_endian(png.width) + big_endian(png.height) + png.depth +
                             static_cast<char>(png.colour) + '\0' + '\0' + png.interlace;
  return "\x89PNG\r\n\x1a\n" + chunk("IHDR", header) + png.extra + chunk("IDAT", deflated(png.lines)) +
         chunk("IEND", "");
}

struct PngCase {
  Png png;
  std::vector<std::uint8_t> pixels;
};

void check(const Reader& reader, const PngCase& c, std::size_t channels) {
  const std::string bytes = bytes_of(c.png);
  CAPTURE(bytes);
  const Image image = reader.read(bytes);
  CHECK(image.width == c.png.width);
  CHECK(image.height == c.png.height);
  CHECK(image.channels == channels);
  CHECK(image.pixels == c.pixels);
}

std::string jpeg_of(const Image& image, J_COLOR_SPACE colours, bool progressive = false) {
  jpeg_error_mgr errors;
  jpeg_compress_struct jpeg;
  jpeg.err = jpeg_std_error(&errors);
  jpeg_create_compress(&jpeg);
  unsigned char* bytes = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&jpeg, &bytes, &size);
  jpeg.image_width = static_cast<JDIMENSION>(image.width);
  jpeg.image_height = static_cast<JDIMENSION>(image.height);
  jpeg.input_components = static_cast<int>(image.channels);
  jpeg.in_color_space = colours;
  jpeg_set_defaults(&jpeg);
  jpeg_set_quality(&jpeg, 100, TRUE);
  if (progressive) jpeg_simple_progression(&jpeg);
  jpeg_start_compress(&jpeg, TRUE);
  std::vector<std::uint8_t> pixels = image.pixels;
  while (jpeg.next_scanline < jpeg.image_height) {
    JSAMPROW row = &pixels[jpeg.next_scanline * image.width * image.channels];
    jpeg_write_scanlines(&jpeg, &row, 1);
  }
  jpeg_finish_compress(&jpeg);
  jpeg_destroy_compress(&jpeg);
  const std::string result(reinterpret_cast<const char*>(bytes), size);
  std::free(bytes);
  return result;
}

// A file of each kind that ends with its last pixel, or soon behind it.
std::vector<std::string> samples() {
  return {bytes_of({3, 2, 8, kRgb, "\0abcdefghi\0jklmnopqr"s}),
          jpeg_of(gradient(20, 10, 3), JCS_RGB),
          jpeg_of(gradient(20, 10, 1), JCS_GRAYSCALE, true),
          "P1 3 2\n101\n011",
          "P2 3 2 9 1 2 3 4 5 6",
          "P3 1 2 9 1 2 3 4 5 6",
          "P4 9 2 abcd",
          "P5 # comment\n 3 2 255 abcdef",
          "P6 1 1\n65535\nAbAcAd"};
}

}  // namespace

TEST_CASE("image: what write_png writes reads back the same") {
  const TempDir directory;
  const std::string path = directory / "out.png";
  for (const std::size_t channels : {1, 3})
    for (const std::size_t width : {1, 7, 64})
      for (const std::size_t height : {1, 2, 33}) {
        CAPTURE(channels);
        CAPTURE(width);
        CAPTURE(height);
        const Image image = gradient(width, height, channels);
        write_png(image, path);
        const Image back = read_image(path);
        CHECK(back.width == width);
        CHECK(back.height == height);
        CHECK(back.channels == channels);
        CHECK(back.pixels == image.pixels);
      }
}

TEST_CASE("image: write_png names what it cannot write") {
  const TempDir directory;
  const std::string path = directory / "missing/out.png";
  CHECK(input_error_of([&] { write_png(gradient(2, 2, 1), path); }).starts_with(path + ": cannot create"));
  CHECK(input_error_of([] { write_png(gradient(2, 2, 1), "/dev/full"); }) ==
        "/dev/full: cannot write: No space left on device");
  for (const Image& image : {Image{0, 0, 1, {}}, gradient(1'000'001, 1, 1)})
    CHECK(input_error_of([&] { write_png(image, path); }).starts_with(path + ": cannot be written as PNG: "));
}

TEST_CASE("image: reads gray PNG of every depth as 8 bits") {
  const Reader reader;
  const PngCase cases[] = {
      {{3, 1, 1, kGray, "\0\xa0"s}, {255, 0, 255}},
      {{4, 1, 2, kGray, "\0\x1b"s}, {0, 85, 170, 255}},
      {{2, 1, 4, kGray, "\0\x2f"s}, {34, 255}},
      {{1, 2, 8, kGray, "\0\x07\0\xf0"s}, {7, 240}},
      {{3, 1, 16, kGray, "\0\x80\0\0\xff\xff\xff"s}, {128, 1, 255}},
      {{2, 1, 8, kGrayAlpha, "\0\x07\0\x09\xff"s}, {0, 9}},
      {{1, 1, 16, kGrayAlpha, "\0\x80\0\0\0"s}, {0}},
      {{2, 1, 8, kGray, "\0\x07\x08"s, chunk("tRNS", "\0\x07"s)}, {0, 8}},
      {{1, 1, 8, kGray, "\0\x07"s, chunk("gAMA", big_endian(100'000))}, {7}},
      {{2, 2, 8, kGray, "\0\x01\0\x02\0\x03\x04"s, "", 1}, {1, 2, 3, 4}},
  };
  for (const PngCase& c : cases) check(reader, c, 1);
}

TEST_CASE("image: reads colour PNG of every type and depth as 8 bits of red, green and blue") {
  const Reader reader;
  const std::string palette = chunk("PLTE", "\x01\x02\x03\xff\xfe\xfd"s);
  const PngCase cases[] = {
      {{1, 1, 8, kRgb, "\0\x01\x02\x03"s}, {1, 2, 3}},
      {{1, 1, 16, kRgb, "\0\x80\0\0\0\xff\xff"s}, {128, 0, 255}},
      {{2, 1, 8, kRgba, "\0\x01\x02\x03\0\x04\x05\x06\x80"s}, {0, 0, 0, 4, 5, 6}},
      {{1, 1, 16, kRgba, "\0\x80\0\0\0\xff\xff\0\0"s}, {0, 0, 0}},
      {{1, 1, 16, kRgb, "\0\x80\0\0\0\xff\xff"s, chunk("tRNS", "\x80\0\0\0\xff\xff"s)}, {0, 0, 0}},
      {{2, 1, 1, kPalette, "\0\x40"s, palette}, {1, 2, 3, 255, 254, 253}},
      {{2, 1, 8, kPalette, "\0\x01\0"s, palette + chunk("tRNS", "\0"s)}, {255, 254, 253, 0, 0, 0}},
  };
  for (const PngCase& c : cases) check(reader, c, 3);
}

TEST_CASE("image: reads JPEG, gray and colour, sequential and progressive") {
  const Reader reader;
  for (const bool progressive : {false, true})
    for (const std::size_t channels : {1, 3}) {
      CAPTURE(progressive);
      CAPTURE(channels);
      const Image image = gradient(37, 21, channels);
      const Image back = reader.read(jpeg_of(image, channels == 1 ? JCS_GRAYSCALE : JCS_RGB, progressive));
      CHECK(back.width == 37);
      CHECK(back.height == 21);
      REQUIRE(back.channels == channels);
      REQUIRE(back.pixels.size() == image.pixels.size());
      int worst = 0;
      for (std::size_t i = 0; i < image.pixels.size(); ++i)
        worst = std::max(worst, std::abs(image.pixels[i] - back.pixels[i]));
      CHECK(worst <= 4);
    }
}

TEST_CASE("image: reads PNM of every kind") {
  struct Case {
    std::string bytes;
    std::size_t width, height, channels;
    std::vector<std::uint8_t> pixels;
  };
  const Case cases[] = {
      {"P1\n# a comment\n3 2\n1 0 1\n011", 3, 2, 1, {0, 255, 0, 255, 0, 0}},
      {"P2 2 1 255 7 255\n", 2, 1, 1, {7, 255}},
      {"P2\r\n3\r\n1\r\n4\r\n0 1\t4", 3, 1, 1, {0, 64, 255}},
      {"P2 2 1 65535 32768 255", 2, 1, 1, {128, 1}},
      {"P3 1 1 #\n 255 #\n 1 2 3", 1, 1, 3, {1, 2, 3}},
      {"P4 10 2\n\xa0\x40\x0f\x80", 10, 2, 1, {0,   255, 0,   255, 255, 255, 255, 255, 255, 0,
                                               255, 255, 255, 255, 0,   0,   0,   0,   0,   255}},
      {"P5 2 2 255\n\n #\xff", 2, 2, 1, {10, 32, 35, 255}},
      {"P5 3 1 1000\n\0\0\1\xf4\3\xe8"s, 3, 1, 1, {0, 128, 255}},
      {"P5#\n1#\n1#\n15\n\x01", 1, 1, 1, {17}},
      {"P6 1 2 255\rabcdef and the next image", 1, 2, 3, {'a', 'b', 'c', 'd', 'e', 'f'}},
  };
  const Reader reader;
  for (const Case& c : cases) {
    CAPTURE(c.bytes);
    const Image image = reader.read(c.bytes);
    CHECK(image.width == c.width);
    CHECK(image.height == c.height);
    CHECK(image.channels == c.channels);
    CHECK(image.pixels == c.pixels);
  }
}

TEST_CASE("image: refuses PNM with the place and the reason") {
  struct Case {
    std::string bytes;
    std::string_view complaint;
  };
  const Case cases[] = {
      {"P5 ", ":1:4: found the end of the file, expected a width from 1 to 268435456"},
      {"P55 1 255\nx", ":1:3: found \"5\", expected a width from 1 to 268435456"},
      {"P5 0 1 255\nx", ":1:4: found \"0\", expected a width from 1 to 268435456"},
      {"P5 1 -1 255\nx", ":1:6: found \"-1\", expected a height from 1 to 268435456"},
      {"P5\n1 1\n65536\nx", ":3:1: found \"65536\", expected a largest sample from 1 to 65535"},
      {"P5 1 1 255",
       ":1:11: found the end of the file, expected a blank or a line end in front of the pixels"},
      {"P5 1 1 255x", ":1:11: found \"x\", expected a blank or a line end in front of the pixels"},
      {"P5 2 2 255\nabc", ": cut short: found 3 bytes of pixels, expected at least 4"},
      {"P6 2 2 256\nabc", ": cut short: found 3 bytes of pixels, expected at least 24"},
      {"P4 9 2 abc", ": cut short: found 3 bytes of pixels, expected at least 4"},
      {"P2 99 99 1 1", ": cut short: found 2 bytes of pixels, expected at least 9801"},
      {"P2 2 1 9 1  ", ":1:13: found the end of the file, expected a sample from 0 to 9"},
      {"P2 2 1 9\n1 10", ":2:3: found \"10\", expected a sample from 0 to 9"},
      {"P2 2 1 9\n1.5 1", ":2:2: found \".5\", expected a sample from 0 to 9"},
      {"P1 2 1\n12", ":2:2: found \"2\", expected a bit (0 or 1)"},
      {"P5 2 1 9\n\x09\x0a", ": found a sample of 10, expected 9 at most"},
  };
  const Reader reader;
  for (const Case& c : cases) {
    CAPTURE(c.bytes);
    CHECK(reader.error_of(c.bytes) == c.complaint);
  }
}

TEST_CASE("image: refuses what is no picture, and passes on the reasons of libpng and libjpeg") {
  const Reader reader;
  const std::string png = bytes_of({2, 1, 8, kGray, "\0ab"s});
  const std::string jpeg = jpeg_of(gradient(8, 8, 3), JCS_RGB);
  const auto broken = [](std::string bytes, std::size_t place) { return bytes.replace(place, 1, 1, '?'); };
  CHECK(reader.error_of("") == ": found an empty file, expected a PNG, JPEG or PNM (P1 to P6) file");
  CHECK(reader.error_of("GIF89a\1\2\3") ==
        ": found \"GIF89a\\x01\\x02\", expected a PNG, JPEG or PNM (P1 to P6) file");
  CHECK(reader.error_of("P7\n") == ": found \"P7\\x0a\", expected a PNG, JPEG or PNM (P1 to P6) file");
  CHECK(reader.error_of(broken(png, 29)) == ": cannot be read as PNG: IHDR: CRC error");
  CHECK(reader.error_of(bytes_of({2, 2, 8, kGray, "\0ab"s})) ==
        ": cannot be read as PNG: Not enough image data");
  CHECK(reader.error_of(png.substr(0, png.size() - 1)) == ": cannot be read as PNG: the file is cut short");
  CHECK(reader.error_of(jpeg.substr(0, jpeg.size() - 1)) ==
        ": cannot be read as JPEG: Premature end of JPEG file");
  CHECK(reader.error_of(broken(jpeg, 3)).starts_with(": cannot be read as JPEG: "));
  CHECK(reader.error_of(jpeg_of(gradient(8, 8, 4), JCS_CMYK)) ==
        ": cannot be read as JPEG: Unsupported color conversion request");
  CHECK(input_error_of([] { read_image("/missing.png"); }) ==
        "/missing.png: cannot be read: No such file or directory");
}

TEST_CASE("image: refuses too many pixels before it takes memory for them") {
  const Reader reader;
  std::string jpeg = jpeg_of(gradient(8, 8, 1), JCS_GRAYSCALE);
  const std::size_t frame = jpeg.find("\xff\xc0");
  REQUIRE(frame != jpeg.npos);
  jpeg.replace(frame + 5, 4, "\x80\0\x20\x01"s);
  CHECK(reader.error_of(jpeg) == ": found 8193 x 32768 pixels, expected 268435456 at most");
  CHECK(reader.error_of(bytes_of({999'999, 269, 8, kRgb, ""})) ==
        ": found 999999 x 269 pixels, expected 268435456 at most");
  CHECK(reader.error_of("P4 268435456 9 ") != "");
  CHECK(reader.error_of("P4 20000 20000 " + std::string(50'000'000, ' ')) ==
        ": found 20000 x 20000 pixels, expected 268435456 at most");
}

TEST_CASE("image: notices wherever a file is cut short") {
  const Reader reader;
  for (const std::string& whole : samples()) {
    CAPTURE(whole.substr(0, 4));
    CHECK(reader.error_of(whole) == "");
    for (std::size_t length = 0; length < whole.size(); ++length) {
      CAPTURE(length);
      CHECK(reader.error_of(std::string_view(whole).substr(0, length)) != "");
    }
  }
}

TEST_CASE("image: a damaged file is an image or one line of complaint") {
  const Reader reader;
  std::mt19937 random(1);
  std::size_t refused = 0;
  for (const std::string& whole : samples())
    for (int i = 0; i < 500; ++i) {
      std::string bytes = whole;
      for (auto count = 1 + random() % 3; count > 0; --count)
        bytes[random() % bytes.size()] = static_cast<char>(random());
      refused += !reader.error_of(bytes).empty();
    }
  CHECK(refused > 1000);
}
