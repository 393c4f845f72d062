#include "io/model_file.h"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <filesystem>
#include <limits>
#include <string>
#include <vector>

#include "io/input.h"
#include "io/random.h"
#include "test/support.h"

namespace sounder {
namespace {

// A file made from the description of the format in io/model_file.h alone.
const std::string kHeader =
    "sounder model 1\n"
    "objective hinge\n"
    "objective_parameter 0.1\n"
    "dimension 3\n"
    "width 2\n"
    "biases 2\n"
    "negative_label 1\n"
    "positive_label 2\n"
    "positive_above none\n"
    "positive_class -1.5\n"
    "normalize yes\n"
    "index_base 0\n"
    "l2 1e-05\n"
    "rows 18446744073709551615\n"
    "weights\n";
const std::vector<float> kFloats = {0.1f, -2, 3e-38f, 1e-45f, -0.0f, 3.4028235e38f, 5, 6};

std::string file_of(std::string bytes, const std::vector<float>& floats) {
  bytes.append(reinterpret_cast<const char*>(floats.data()), floats.size() * sizeof(float));
  const std::uint64_t sum = XXH3_64bits(bytes.data(), bytes.size());
  return bytes.append(reinterpret_cast<const char*>(&sum), sizeof(sum));
}

// kHeader with one piece replaced.
std::string header_with(std::string_view from, std::string_view to) {
  std::string text = kHeader;
  const std::size_t at = text.find(from);
  REQUIRE(at != text.npos);
  return text.replace(at, from.size(), to);
}

// Why `bytes` are refused; "" when they are a model.
std::string refusal(const std::string& bytes) {
  const test::TempDir directory;
  test::write_file(directory / "model", bytes);
  const std::string error = test::input_error_of([&] { load_model(directory / "model"); });
  const std::size_t prefix = (directory / "model:").size();
  return error.starts_with(directory / "model:") ? error.substr(prefix) : error;
}

Model small_model() {
  Model model;
  model.objective = "hinge";
  model.dimension = 3;
  model.weights = {1, 2, 3};
  return model;
}

TEST_CASE("model_file: a file made from the description loads, field by field") {
  const test::TempDir directory;
  test::write_file(directory / "model", file_of(kHeader, kFloats));
  const Model model = load_model(directory / "model");
  CHECK(model.objective == "hinge");
  CHECK(model.objective_parameter == 0.1);
  CHECK(model.dimension == 3);
  CHECK(model.width == 2);
  CHECK(model.weights == std::vector<float>(kFloats.begin(), kFloats.begin() + 6));
  CHECK(std::signbit(model.weights[4]));
  CHECK(model.bias == std::vector<float>{5, 6});
  CHECK(model.labels.negative == 1);
  CHECK(model.labels.positive == 2);
  CHECK_FALSE(model.label_rule.positive_above.has_value());
  CHECK(model.label_rule.positive_class == -1.5);
  CHECK(model.normalize);
  CHECK(model.index_base == 0);
  CHECK(model.l2 == 1e-5);
  CHECK(model.rows == std::numeric_limits<std::uint64_t>::max());
}

TEST_CASE("model_file: saving gives the described bytes back") {
  const test::TempDir directory;
  test::write_file(directory / "model", file_of(kHeader, kFloats));
  save_model(load_model(directory / "model"), directory / "copy");
  CHECK(Input(directory / "copy").bytes() == file_of(kHeader, kFloats));
}

TEST_CASE("model_file: awkward values survive") {
  const test::TempDir directory;
  Model model;
  model.objective = "my own: \xce\xb1, 2 words ";
  model.objective_parameter = std::numeric_limits<double>::denorm_min();
  model.l2 = std::nextafter(0.1, 1);
  model.labels.negative = std::nextafter(0.1f, 1.0f);
  model.label_rule.positive_above = -std::numeric_limits<double>::max();
  save_model(model, directory / "model");
  const Model loaded = load_model(directory / "model");
  CHECK(loaded.objective == model.objective);
  CHECK(loaded.objective_parameter == model.objective_parameter);
  CHECK(loaded.l2 == model.l2);
  CHECK(loaded.labels.negative == model.labels.negative);
  CHECK(loaded.label_rule.positive_above == model.label_rule.positive_above);
  CHECK(loaded.weights.empty());
}

TEST_CASE("model_file: every flipped byte is noticed") {
  const test::TempDir directory;
  const std::string path = directory / "model";
  const std::string whole = file_of(kHeader, kFloats);
  for (std::size_t i = 0; i < whole.size(); ++i) {
    for (const int mask : {0x01, 0x20, 0x80, 0xff}) {
      CAPTURE(i);
      CAPTURE(mask);
      std::string bytes = whole;
      bytes[i] = static_cast<char>(bytes[i] ^ mask);
      test::write_file(path, bytes);
      CHECK(test::input_error_of([&] { load_model(path); }).starts_with(path + ":"));
    }
  }
}

TEST_CASE("model_file: every shorter or longer file is noticed") {
  const std::string whole = file_of(kHeader, kFloats);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    CAPTURE(size);
    const std::string expected = size == 0                   ? " empty file"
                                 : size < kHeader.find('\n') ? " not a sounder model"
                                                             : " truncated";
    CHECK(refusal(whole.substr(0, size)).starts_with(expected));
  }
  CHECK(refusal(whole + '\0') == " 1 bytes too many behind the weights");
  CHECK(refusal(whole) == "");
}

TEST_CASE("model_file: faults in the text are named") {
  const struct {
    std::string from, to, message;
  } cases[] = {
      {"sounder", "1 3:1", " not a sounder model, expected the first line 'sounder model 1'"},
      {"model 1", "model 0", " not a sounder model, expected the first line 'sounder model 1'"},
      {"model 1", "model 2", " format 2 of a newer program, expected format 1 at most"},
      {"width 2\n", "", " no line 'width'"},
      {"width 2\n", "width 2\nwidth 2\n", "6: a second 'width'"},
      {"rows", "colour red\nrows", "14: unknown key 'colour'"},
      {"l2 1e-05", "l2", "13: found 'l2', expected a key and a value"},
      {"l2 1e-05", "l2 inf", "13: 'inf' is no valid l2"},
      {"l2 1e-05", "l2 1e-05x", "13: '1e-05x' is no valid l2"},
      {"width 2", "width 4294967296", "5: '4294967296' is no valid width"},
      {"normalize yes", "normalize maybe", "11: 'maybe' is no valid normalize"},
      {"width 2", "width 0", " width 0, expected 1 or more"},
      {"biases 2", "biases 1", " 1 biases, expected 0 or 2"},
      {"dimension 3", "dimension 18446744073709551615",
       " truncated: 40 bytes of weights are too few for dimension 18446744073709551615 and width 2"},
      {"dimension 3", "dimension 4",
       " truncated: 40 bytes of weights are too few for dimension 4 and width 2"},
      {"dimension 3", "dimension 2", " 8 bytes too many behind the weights"},
  };
  for (const auto& [from, to, message] : cases) {
    CHECK(refusal(file_of(header_with(from, to), kFloats)) == message);
  }
}

TEST_CASE("model_file: damaged weights and weights that are no numbers are told apart") {
  std::string bytes = file_of(kHeader, kFloats);
  bytes[kHeader.size()] ^= 1;
  CHECK(refusal(bytes) == " corrupt: the checksum does not match");
  std::vector<float> floats = kFloats;
  floats[7] = std::numeric_limits<float>::infinity();
  CHECK(refusal(file_of(kHeader, floats)) == " bias[1] is inf, expected a finite number");
}

TEST_CASE("model_file: the keys may come in any order") {
  const std::string header = header_with("rows 18446744073709551615\n", "");
  const std::size_t first = header.find('\n') + 1;
  CHECK(refusal(file_of(header.substr(0, first) + "rows 5\n" + header.substr(first), kFloats)) == "");
}

TEST_CASE("model_file: what is no model file at all is refused") {
  const test::TempDir directory;
  CHECK(refusal("+1 1:0.5 3:0.25\n-1 2:1\n").starts_with(" not a sounder model"));
  CHECK(test::input_error_of([&] { load_model(directory / "none"); }) ==
        directory / "none: cannot read: No such file or directory");
  CHECK(test::input_error_of([&] { load_model(directory / ""); }) ==
        directory / ": cannot read: Is a directory");
  CHECK(test::input_error_of([] { load_model("/dev/full"); }).starts_with("/dev/full: cannot read: "));
}

TEST_CASE("model_file: a model that the format cannot hold is not saved") {
  const test::TempDir directory;
  const std::string path = directory / "model";
  Model nan = small_model();
  nan.weights[2] = std::numeric_limits<float>::quiet_NaN();
  Model infinite = small_model();
  infinite.l2 = std::numeric_limits<double>::infinity();
  Model broken = small_model();
  broken.objective = "hinge\nl2 0";
  Model wordy = small_model();
  wordy.objective = std::string(1 << 16, 'x');
  const auto error_of = [&](const Model& model) {
    return test::input_error_of([&] { save_model(model, path); });
  };
  CHECK(error_of(nan) == path + ": weights[2] is nan, expected a finite number");
  CHECK(error_of(infinite) == path + ": l2 'inf' cannot be kept in a model file");
  CHECK(error_of(broken) == path + ": objective 'hinge\nl2 0' cannot be kept in a model file");
  CHECK(error_of(wordy) == path + ": the objective's name is too long for a model file");
  CHECK_FALSE(std::filesystem::exists(path));
}

TEST_CASE("model_file: a full disk is an error") {
  CHECK(test::input_error_of([] { save_model(small_model(), "/dev/full"); }) ==
        "/dev/full: cannot write: No space left on device");
}

// Saves models of a million equal weights to `path` until it is killed.
[[noreturn]] void save_for_ever(const std::string& path) {
  Model model = small_model();
  model.dimension = 1'000'000;
  for (float value = 1;; value = -value) {
    model.weights.assign(model.dimension, value);
    save_model(model, path);
  }
}

TEST_CASE("model_file: a process killed while it saves leaves a whole model") {
  const test::TempDir directory;
  const std::string path = directory / "model";
  save_model(small_model(), path);
  Random random(1);
  for (int kill_number = 0; kill_number < 30; ++kill_number) {
    CAPTURE(kill_number);
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) save_for_ever(path);
    // Ever longer, so that a save goes through on the slowest machine too.
    usleep(static_cast<useconds_t>(random.below(10'000 + 5'000 * static_cast<std::uint64_t>(kill_number))));
    kill(child, SIGKILL);
    REQUIRE(waitpid(child, nullptr, 0) == child);
    const Model model = load_model(path);
    const auto first = static_cast<std::ptrdiff_t>(std::ranges::count(model.weights, model.weights[0]));
    CHECK((model.dimension == 3 || first == std::ssize(model.weights)));
  }
  CHECK(load_model(path).dimension == 1'000'000);  // some save went through, or nothing was tested
}

}  // namespace
}  // namespace sounder
