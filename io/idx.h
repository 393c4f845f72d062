#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sounder {

// Grey pictures of one size, one behind the other, each row by row from the top, a byte a pixel.
struct IdxImages {
  std::uint32_t rows = 0;  // of one picture; > 0, as are the columns
  std::uint32_t cols = 0;
  std::vector<std::uint8_t> pixels;
};

// Read the IDX files of MNIST (LeCun, Cortes and Burges, "The MNIST database of handwritten digits"), plain
// or compressed (see io/input.h): a magic number, the sizes as big-endian 32-bit numbers, the bytes. Throw
// InputError, naming the offset in the uncompressed file, for another magic number, a size of 0, or more or
// fewer bytes than the sizes announce.
IdxImages read_idx_images(const std::string& path);
std::vector<std::uint8_t> read_idx_labels(const std::string& path);

}  // namespace sounder
