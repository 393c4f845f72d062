#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "io/dataset.h"
#include "io/parallel.h"

namespace sounder {

// Grey pictures of one size, one behind the other, each row by row from the top, a byte a pixel. A view.
struct IdxImages {
  std::uint32_t rows = 0;  // of one picture; > 0, as are the columns
  std::uint32_t cols = 0;
  std::span<const std::uint8_t> pixels;
};

// Read the IDX files of MNIST (LeCun, Cortes and Burges, "The MNIST database of handwritten digits"): a magic
// number, the sizes as big-endian 32-bit numbers, the bytes. Throw InputError, naming the offset in the
// uncompressed file, for another magic number, a size of 0, or more or fewer bytes than the sizes announce.
// Images are uncompressed and called `name` in messages; the file of labels may be compressed (see io/stream.h).
IdxImages parse_idx_images(std::string_view bytes, const std::string& name);
std::vector<std::uint8_t> read_idx_labels(const std::string& path);

// Whether these are the bytes of IDX images, by the magic number that they begin with.
inline constexpr std::size_t kIdxMagicBytes = 4;
bool is_idx_images(std::string_view bytes);

// The pictures in `bytes` (uncompressed, of the file `name`) as samples: pixel k, counted from 0 row by row,
// is coordinate k, its value 0 to 1; black ones are not stored. `labels` is the path of their labels; "": all
// are 0. Throws InputError, also when there are not as many labels as pictures.
Dataset parse_idx_samples(std::string_view bytes, const std::string& name, const std::string& labels,
                          const ParallelFor& parallel = run_serially);

}  // namespace sounder
