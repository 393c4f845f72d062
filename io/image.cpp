#include "io/image.h"

#include <cstdio>  // jpeglib.h needs FILE and does not include it.

#include <fmt/format.h>
#include <jpeglib.h>
#include <png.h>

#include <cassert>
#include <csetjmp>
#include <cstring>
#include <new>
#include <optional>
#include <string_view>

#include "io/error.h"
#include "io/input.h"
#include "io/output.h"
#include "io/scanner.h"

namespace sounder {
namespace {

Image make_image(std::size_t width, std::size_t height, std::size_t channels, const std::string& path) {
  if (width > kMostPixels || height > kMostPixels || width * height > kMostPixels)
    throw InputError({path},
                     fmt::format("found {} x {} pixels, expected {} at most", width, height, kMostPixels));
  return {width, height, channels, std::vector<std::uint8_t>(width * height * channels)};
}

// How errors leave libpng and libjpeg. Both are C: their error handlers must not return, and no exception may
// pass through their frames. So the handler calls fail(), which jumps out of the library back into run(). What
// runs in between, the callable of run() and the handlers, has no object with a destructor.
class Guard {
 public:
  Guard(const std::string& path, const char* format) : path_(path), format_(format) {}
  Guard(const Guard&) = delete;  // the libraries know its address
  Guard& operator=(const Guard&) = delete;

  template <class Call>
  void run(const Call& call) {
    if (!completes(call))
      throw InputError({path_}, fmt::format("cannot be read as {}: {}", format_, reason_));
  }
  [[noreturn]] void fail(const char* reason) {
    std::string_view(reason).copy(reason_, sizeof reason_ - 1);
    std::longjmp(jump_, 1);
  }

 private:
  template <class Call>
  bool completes(const Call& call) {
    if (setjmp(jump_) != 0) return false;
    call();
    return true;
  }

  const std::string& path_;
  const char* format_;
  std::jmp_buf jump_;
  char reason_[JMSG_LENGTH_MAX] = "";
};

// The last channel says how much there is of a pixel: one that is not there at all is black, whatever colour it has.
void drop_alpha(Image& image) {
  const std::size_t kept = image.channels - 1;
  const std::size_t pixels = image.width * image.height;
  for (std::size_t i = 0; i < pixels; ++i) {
    const std::uint8_t* const from = &image.pixels[i * image.channels];
    const bool there = from[kept] != 0;
    for (std::size_t c = 0; c < kept; ++c) image.pixels[i * kept + c] = there ? from[c] : std::uint8_t{0};
  }
  image.channels = kept;
  image.pixels.resize(pixels * kept);
}

class PngDecoder {
 public:
  PngDecoder(std::string_view bytes, const std::string& path)
      : bytes_(bytes), path_(path), guard_(path, "PNG") {
    png_ =
        png_create_read_struct(PNG_LIBPNG_VER_STRING, &guard_, on_error, [](png_structp, png_const_charp) {});
    if (png_ == nullptr) throw std::bad_alloc();
  }
  ~PngDecoder() { png_destroy_read_struct(&png_, &info_, nullptr); }

  Image run() {
    guard_.run([this] { read_header(); });
    Image image = make_image(png_get_image_width(png_, info_), png_get_image_height(png_, info_),
                             png_get_channels(png_, info_), path_);
    std::vector<png_bytep> rows;
    rows.reserve(image.height);
    for (std::size_t y = 0; y < image.height; ++y)
      rows.push_back(&image.pixels[y * image.width * image.channels]);
    guard_.run([&] {
      png_read_image(png_, rows.data());
      png_read_end(png_, nullptr);
    });
    if (image.channels % 2 == 0) drop_alpha(image);
    return image;
  }

 private:
  void read_header() {
    info_ = png_create_info_struct(png_);
    if (info_ == nullptr) png_error(png_, "out of memory");
    png_set_read_fn(png_, &bytes_, read);
    png_read_info(png_, info_);
    png_set_scale_16(png_);
    png_set_expand(png_);
    png_set_interlace_handling(png_);
    png_read_update_info(png_, info_);
  }

