#include "io/idx.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "io/input.h"
#include "io/random.h"
#include "test/support.h"

namespace sounder {
namespace {

using namespace std::string_view_literals;
using Bytes = std::vector<std::uint8_t>;

// A file with given bytes, and what the readers say to it; messages without the path.
class IdxFile {
 public:
  explicit IdxFile(std::string_view bytes) : bytes_(bytes) { test::write_file(path(), bytes); }

  std::string path() const { return dir_ / "data.idx"; }
  IdxImages images() const { return parse_idx_images(bytes_, path()); }
  std::string images_error() const {
    return error_of([&] { images(); });
  }
  std::string labels_error() const {
    return error_of([&] { read_idx_labels(path()); });
  }

 private:
  template <class Action>
  std::string error_of(Action&& action) const {
    const std::string message = test::input_error_of(action);
    const std::string prefix = path() + ": ";
    return message.starts_with(prefix) ? message.substr(prefix.size()) : message;
  }

  std::string bytes_;
  test::TempDir dir_;
};

TEST_CASE("idx: reads images and labels") {
  const IdxFile file("\0\0\x08\x03\0\0\0\2\0\0\0\1\0\0\0\3\1\2\3\4\5\xff"sv);
  const IdxImages images = file.images();
  CHECK(images.rows == 1);
  CHECK(images.cols == 3);
  CHECK(std::ranges::equal(images.pixels, Bytes{1, 2, 3, 4, 5, 255}));
  CHECK(read_idx_labels(IdxFile("\0\0\x08\x01\0\0\0\3\0\x09\xff"sv).path()) == Bytes{0, 9, 255});
}

TEST_CASE("idx: sizes are big-endian") {
  std::string bytes("\0\0\x08\x01\0\0\1\2"sv);
  bytes.append(0x102, '\7');
  CHECK(read_idx_labels(IdxFile(bytes).path()).size() == 0x102);
}

TEST_CASE("idx: refuses images that are none") {
  struct Case {
    std::string_view bytes;
    const char* message;
  };
  const Case cases[] = {
      {""sv, "offset 0: found the end of the file, expected the magic number (4 bytes)"},
      {"\0\0\x08\x01\0\0\0\1\7"sv,
       "offset 0: found the magic number 0x00000801 (labels), expected 0x00000803 (images of unsigned "
       "bytes)"},
      {"GIF8"sv,
       "offset 0: found the magic number 0x47494638, expected 0x00000803 (images of unsigned bytes)"},
      {"\0\0\x08\x03\0\0\0"sv,
       "offset 4: found the end of the file, expected the number of images (4 bytes)"},
      {"\0\0\x08\x03\0\0\0\0"sv, "offset 4: found 0, expected the number of images (1 or more)"},
      {"\0\0\x08\x03\0\0\0\1\0\0\0\2\0\0\0\0"sv,
       "offset 12: found 0, expected the columns of an image (1 or more)"},
      {"\0\0\x08\x03\0\0\0\1\0\0\0\1\0\0\0\2\1"sv,
       "offset 16: found 1 bytes to the end of the file, expected 1 items of 2 bytes"},
      {"\0\0\x08\x03\0\0\0\1\0\0\0\1\0\0\0\2\1\2\3\4"sv,
       "offset 16: found 4 bytes to the end of the file, expected 1 items of 2 bytes"},
      {"\0\0\x08\x03\0\0\0\4\x80\0\0\0\x80\0\0\0"sv,
       "offset 16: found 0 bytes to the end of the file, expected 4 items of 4611686018427387904 bytes"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.message);
    CHECK(IdxFile(c.bytes).images_error() == c.message);
  }
}

TEST_CASE("idx: refuses labels that are none") {
  CHECK(
      IdxFile("\0\0\x08\x03"sv).labels_error() ==
      "offset 0: found the magic number 0x00000803 (images), expected 0x00000801 (labels of unsigned bytes)");
  CHECK(IdxFile("\0\0\x08\x01\0\0\0\2\1"sv).labels_error() ==
        "offset 8: found 1 bytes to the end of the file, expected 2 items of 1 bytes");
}

TEST_CASE("idx: pictures become samples of pixels from 0 to 1, black ones left out") {
  constexpr auto kBytes = "\0\0\x08\x03\0\0\0\3\0\0\0\1\0\0\0\2\0\xff\0\0\x33\x66"sv;
  const IdxFile labels("\0\0\x08\x01\0\0\0\3\7\0\x09"sv);
  const Dataset data = parse_idx_samples(kBytes, "three", labels.path());
  CHECK(data.dimension() == 2);
  CHECK(std::ranges::equal(data.offsets(), std::vector<std::uint64_t>{0, 1, 1, 3}));
  CHECK(std::ranges::equal(data.indices(), std::vector<Coordinate>{1, 0, 1}));
  CHECK(std::ranges::equal(data.values(), std::vector<float>{1, 0.2F, 0.4F}));
  CHECK(std::ranges::equal(data.labels(), std::vector<float>{7, 0, 9}));
  CHECK(std::ranges::equal(parse_idx_samples(kBytes, "three", "").labels(), std::vector<float>{0, 0, 0}));
}

TEST_CASE("idx: any number of threads comes to the same samples") {
  constexpr std::size_t kImages = 600;
  constexpr std::size_t kPixels = 5 * 7;
  std::string bytes("\0\0\x08\x03\0\0\2\x58\0\0\0\5\0\0\0\7"sv);
  Random random(1);
  std::vector<std::uint64_t> offsets{0};
  std::vector<Coordinate> indices;
  std::vector<float> values;
  for (std::size_t i = 0; i < kImages; ++i) {
    for (std::size_t k = 0; k < kPixels; ++k) {
      const auto pixel = static_cast<std::uint8_t>(random.next() % 4 == 0 ? random.next() : 0);
      bytes.push_back(static_cast<char>(pixel));
      if (pixel == 0) continue;
      indices.push_back(static_cast<Coordinate>(k));
      values.push_back(static_cast<float>(pixel) / 255);
    }
    offsets.push_back(indices.size());
  }
  for (const std::size_t threads : test::kThreadSweep) {
    CAPTURE(threads);
    const Dataset data = parse_idx_samples(bytes, "many", "", test::on_threads(threads));
    CHECK(std::ranges::equal(data.offsets(), offsets));
    CHECK(std::ranges::equal(data.indices(), indices));
    CHECK(std::ranges::equal(data.values(), values));
  }
}

TEST_CASE("idx: refuses labels that are not as many as the pictures") {
  const IdxFile labels("\0\0\x08\x01\0\0\0\2\7\0"sv);
  const auto parse = [&] {
    parse_idx_samples("\0\0\x08\x03\0\0\0\1\0\0\0\1\0\0\0\1\5"sv, "one", labels.path());
  };
  CHECK(test::input_error_of(parse) ==
        labels.path() + ": found 2 labels, expected one for each of the 1 images of one");
}

TEST_CASE("idx: images are told by their magic number") {
  CHECK(is_idx_images("\0\0\x08\x03\0"sv));
  for (const std::string_view bytes : {""sv, "\0\0\x08"sv, "\0\0\x08\x01\0\0"sv, "1 3:0.5\n"sv}) {
    CAPTURE(bytes);
    CHECK(!is_idx_images(bytes));
  }
}

}  // namespace
}  // namespace sounder
