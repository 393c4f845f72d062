#include "io/model_file.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <bit>
#include <cassert>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <concepts>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <map>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <system_error>
#include <tuple>
#include <type_traits>
#include <utility>

#include "io/error.h"
#include "io/output.h"

namespace sounder {
namespace {

static_assert(std::endian::native == std::endian::little, "weights are stored as they lie in memory");

constexpr std::string_view kMagic = "sounder model ";
constexpr unsigned kVersion = 1;
constexpr std::string_view kLastLine = "weights";
constexpr std::size_t kMaxHeader = std::size_t{1} << 16;

[[noreturn]] void fail(const std::string& path, std::string_view message, std::size_t line = 0) {
  throw InputError({path, line}, message);
}

struct Header {
  Model model;  // without weights and bias
  std::uint64_t biases = 0;
};

// The one list of keys, for writing and for reading.
void visit_fields(auto& model, auto& biases, auto&& visit) {
  visit("objective", model.objective);
  visit("objective_parameter", model.objective_parameter);
  visit("dimension", model.dimension);
  visit("width", model.width);
  visit("biases", biases);
  visit("negative_label", model.labels.negative);
  visit("positive_label", model.labels.positive);
  visit("positive_above", model.label_rule.positive_above);
  visit("positive_class", model.label_rule.positive_class);
  visit("normalize", model.normalize);
  visit("index_base", model.index_base);
  visit("l2", model.l2);
  visit("rows", model.rows);
}

std::string to_text(const std::string& value) {
  return value;
}
std::string to_text(bool value) {
  return value ? "yes" : "no";
}
std::string to_text(const std::optional<double>& value) {
  return value ? fmt::format("{}", *value) : "none";
}
template <class Number>
std::string to_text(Number value) {
  return fmt::format("{}", value);
}

// from_text() is the inverse of to_text() and tells whether `text` was valid.
bool from_text(std::string_view text, std::string& value) {
  value = text;
  return text.find('\n') == text.npos;
}

bool from_text(std::string_view text, bool& value) {
  value = text == "yes";
  return value || text == "no";
}

template <class Number>
requires std::integral<Number> || std::floating_point<Number>
bool from_text(std::string_view text, Number& value) {
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  return error == std::errc() && rest == end && std::isfinite(static_cast<double>(value));
}

bool from_text(std::string_view text, std::optional<double>& value) {
  if (text == "none") return true;
  return from_text(text, value.emplace());
}

std::string_view bytes_of(std::span<const float> values) {
  return {reinterpret_cast<const char*>(values.data()), values.size_bytes()};
}

std::uint64_t checksum(std::initializer_list<std::string_view> parts) {
  struct Free {
    void operator()(XXH3_state_t* state) const { XXH3_freeState(state); }
  };
  const std::unique_ptr<XXH3_state_t, Free> state(XXH3_createState());
  if (state == nullptr) throw std::bad_alloc();
  XXH3_64bits_reset(state.get());
  for (const std::string_view part : parts) XXH3_64bits_update(state.get(), part.data(), part.size());
  return XXH3_64bits_digest(state.get());
}

void require_finite(std::string_view what, std::span<const float> values, const std::string& path) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (std::isfinite(values[i])) continue;
    fail(path, fmt::format("{}[{}] is {}, expected a finite number", what, i, values[i]));
  }
}

std::string make_header(const Model& model, const std::string& path) {
  std::string text = fmt::format("{}{}\n", kMagic, kVersion);
  const std::uint64_t biases = model.bias.size();
  visit_fields(model, biases, [&](std::string_view key, const auto& value) {
    const std::string shown = to_text(value);
    std::remove_cvref_t<decltype(value)> same;
    if (!from_text(shown, same)) {
      fail(path, fmt::format("{} '{}' cannot be kept in a model file", key, shown));
    }
    text += fmt::format("{} {}\n", key, shown);
  });
  text += fmt::format("{}\n", kLastLine);
  if (text.size() > kMaxHeader) fail(path, "the objective's name is too long for a model file");
  return text;
}

void check_first_line(std::string_view line, const std::string& path) {
  unsigned version = 0;
  const bool known =
      line.starts_with(kMagic) && from_text(line.substr(kMagic.size()), version) && version > 0;
  if (!known)
    fail(path, fmt::format("not a sounder model, expected the first line '{}{}'", kMagic, kVersion));
  if (version == kVersion) return;
  fail(path, fmt::format("format {} of a newer program, expected format {} at most", version, kVersion));
}

// `text` is the beginning of the file; the result ends where the weights begin.
std::string_view cut_header(std::string_view text, const std::string& path) {
  if (text.empty()) fail(path, "empty file, expected a sounder model");
  check_first_line(text.substr(0, text.find('\n')), path);
  const std::size_t last_line = text.find(fmt::format("\n{}\n", kLastLine));
  if (last_line == text.npos) fail(path, fmt::format("truncated: no line '{}'", kLastLine));
  return text.substr(0, last_line + kLastLine.size() + 2);
}

struct Entry {
  std::string_view value;
  std::size_t line;
};
using Entries = std::map<std::string_view, Entry>;

