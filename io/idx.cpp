#include "io/idx.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include "io/error.h"
#include "io/input.h"
#include "io/pages.h"

namespace sounder {
namespace {

// Two zero bytes, 8 for unsigned bytes, the number of sizes.
constexpr std::uint32_t kLabelsMagic = 0x00000801;
constexpr std::uint32_t kImagesMagic = 0x00000803;

// Reads from the front and knows how far it is.
class Reader {
 public:
  Reader(std::string_view bytes, const std::string& path) : path_(path), bytes_(bytes) {}

  std::uint32_t number(const char* what) {
    constexpr std::size_t kBytes = 4;
    if (rest().size() < kBytes)
      fail(fmt::format("found the end of the file, expected {} ({} bytes)", what, kBytes));
    std::uint32_t value = 0;
    for (const char c : rest().substr(0, kBytes)) value = value << 8 | static_cast<unsigned char>(c);
    offset_ += kBytes;
    return value;
  }

  void expect_magic(std::uint32_t expected, const char* content) {
    const std::uint32_t found = number("the magic number");
    if (found == expected) return;
    offset_ = 0;
    const bool swapped = found == kLabelsMagic || found == kImagesMagic;
    const char* known = found == kLabelsMagic ? " (labels)" : " (images)";
    fail(fmt::format("found the magic number 0x{:08x}{}, expected 0x{:08x} ({})", found, swapped ? known : "",
                     expected, content));
  }

  std::uint32_t size(const char* what) {
    const std::uint32_t value = number(what);
    if (value > 0) return value;
    offset_ -= sizeof value;
    fail(fmt::format("found 0, expected {} (1 or more)", what));
  }

  // All bytes that are left: `items` of `bytes` each. Divides, as the product may not fit 64 bits.
  std::span<const std::uint8_t> items(std::uint64_t items, std::uint64_t bytes) const {
    const std::string_view data = rest();
    if (data.size() % bytes != 0 || data.size() / bytes != items)
      fail(fmt::format("found {} bytes to the end of the file, expected {} items of {} bytes", data.size(),
                       items, bytes));
    return {reinterpret_cast<const std::uint8_t*>(data.data()), data.size()};
  }

 private:
  std::string_view rest() const { return bytes_.substr(offset_); }
  [[noreturn]] void fail(const std::string& message) const {
    throw InputError({path_}, fmt::format("offset {}: {}", offset_, message));
  }

  const std::string& path_;
  std::string_view bytes_;
  std::size_t offset_ = 0;
};

std::vector<float> read_labels(const std::string& path, std::size_t images, const std::string& name) {
  if (path.empty()) return std::vector<float>(images, 0.0F);
  const std::vector<std::uint8_t> labels = read_idx_labels(path);
  if (labels.size() == images) return {labels.begin(), labels.end()};
  throw InputError({path}, fmt::format("found {} labels, expected one for each of the {} images of {}",
                                       labels.size(), images, name));
}

using Pixels = std::span<const std::uint8_t>;

std::size_t black_of(Pixels image) {
  return static_cast<std::size_t>(std::ranges::count(image, std::uint8_t{0}));
}

// The pixels that are not black, and their places. Most are, and many in a row.
void put_down(Pixels image, Coordinate* index, float* value) {
  constexpr std::size_t kStretch = 16;
  for (std::size_t first = 0; first < image.size(); first += kStretch) {
    const Pixels stretch = image.subspan(first, std::min(kStretch, image.size() - first));
    if (black_of(stretch) == stretch.size()) continue;
    for (std::size_t k = 0; k < stretch.size(); ++k) {
      if (stretch[k] == 0) continue;
      *index++ = static_cast<Coordinate>(first + k);
      *value++ = static_cast<float>(stretch[k]) / 255;
    }
  }
}

}  // namespace

IdxImages parse_idx_images(std::string_view bytes, const std::string& name) {
  Reader reader(bytes, name);
  reader.expect_magic(kImagesMagic, "images of unsigned bytes");
  const std::uint32_t images = reader.size("the number of images");
  const std::uint32_t rows = reader.size("the rows of an image");
  const std::uint32_t cols = reader.size("the columns of an image");
  return {rows, cols, reader.items(images, std::uint64_t{rows} * cols)};
}

std::vector<std::uint8_t> read_idx_labels(const std::string& path) {
  const Input input(path);
  Reader reader(input.bytes(), path);
  reader.expect_magic(kLabelsMagic, "labels of unsigned bytes");
  const std::uint32_t labels = reader.size("the number of labels");
  const std::span<const std::uint8_t> items = reader.items(labels, 1);
  return {items.begin(), items.end()};
}

bool is_idx_images(std::string_view bytes) {
  constexpr std::string_view kMagic("\0\0\x08\x03", 4);
  return bytes.starts_with(kMagic);
}

Dataset parse_idx_samples(std::string_view bytes, const std::string& name, const std::string& labels,
                          const ParallelFor& parallel) {
  const IdxImages images = parse_idx_images(bytes, name);
  const std::size_t size = std::size_t{images.rows} * images.cols;
  const std::size_t count = images.pixels.size() / size;
  const auto for_each_image = [&](auto&& body) {
    constexpr std::size_t kPart = 256;
    parallel((count + kPart - 1) / kPart, [&](std::size_t part) {
      const std::size_t end = std::min(count, (part + 1) * kPart);
      for (std::size_t i = part * kPart; i < end; ++i) body(i, images.pixels.subspan(i * size, size));
    });
  };
  std::vector<std::uint64_t> offsets(count + 1);
  for_each_image([&](std::size_t i, Pixels image) { offsets[i + 1] = size - black_of(image); });
  std::partial_sum(offsets.begin(), offsets.end(), offsets.begin());
  std::shared_ptr<std::byte> indices = allocate_pages(offsets.back() * sizeof(Coordinate));
  std::shared_ptr<std::byte> values = allocate_pages(offsets.back() * sizeof(float));
  for_each_image([&](std::size_t i, Pixels image) {
    const std::size_t at = offsets[i];
    put_down(image, reinterpret_cast<Coordinate*>(indices.get()) + at,
             reinterpret_cast<float*>(values.get()) + at);
  });
  return Dataset::adopt(size, std::move(offsets), std::move(indices), std::move(values),
                        read_labels(labels, count, name));
}

}  // namespace sounder
