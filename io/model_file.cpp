#include "io/model_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <span>
#include <string_view>
#include <system_error>
#include <tuple>
#include <utility>

#include "io/checksum.h"
#include "io/error.h"
#include "io/model_header.h"
#include "io/model_names.h"
#include "io/output.h"

namespace sounder {
namespace {

static_assert(std::endian::native == std::endian::little, "weights are stored as they lie in memory");

[[noreturn]] void fail(const std::string& path, std::string_view message) {
  throw InputError({path}, message);
}

template <class Values>
std::string_view bytes_of(const Values& values) {
  const auto bytes = std::as_bytes(std::span(values));
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

void require_finite(std::string_view what, std::span<const float> values, const std::string& path) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (std::isfinite(values[i])) continue;
    fail(path, fmt::format("{}[{}] is {}, expected a finite number", what, i, values[i]));
  }
}

void check_names(const Model& model, const ModelSizes& sizes, const std::string& path) {
  std::uint64_t unnamed = sizes.names.empty() ? 0 : model.dimension;
  for (const std::uint64_t size : sizes.names) {
    if (size > unnamed) fail(path, fmt::format("more names than the dimension {}", model.dimension));
    unnamed -= size;
  }
  if (unnamed > 0) fail(path, fmt::format("{} names too few for the dimension {}", unnamed, model.dimension));
  if (sizes.seen_bytes > 0 && sizes.names.size() != 2)
    fail(path, fmt::format("{} parts of names, expected 2 for pairs", sizes.names.size()));
  if (sizes.names.size() > 2)
    fail(path, fmt::format("{} parts of names, expected 2 at most", sizes.names.size()));
}

// Whether what the text says fits together.
void check_text(const Model& model, const ModelSizes& sizes, const std::string& path) {
  if (model.width == 0) fail(path, "width 0, expected 1 or more");
  if (model.index_base > 1) fail(path, fmt::format("index_base {}, expected 0 or 1", model.index_base));
  if (sizes.biases % model.width != 0)
    fail(path, fmt::format("{} biases, expected a multiple of {}", sizes.biases, model.width));
  const auto& classes = model.labels.classes;
  const auto down = std::ranges::adjacent_find(classes, std::greater_equal<>());
  if (down != classes.end())
    fail(path, fmt::format("class {} before {}, expected them to increase", down[0], down[1]));
  check_names(model, sizes, path);
}

// `room` is the number of bytes behind the text.
void check_room(const Model& model, const ModelSizes& sizes, std::uint64_t room, const std::string& path) {
  const auto take = [&](std::string_view what, std::uint64_t count, std::uint64_t bytes) {
    if (count > room / bytes)
      fail(path, fmt::format("truncated: {} bytes are left for the {}, expected {} x {}", room, what, count,
                             bytes));
    room -= count * bytes;
  };
  take("weights", model.dimension, model.width * sizeof(float));
  take("biases", sizes.biases, sizeof(float));
  take("names", sizes.name_bytes, 1);
  take("pairs", sizes.seen_bytes, 1);
  take("checksum", 1, sizeof(std::uint64_t));
  if (room > 0) fail(path, fmt::format("{} bytes too many behind the text", room));
}

class Reader {
 public:
  explicit Reader(const std::string& path);
  Model read();

 private:
  void read_bytes(void* to, std::size_t count);
  ModelHeader read_text();
  template <class Values>
  void fill(Values& values);
  void check_sum();