// The lines between the first and the last.
Entries split_header(std::string_view text, const std::string& path) {
  Entries entries;
  text.remove_suffix(kLastLine.size() + 1);
  text.remove_prefix(text.find('\n') + 1);
  for (std::size_t number = 2; !text.empty(); ++number) {
    const std::string_view line = text.substr(0, text.find('\n'));
    const std::size_t space = line.find(' ');
    if (space == line.npos) fail(path, fmt::format("found '{}', expected a key and a value", line), number);
    const std::string_view key = line.substr(0, space);
    const bool first = entries.emplace(key, Entry{line.substr(space + 1), number}).second;
    if (!first) fail(path, fmt::format("a second '{}'", key), number);
    text.remove_prefix(line.size() + 1);
  }
  return entries;
}

Header parse_header(std::string_view text, const std::string& path) {
  Entries entries = split_header(text, path);
  Header header;
  visit_fields(header.model, header.biases, [&](std::string_view key, auto& field) {
    const auto found = entries.find(key);
    if (found == entries.end()) fail(path, fmt::format("no line '{}'", key));
    const auto [value, line] = found->second;
    if (!from_text(value, field)) fail(path, fmt::format("'{}' is no valid {}", value, key), line);
    entries.erase(found);
  });
  if (entries.empty()) return header;
  const auto& [key, entry] = *entries.begin();
  fail(path, fmt::format("unknown key '{}'", key), entry.line);
}

// `room` is the number of bytes behind the header.
void check_sizes(const Header& header, std::uint64_t room, const std::string& path) {
  const auto [dimension, width, biases] =
      std::tuple(header.model.dimension, header.model.width, header.biases);
  if (width == 0) fail(path, "width 0, expected 1 or more");
  if (biases != 0 && biases != width) fail(path, fmt::format("{} biases, expected 0 or {}", biases, width));
  const std::uint64_t floats = room / sizeof(float);
  const bool truncated = dimension > floats / width;  // and if not, the product below fits
  const std::uint64_t expected =
      truncated ? 0 : (dimension * width + biases) * sizeof(float) + sizeof(std::uint64_t);
  if (truncated || room < expected) {
    fail(path, fmt::format("truncated: {} bytes of weights are too few for dimension {} and width {}", room,
                           dimension, width));
  }
  if (room > expected) fail(path, fmt::format("{} bytes too many behind the weights", room - expected));
}

class Reader {
 public:
  explicit Reader(const std::string& path);
  Model read();

 private:
  void read_bytes(void* to, std::size_t count);

  std::string path_;
  std::ifstream stream_;
  std::uint64_t size_ = 0;
};

// The size comes first: opening a pipe would wait for its writer.
Reader::Reader(const std::string& path) : path_(path) {
  std::error_code error;
  size_ = std::filesystem::file_size(path, error);
  if (error) fail(path, fmt::format("cannot read: {}", error.message()));
  stream_.open(path, std::ios::binary);
  if (!stream_) fail(path, fmt::format("cannot read: {}", std::generic_category().message(errno)));
}

void Reader::read_bytes(void* to, std::size_t count) {
  stream_.read(static_cast<char*>(to), static_cast<std::streamsize>(count));
  if (!stream_) fail(path_, "cannot read: it ends early");
}

Model Reader::read() {
  std::string beginning(std::min<std::uint64_t>(size_, kMaxHeader), '\0');
  read_bytes(beginning.data(), beginning.size());
  const std::string_view text = cut_header(beginning, path_);
  Header header = parse_header(text, path_);
  check_sizes(header, size_ - text.size(), path_);

  Model& model = header.model;
  model.weights.resize(model.dimension * model.width);
  model.bias.resize(header.biases);
  std::uint64_t expected = 0;
  stream_.seekg(static_cast<std::streamoff>(text.size()));
  read_bytes(model.weights.data(), bytes_of(model.weights).size());
  read_bytes(model.bias.data(), bytes_of(model.bias).size());
  read_bytes(&expected, sizeof(expected));
  if (checksum({text, bytes_of(model.weights), bytes_of(model.bias)}) != expected) {
    fail(path_, "corrupt: the checksum does not match");
  }
  require_finite("weights", model.weights, path_);
  require_finite("bias", model.bias, path_);
  return std::move(model);
}

}  // namespace

void save_model(const Model& model, const std::string& path) {
  assert(model.weights.size() == model.dimension * model.width);
  assert(model.bias.empty() || model.bias.size() == model.width);
  require_finite("weights", model.weights, path);
  require_finite("bias", model.bias, path);
  const std::string header = make_header(model, path);
  const std::uint64_t sum = checksum({header, bytes_of(model.weights), bytes_of(model.bias)});
  OutputFile file(path);
  file.write(header);
  file.write(bytes_of(model.weights));
  file.write(bytes_of(model.bias));
  file.write({reinterpret_cast<const char*>(&sum), sizeof(sum)});
  file.commit();
}

Model load_model(const std::string& path) {
  return Reader(path).read();
}

}  // namespace sounder
