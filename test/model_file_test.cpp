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
#include <map>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "io/input.h"
#include "io/model_names.h"
#include "io/random.h"
#include "test/support.h"

namespace sounder {
namespace {

// A file made from the description of the format in io/model_file.h alone.
const std::string kHeader =
    "sounder model 2\n"
    "objective hinge\n"
    "parameters huber_delta=0.1,mean=-3.5\n"
    "dimension 3\n"
    "width 2\n"
    "biases 4\n"
    "names 1,2\n"
    "name_bytes 9\n"
    "seen_bytes 2\n"
    "negative_label 1\n"
    "positive_label 2\n"
    "classes -1.5,0.1,20\n"
    "positive_above none\n"
    "positive_class -1.5\n"
    "normalize yes\n"
    "index_base 0\n"
    "l2 1e-05\n"
    "rows 18446744073709551615\n"
    "weights\n";
const std::vector<float> kFloats = {0.1f, -2, 3e-38f, 1e-45f, -0.0f, 3.4028235e38f, 5, 6, 7, 8};
const std::string kTail = "ann\n\nb,\r\n\x01\x01";

std::string file_of(std::string bytes, const std::vector<float>& floats = kFloats,
                    const std::string& tail = kTail) {
  bytes.append(reinterpret_cast<const char*>(floats.data()), floats.size() * sizeof(float));
  bytes += tail;
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
  test::write_file(directory / "model", file_of(kHeader));
  const Model model = load_model(directory / "model");
  CHECK(model.objective == "hinge");
  CHECK(model.parameters == std::map<std::string, double>{{"huber_delta", 0.1}, {"mean", -3.5}});
  CHECK(model.dimension == 3);
  CHECK(model.width == 2);
  CHECK(model.weights == std::vector<float>(kFloats.begin(), kFloats.begin() + 6));
  CHECK(std::signbit(model.weights[4]));
  CHECK(model.bias == std::vector<float>{5, 6, 7, 8});
  CHECK(model.names == ModelNames{{"ann"}, {"", "b,\r"}});
  CHECK(model.seen == ModelPairs{{1}});
  CHECK(model.labels.negative == 1);
  CHECK(model.labels.positive == 2);
  CHECK(model.labels.classes == std::vector<float>{-1.5f, 0.1f, 20});
  CHECK_FALSE(model.label_rule.positive_above.has_value());
  CHECK(model.label_rule.positive_class == -1.5);
  CHECK(model.normalize);
  CHECK(model.index_base == 0);
  CHECK(model.l2 == 1e-5);
  CHECK(model.rows == std::numeric_limits<std::uint64_t>::max());
}

TEST_CASE("model_file: saving gives the described bytes back") {
  const test::TempDir directory;
  test::write_file(directory / "model", file_of(kHeader));
  save_model(load_model(directory / "model"), directory / "copy");
  CHECK(Input(directory / "copy").bytes() == file_of(kHeader));
}

TEST_CASE("model_file: every flipped byte is noticed") {
  const test::TempDir directory;
  const std::string path = directory / "model";
  const std::string whole = file_of(kHeader);
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
  const std::string whole = file_of(kHeader);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    CAPTURE(size);
    const std::string expected = size == 0                   ? " empty file"
                                 : size < kHeader.find('\n') ? " not a sounder model"
                                                             : " truncated";
    CHECK(refusal(whole.substr(0, size)).starts_with(expected));
  }
  CHECK(refusal(whole + '\0') == " 1 bytes too many behind the text");
  CHECK(refusal(whole) == "");
}

TEST_CASE("model_file: numbers that do not fit each other or the file are named") {
  const std::string huge = "18446744073709551615";
  const struct {
    std::string from, to, message;
  } cases[] = {
      {"width 2", "width 0", "width 0, expected 1 or more"},
      {"biases 4", "biases 3", "3 biases, expected a multiple of 2"},
      {"classes -1.5,0.1,20", "classes 1,2,2", "class 2 before 2, expected them to increase"},
      {"names 1,2", "names 1,3", "more names than the dimension 3"},
      {"names 1,2", "names " + huge + ",4", "more names than the dimension 3"},
      {"names 1,2", "names 1,1", "1 names too few for the dimension 3"},
      {"names 1,2", "names 3", "1 parts of names, expected 2 for pairs"},
      {"names 1,2", "names 1,1,1", "3 parts of names, expected 2 for pairs"},
      {"names 1,2", "names none", "0 parts of names, expected 2 for pairs"},
      {"index_base 0", "index_base 2", "index_base 2, expected 0 or 1"},
      {"dimension 3\nwidth 2\nbiases 4\nnames 1,2",
       // Times 8, modulo 2^64, is what is there.
       "dimension 2305843009213693955\nwidth 2\nbiases 4\nnames 1,2305843009213693954",
       "truncated: 59 bytes are left for the weights, expected 2305843009213693955 x 8"},
      {"biases 4", "biases 4611686018427387908",
       "truncated: 35 bytes are left for the biases, expected 4611686018427387908 x 4"},
      {"name_bytes 9", "name_bytes " + huge,
       "truncated: 19 bytes are left for the names, expected " + huge + " x 1"},
      {"seen_bytes 2", "seen_bytes 11", "truncated: 10 bytes are left for the pairs, expected 11 x 1"},
      {"seen_bytes 2", "seen_bytes 3", "truncated: 7 bytes are left for the checksum, expected 1 x 8"},
      {"biases 4", "biases 2", "8 bytes too many behind the text"},
  };
  for (const auto& [from, to, message] : cases) {
    CHECK(refusal(file_of(header_with(from, to))) == " " + message);
  }
}

TEST_CASE("model_file: a damaged file and one with wrong numbers or names are told apart") {
  std::string bytes = file_of(kHeader);
  bytes[kHeader.size()] ^= 1;
  CHECK(refusal(bytes) == " corrupt: the checksum does not match");
  std::vector<float> floats = kFloats;
  floats[7] = std::numeric_limits<float>::infinity();
  CHECK(refusal(file_of(kHeader, floats)) == " bias[1] is inf, expected a finite number");
  CHECK(refusal(file_of(kHeader, kFloats, "ann_\nb,\r\n\x01\x01")) == " found 1 names in part 2, expected 2");
  CHECK(refusal(file_of(kHeader, kFloats, "ann\n\nb,\r\n\x01\x02")) ==
        " pairs of 0 (counted from 0): found no increasing numbers below 2");
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
  Model broken = small_model();
  broken.objective = "hinge\nl2 0";
  Model lined = small_model();
  lined.names = {{"a", "b\nc", "d"}};
  const auto error_of = [&](const Model& model) {
    return test::input_error_of([&] { save_model(model, path); });
  };
  CHECK(error_of(nan) == path + ": weights[2] is nan, expected a finite number");
  CHECK(error_of(broken) == path + ": objective \"hinge\\x0al2 0\" cannot be kept in a model file");
  CHECK(error_of(lined) == path + ": the name \"b\\x0ac\" cannot be kept in a model file");
  CHECK_FALSE(std::filesystem::exists(path));
}

TEST_CASE("model_file: a model whose parts do not fit each other is not saved") {
  const test::TempDir directory;
  const std::string path = directory / "model";
  Model lopsided = small_model();
  lopsided.width = 3;
  lopsided.weights.resize(9);
  lopsided.bias.resize(2);
  Model nameless = small_model();
  nameless.names = {{"a"}, {"b"}};
  Model unsorted = small_model();
  unsorted.labels.classes = {2, 1};
  Model shortened = small_model();
  shortened.weights.pop_back();
  Model pairs = small_model();
  pairs.names = {{"a"}, {"b", "c"}};
  const auto with_seen = [&](std::vector<std::vector<std::uint32_t>> seen) {
    Model model = pairs;
    model.seen = std::move(seen);
    return model;
  };
  const auto error_of = [&](const Model& model) {
    return test::input_error_of([&] { save_model(model, path); });
  };
  CHECK(error_of(lopsided) == path + ": 2 biases, expected a multiple of 3");
  CHECK(error_of(nameless) == path + ": 1 names too few for the dimension 3");
  CHECK(error_of(unsorted) == path + ": class 2 before 1, expected them to increase");
  CHECK(error_of(shortened) == path + ": 2 weights, expected 3 x 1");
  CHECK(error_of(with_seen({{0, 1}})).empty());
  std::filesystem::remove(path);
  CHECK(error_of(with_seen({{0}, {1}})) == path + ": pairs of 2, expected 1");
  const std::string none = ": pairs of 0 (counted from 0): found no increasing numbers below 2";
  CHECK(error_of(with_seen({{0, 2}})) == path + none);
  CHECK(error_of(with_seen({{1, 0}})) == path + none);
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
  const auto none_went_through = [&] { return load_model(path).dimension == 3; };
  for (int kill_number = 0; kill_number < 30 || (none_went_through() && kill_number < 200); ++kill_number) {
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
  CHECK(!none_went_through());  // or nothing was tested
}

TEST_CASE("model_file: who reads while another replaces it gets the one model or the other") {
  const test::TempDir directory;
  const std::string path = directory / "model";
  Model small = small_model();
  Model large = small_model();
  large.dimension = 20'000;
  large.weights.assign(large.dimension * large.width, 1);
  large.names = {};
  small.names = {};
  save_model(small, path);
  std::jthread writer([&](const std::stop_token& stop) {
    for (bool turn = true; !stop.stop_requested(); turn = !turn) save_model(turn ? large : small, path);
  });
  for (int i = 0; i < 20'000; ++i) {
    const std::uint64_t dimension = load_model(path).dimension;
    REQUIRE((dimension == small.dimension || dimension == large.dimension));
  }
}

TEST_CASE("model_file: a whole file with a weight that is no number is refused") {
  std::vector<float> floats = kFloats;
  floats[2] = std::numeric_limits<float>::quiet_NaN();
  CHECK(refusal(file_of(kHeader, floats)) == " weights[2] is nan, expected a finite number");
}

}  // namespace
}  // namespace sounder