  std::string path_;
  std::ifstream stream_;
  std::uint64_t size_ = 0;
  Checksum sum_;  // of what read_text() and fill() have read
};

// What is there is looked at first: opening a pipe would wait for its writer. The size is that of what was opened, as another
// model may have been put in its place meanwhile.
Reader::Reader(const std::string& path) : path_(path) {
  std::error_code error;
  std::ignore = std::filesystem::file_size(path, error);
  std::error_code unknown;
  if (std::filesystem::is_fifo(path, unknown))
    fail(path, "cannot read: a pipe, expected a file, as models are read by name");
  if (error) fail(path, fmt::format("cannot read: {}", error.message()));
  stream_.open(path, std::ios::binary | std::ios::ate);
  if (!stream_) fail(path, fmt::format("cannot read: {}", std::generic_category().message(errno)));
  const std::streamoff size = stream_.tellg();
  if (size < 0 || !stream_.seekg(0))
    fail(path, fmt::format("cannot read: {}", std::generic_category().message(errno)));
  size_ = static_cast<std::uint64_t>(size);
}

Model Reader::read() {
  ModelHeader header = read_text();
  Model& model = header.model;
  const ModelSizes& sizes = header.sizes;
  check_text(model, sizes, path_);
  check_room(model, sizes, size_ - header.bytes, path_);
  model.weights.resize(model.dimension * model.width);
  model.bias.resize(sizes.biases);
  std::string names(sizes.name_bytes, '\0');
  std::string pairs(sizes.seen_bytes, '\0');
  fill(model.weights);
  fill(model.bias);
  fill(names);
  fill(pairs);
  check_sum();
  require_finite("weights", model.weights, path_);
  require_finite("bias", model.bias, path_);
  model.names = decode_names(names, sizes.names, path_);
  model.seen = decode_pairs(pairs, sizes.names, path_);
  return std::move(model);
}

void Reader::read_bytes(void* to, std::size_t count) {
  stream_.read(static_cast<char*>(to), static_cast<std::streamsize>(count));
  if (!stream_) fail(path_, "cannot read: it ends early");
}

ModelHeader Reader::read_text() {
  std::string beginning(std::min<std::uint64_t>(size_, kMaxModelHeader), '\0');
  read_bytes(beginning.data(), beginning.size());
  ModelHeader header = parse_model_header(beginning, path_);
  sum_.add(std::string_view(beginning).substr(0, header.bytes));
  stream_.seekg(static_cast<std::streamoff>(header.bytes));
  return header;
}

template <class Values>
void Reader::fill(Values& values) {
  read_bytes(values.data(), bytes_of(values).size());
  sum_.add(bytes_of(values));
}

void Reader::check_sum() {
  std::uint64_t expected = 0;
  read_bytes(&expected, sizeof(expected));
  if (sum_.value() != expected) fail(path_, "corrupt: the checksum does not match");
}

ModelSizes sizes_of(const Model& model, std::string_view names, std::string_view pairs) {
  ModelSizes sizes{
      .biases = model.bias.size(), .names = {}, .name_bytes = names.size(), .seen_bytes = pairs.size()};
  for (const auto& part : model.names) sizes.names.push_back(part.size());
  return sizes;
}

void check_pairs(const Model& model, const std::string& path) {
  if (model.names.size() != 2)
    fail(path, fmt::format("{} parts of names, expected 2 for pairs", model.names.size()));
  const std::size_t first = model.names[0].size();
  const std::size_t second = model.names[1].size();
  if (model.seen.size() != first)
    fail(path, fmt::format("pairs of {}, expected {}", model.seen.size(), first));
  for (const auto& numbers : model.seen) {
    const bool increase = std::ranges::adjacent_find(numbers, std::greater_equal<>()) == numbers.end();
    if (!increase || (!numbers.empty() && numbers.back() >= second))
      fail(path, fmt::format("pairs of {} (counted from 0): found no increasing numbers below {}",
                             &numbers - model.seen.data(), second));
  }
}

}  // namespace

void save_model(const Model& model, const std::string& path) {
  if (model.width == 0 || model.weights.size() % model.width != 0 ||
      model.weights.size() / model.width != model.dimension)
    fail(path,
         fmt::format("{} weights, expected {} x {}", model.weights.size(), model.dimension, model.width));
  if (!model.seen.empty()) check_pairs(model, path);
  const std::string names = encode_names(model.names, path);
  const std::string pairs = encode_pairs(model.seen);
  const ModelSizes sizes = sizes_of(model, names, pairs);
  check_text(model, sizes, path);
  require_finite("weights", model.weights, path);
  require_finite("bias", model.bias, path);
  const std::string text = make_model_header(model, sizes, path);
  const std::string_view parts[] = {text, bytes_of(model.weights), bytes_of(model.bias), names, pairs};
  OutputFile file(path);
  Checksum sum;
  for (const std::string_view part : parts) {
    sum.add(part);
    file.write(part);
  }
  const std::uint64_t value = sum.value();
  file.write({reinterpret_cast<const char*>(&value), sizeof(value)});
  file.commit();
}

Model load_model(const std::string& path) {
  return Reader(path).read();
}

}  // namespace sounder