  static void read(png_structp png, png_bytep to, std::size_t count) {
    auto& from = *static_cast<std::string_view*>(png_get_io_ptr(png));
    if (from.size() < count) png_error(png, "the file is cut short");
    std::memcpy(to, from.data(), count);
    from.remove_prefix(count);
  }
  static void on_error(png_structp png, png_const_charp reason) {
    static_cast<Guard*>(png_get_error_ptr(png))->fail(reason);
  }

  std::string_view bytes_;  // that are not read yet
  const std::string& path_;
  Guard guard_;
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
};

class JpegDecoder {
 public:
  JpegDecoder(std::string_view bytes, const std::string& path)
      : bytes_(bytes), path_(path), guard_(path, "JPEG") {
    info_.err = jpeg_std_error(&errors_);
    info_.client_data = &guard_;
    errors_.error_exit = on_error;
    errors_.emit_message = on_message;
  }
  ~JpegDecoder() { jpeg_destroy_decompress(&info_); }

  Image run() {
    guard_.run([this] { read_header(); });
    const std::size_t channels = info_.out_color_space == JCS_GRAYSCALE ? 1 : 3;
    Image image = make_image(info_.image_width, info_.image_height, channels, path_);
    guard_.run([&] { read_pixels(image); });
    return image;
  }

 private:
  void read_header() {
    jpeg_create_decompress(&info_);
    jpeg_mem_src(&info_, reinterpret_cast<const unsigned char*>(bytes_.data()), bytes_.size());
    jpeg_read_header(&info_, TRUE);
    if (info_.jpeg_color_space != JCS_GRAYSCALE) info_.out_color_space = JCS_RGB;
  }
  void read_pixels(Image& image) {
    jpeg_start_decompress(&info_);
    while (info_.output_scanline < info_.output_height) {
      JSAMPROW row = &image.pixels[info_.output_scanline * image.width * image.channels];
      jpeg_read_scanlines(&info_, &row, 1);
    }
    jpeg_finish_decompress(&info_);
  }

  static void on_error(j_common_ptr info) {
    char reason[JMSG_LENGTH_MAX];
    info->err->format_message(info, reason);
    static_cast<Guard*>(info->client_data)->fail(reason);
  }
  // libjpeg only warns of corrupt data, with a level below 0, and makes up the rest of the picture.
  static void on_message(j_common_ptr info, int level) {
    if (level < 0) on_error(info);
  }

  std::string_view bytes_;
  const std::string& path_;
  Guard guard_;
  jpeg_error_mgr errors_{};
  jpeg_decompress_struct info_{};
};

// Which of P1 to P6: the first three are text, the others bytes; of bits, gray samples and colours in turn.
class PnmDecoder {
 public:
  PnmDecoder(std::string_view bytes, const std::string& path)
      : bytes_(bytes), path_(path), kind_(bytes[1] - '0'), scan_(bytes.substr(2)) {}

  Image run() {
    const std::size_t width = number("a width", 1, kMostPixels);
    const std::size_t height = number("a height", 1, kMostPixels);
    if (!bits()) white_ = number("a largest sample", 1, 65535);
    if (!text()) skip_separator();
    const std::size_t channels = kind_ % 3 == 0 ? 3 : 1;
    const std::size_t row = kind_ == 4 ? (width + 7) / 8 : width * channels * sample_bytes();
    require_bytes(row * height);
    Image image = make_image(width, height, channels, path_);
    if (text()) read_text(image);
    if (kind_ == 4) read_bits(image, row);
    if (kind_ > 4) read_bytes(image);
    return image;
  }

 private:
  bool text() const { return kind_ <= 3; }
  bool bits() const { return kind_ % 3 == 1; }
  // At least, for text.
  std::size_t sample_bytes() const { return !text() && white_ > 255 ? 2 : 1; }
  std::uint8_t scaled(std::uint32_t sample) const {
    return static_cast<std::uint8_t>((255 * sample + white_ / 2) / white_);
  }

  void read_text(Image& image) {
    for (std::uint8_t& pixel : image.pixels)
      pixel = scaled(bits() ? 1 - bit() : number("a sample", 0, white_));
  }
  void read_bits(Image& image, std::size_t row) const {
    for (std::size_t y = 0; y < image.height; ++y)
      for (std::size_t x = 0; x < image.width; ++x)
        image.pixels[y * image.width + x] = scaled((scan_.at()[y * row + x / 8] >> (7 - x % 8) & 1) == 0);
  }
  void read_bytes(Image& image) const {
    const char* at = scan_.at();
    const auto byte = [&at] { return static_cast<unsigned char>(*at++); };
    for (std::uint8_t& pixel : image.pixels) {
      std::uint32_t sample = byte();
      if (sample_bytes() == 2) sample = sample << 8 | byte();
      if (sample > white_)
        throw InputError({path_}, fmt::format("found a sample of {}, expected {} at most", sample, white_));
      pixel = scaled(sample);
    }
  }

  // Blanks, line ends and comments.
  void skip_space() {
    for (; !scan_.done(); scan_.skip_line()) {
      scan_.skip_blanks();
      if (!scan_.at_line_end() && scan_.peek() != '#') return;
    }
  }
  // Exactly one: what follows is data, whatever it looks like.
  void skip_separator() {
    if (scan_.done() || !scan_.at_separator()) fail("a blank or a line end in front of the pixels");
    scan_.skip(scan_.peek());
  }
  std::uint32_t number(const char* what, std::uint32_t lowest, std::uint32_t highest) {
    const char* before = scan_.at();
    skip_space();
    const Scanner start = scan_;
    const std::optional<std::uint64_t> value = scan_.integer();
    if (start.at() != before && value && lowest <= *value && *value <= highest)
      return static_cast<std::uint32_t>(*value);
    scan_ = start;
    fail(fmt::format("{} from {} to {}", what, lowest, highest));
  }
  std::uint32_t bit() {
    skip_space();
    if (scan_.skip('0')) return 0;
    if (scan_.skip('1')) return 1;
    fail("a bit (0 or 1)");
  }

  void require_bytes(std::size_t expected) const {
    const auto found = static_cast<std::size_t>(bytes_.data() + bytes_.size() - scan_.at());
    if (found >= expected) return;
    throw InputError(
        {path_}, fmt::format("cut short: found {} bytes of pixels, expected at least {}", found, expected));
  }
  [[noreturn]] void fail(std::string_view expected) const {
    throw InputError(locate(path_, bytes_, scan_.at()),
                     fmt::format("found {}, expected {}", found_at(scan_), expected));
  }

  std::string_view bytes_;
  const std::string& path_;
  int kind_;
  Scanner scan_;
  std::uint32_t white_ = 1;  // the largest sample
};

}  // namespace

Image read_image(const std::string& path) {
  const Input input(path);
  const std::string_view bytes = input.bytes();
  if (bytes.starts_with("\x89PNG\r\n\x1a\n")) return PngDecoder(bytes, path).run();
  if (bytes.starts_with("\xff\xd8\xff")) return JpegDecoder(bytes, path).run();
  if (bytes.size() > 2 && bytes[0] == 'P' && bytes[1] >= '1' && bytes[1] <= '6')
    return PnmDecoder(bytes, path).run();
  throw InputError({path}, fmt::format("found {}, expected a PNG, JPEG or PNM (P1 to P6) file",
                                       bytes.empty() ? "an empty file" : quoted(bytes.substr(0, 8))));
}

void write_png(const Image& image, const std::string& path) {
  assert(image.channels == 1 || image.channels == 3);
  assert(image.pixels.size() == image.width * image.height * image.channels);
  png_image png{};
  png.version = PNG_IMAGE_VERSION;
  png.width = static_cast<png_uint_32>(image.width);
  png.height = static_cast<png_uint_32>(image.height);
  png.format = image.channels == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB;
  png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(png);
  std::string bytes(size, '\0');
  if (png_image_write_to_memory(&png, bytes.data(), &size, 0, image.pixels.data(), 0, nullptr) == 0)
    throw InputError({path}, fmt::format("cannot be written as PNG: {}", png.message));
  bytes.resize(size);
  write_file(path, bytes);
}

}  // namespace sounder
