#include "io/libsvm.h"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <zstd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <random>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "io/error.h"
#include "io/libsvm_reader.h"
#include "test/support.h"

using namespace sounder;
using namespace sounder::test;
using Beyond = LibsvmOptions::Beyond;

namespace {

constexpr std::size_t kPieceSizes[] = {0, 1, 17, 100, 4096};

LibsvmFile parse(std::string_view text, const LibsvmOptions& options = {}) {
  return parse_libsvm(text, "f.svm", options);
}

std::string error_of(std::string_view text, const LibsvmOptions& options = {}) {
  return input_error_of([&] { parse(text, options); });
}

std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::string> corpus(std::string_view prefix) {
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::directory_iterator(SOUNDER_TEST_DATA "/libsvm"))
    if (entry.path().filename().string().starts_with(prefix)) paths.push_back(entry.path());
  std::ranges::sort(paths);
  return paths;
}

// What stands behind `key` in the comment that opens a file of the corpus.
std::string header(const std::string& text, const std::string& key) {
  const std::size_t begin = text.find("# " + key + ": ");
  REQUIRE(begin != text.npos);
  const std::size_t value = begin + key.size() + 4;
  return text.substr(value, text.find('\n', value) - value);
}

// n samples with up to 9 entries in 1000 columns, some of them long numbers.
std::string random_text(std::size_t n, std::uint32_t seed) {
  std::mt19937 random(seed);
  std::string text;
  for (std::size_t i = 0; i < n; ++i) {
    text += random() % 2 != 0 ? "+1" : "-1";
    for (auto index = 1 + random() % 100; index < 1000; index += 1 + random() % 200)
      text += fmt::format(" {}:{}", index, static_cast<float>(random()) / 1e9F);
    text += i % 7 == 0 ? " # comment\r\n\n" : "\n";
  }
  return text;
}

bool same(const Dataset& a, const Dataset& b) {
  return a.dimension() == b.dimension() && std::ranges::equal(a.offsets(), b.offsets()) &&
         std::ranges::equal(a.indices(), b.indices()) && std::ranges::equal(a.values(), b.values()) &&
         std::ranges::equal(a.labels(), b.labels());
}

std::string packed(const std::string& plain) {
  std::string bytes(ZSTD_compressBound(plain.size()), 0);
  bytes.resize(ZSTD_compress(bytes.data(), bytes.size(), plain.data(), plain.size(), 1));
  return bytes;
}

}  // namespace

TEST_CASE("libsvm: reads every y_ file of the corpus") {
  const std::vector<std::string> paths = corpus("y_");
  REQUIRE(!paths.empty());
  for (const std::string& path : paths) {
    CAPTURE(path);
    std::string found;
    CHECK(input_error_of([&] {
            const Dataset data = read_libsvm(path).data;
            found = fmt::format("{} x {}, {}", data.rows(), data.dimension(), data.nonzeros());
          }) == "");
    CHECK(found == header(content_of(path), "expect"));
  }
}

TEST_CASE("libsvm: refuses every n_ file of the corpus, with the place and the reason") {
  const std::vector<std::string> paths = corpus("n_");
  REQUIRE(!paths.empty());
  for (const std::string& path : paths) {
    CAPTURE(path);
    const std::string text = content_of(path);
    try {
      read_libsvm(path);
      FAIL_CHECK("was accepted");
    } catch (const InputError& error) {
      CAPTURE(error.what());
      CHECK(std::string(error.what()).find(header(text, "expect")) != std::string::npos);
      CHECK(fmt::format("{}:{}", error.where().line, error.where().column) == header(text, "at"));
      CHECK(error.where().file == path);
    }
  }
}

TEST_CASE("libsvm: keeps labels, columns and values") {
  const LibsvmFile file = parse("+1 1:0.5 3:-2\n-2.5\n7 2:1e-3");
  CHECK(file.index_base == 1);
  CHECK(file.data.dimension() == 3);
  CHECK(std::ranges::equal(file.data.labels(), std::vector{1.0F, -2.5F, 7.0F}));
  CHECK(std::ranges::equal(file.data.offsets(), std::vector<std::uint64_t>{0, 2, 2, 3}));
  CHECK(std::ranges::equal(file.data.indices(), std::vector<Coordinate>{0, 2, 1}));
  CHECK(std::ranges::equal(file.data.values(), std::vector{0.5F, -2.0F, 1e-3F}));
}

TEST_CASE("libsvm: formats a refusal as file, line, column, found, expected") {
  CHECK(error_of("1 1:1\n x\n") == "f.svm:2:2: found \"x\", expected a label (a finite number)");
}

TEST_CASE("libsvm: knows the line of each row") {
  const std::string text = "# c\n1 1:1\n\n2\n  # c\r\n3 1:1\n4 1:1";
  for (const std::size_t piece_bytes : kPieceSizes) {
    CAPTURE(piece_bytes);
    const RowLines lines = parse(text, {.piece_bytes = piece_bytes}).origins.lines;
    for (const auto& [row, line] : {std::pair(0, 2), {1, 4}, {2, 6}, {3, 7}, {4, 0}})
      CHECK(lines.line_of(static_cast<std::size_t>(row)) == static_cast<std::size_t>(line));
  }
}

TEST_CASE("libsvm: tells of the first label that is a whole number and no float") {
  const std::string text = "1 1:1\n16777216 1:1\n 100000002 1:1\n100000001 1:1\n";
  for (const std::size_t piece_bytes : kPieceSizes) {
    const auto found = parse(text, {.piece_bytes = piece_bytes}).origins.rounded_class;
    REQUIRE(found);
    CHECK(
        std::string(found->what()) ==
        "f.svm:3:2: found the class \"100000002\", which as a float is written 100000000; expected one that "
        "stays as it is, as all whole numbers up to 16777216 do");
  }
  CHECK(!parse("16777218 1:1\n1e30\n0.1\n20000000.5\n-100000000\n").origins.rounded_class);
}

TEST_CASE("libsvm: finds or takes the index base") {
  struct Case {
    const char* text;
    std::optional<std::uint32_t> asked;
    std::uint32_t base;
    std::size_t dimension;
    Coordinate first;
  };
  const Case cases[] = {{"1 1:1 4:1", {}, 1, 4, 0},    {"1 0:1 4:1", {}, 0, 5, 0},
                        {"1 1:1 4:1", 0, 0, 5, 1},     {"1 1:1 4:1", 1, 1, 4, 0},
                        {"1 3:1\n1 0:0", {}, 0, 4, 3}, {"1 4294967295:1", 1, 1, 4294967295, 4294967294}};
  for (const Case& c : cases) {
    CAPTURE(c.text);
    const LibsvmFile file = parse(c.text, {.index_base = c.asked});
    CHECK(file.index_base == c.base);
    CHECK(file.data.dimension() == c.dimension);
    CHECK(file.data.indices()[0] == c.first);
  }
  CHECK(error_of("1 1:1\n1 0:1", {.index_base = 1}) ==
        "f.svm:2:3: found \"0:1\", expected an index of 1 or more (columns are counted from 1)");
  CHECK(error_of("1 1:1", {.index_base = 2}) == "index_base = 2: must be 0 or 1");
}

TEST_CASE("libsvm: grows, refuses or drops what is beyond the dimension") {
  const std::string text = "1 1:1 2:2 3:3 9:9\n-1 8:8\n1 1:3\n";
  CHECK(parse(text, {.dimension = 4}).data.dimension() == 9);
  CHECK(parse(text, {.dimension = 20}).data.dimension() == 20);
  for (const Beyond beyond : {Beyond::kRefuse, Beyond::kDrop}) {
    CHECK(parse(text, {.dimension = 9, .beyond = beyond}).data.nonzeros() == 6);
    CHECK(parse(text, {.dimension = 20, .beyond = beyond}).data.dimension() == 20);
    CHECK(parse(text, {.dimension = 0, .beyond = beyond}).data.dimension() == 9);
  }
  for (const std::size_t piece_bytes : kPieceSizes) {
    const LibsvmOptions drop{.dimension = 2, .beyond = Beyond::kDrop, .piece_bytes = piece_bytes};
    CHECK(same(parse(text, drop).data, parse("1 1:1 2:2\n-1\n1 1:3\n").data));
    CHECK(parse(text, drop).dropped == 3);
    CHECK(parse("1 1:1\n", drop).dropped == 0);
  }
}

TEST_CASE("libsvm: names the first column beyond the model's") {
  for (const std::optional<std::uint32_t> base : {std::optional<std::uint32_t>(), std::optional(1U)}) {
    const LibsvmOptions options{
        .index_base = base, .dimension = 44208, .beyond = Beyond::kRefuse, .piece_bytes = 4};
    CHECK(error_of("1 44208:1\n\n-1 3:1 50000:1\n1 60000:1", options) ==
          "f.svm:3:8: column 50000 (counted from 1): the model has 44208 columns; --ignore-unknown leaves "
          "others out");
  }
  CHECK(error_of("1 0:1 3:1", {.dimension = 3, .beyond = Beyond::kRefuse}) ==
        "f.svm:1:7: column 3 (counted from 0): the model has 3 columns; --ignore-unknown leaves others out");
}

TEST_CASE("libsvm: says so when there are no samples") {
  CHECK(error_of("") == "f.svm: no samples: the file is empty");
  CHECK(error_of("\n# x\r\n \t") == "f.svm: no samples: every line is blank or a comment");
}

TEST_CASE("libsvm: skips a byte order mark, and only at the start") {
  const TempDir dir;
  const std::string path = dir / "f.svm";
  const std::string mark = "\xef\xbb\xbf";
  const auto error_in = [&](const std::string& text) {
    write_file(path, text);
    return input_error_of([&] { read_libsvm(path); });
  };
  write_file(path, mark + "1 1:1\n");
  CHECK(same(read_libsvm(path).data, parse("1 1:1\n").data));
  CHECK(error_in(mark) == path + ": no samples: the file is empty");
  CHECK(error_in(mark + "x") == path + ":1:1: found \"x\", expected a label (a finite number)");
  CHECK(error_in("1\n" + mark + "1").find(path + ":2:1: found \"\\xef\\xbb\\xbf1\"") == 0);
}

TEST_CASE("libsvm: shows the bytes of a binary file") {
  using namespace std::string_view_literals;
  const std::string advice =
      ", expected a label (a finite number); this does not look like LIBSVM text (binary?)";
  CHECK(error_of("\0\0\0"sv) == "f.svm:1:1: found \"\\x00\\x00\\x00\"" + advice);
  CHECK(error_of("1 1:1\n\x7f"
                 "ELF\x02"sv) == "f.svm:2:1: found \"\\x7fELF\\x02\"" + advice);
  CHECK(error_of(std::string(100, '\xff')).find("\\xff...\"" + advice) != std::string::npos);
  CHECK(error_of("1 1:1\0"sv).find("found \"1\\x00\", expected a value") != std::string::npos);
}

TEST_CASE("libsvm: rows may lack labels where that is allowed, and the first one is named") {
  const std::string text = "+1 1:2\n\n1:3 2:4 # none\n2:5\n-1 1:1\n7\n";
  CHECK(error_of(text) == "f.svm:3:1: found \"1:3\", expected a label (a finite number)");
  for (const std::size_t bytes : kPieceSizes) {
    LibsvmOptions options{.may_lack_labels = true};
    if (bytes > 0) options.piece_bytes = bytes;
    const LibsvmFile file = parse(text, options);
    CHECK(std::ranges::equal(file.data.labels(), std::vector<float>{1, 0, 0, -1, 7}));
    CHECK(std::ranges::equal(file.data.indices(), std::vector<Coordinate>{0, 0, 1, 1, 0}));
    REQUIRE(file.unlabelled.has_value());
    CHECK(std::string(file.unlabelled->what()) == "f.svm:3:1: found \"1:3\", expected a label");
    CHECK(!parse("+1 1:2\n", options).unlabelled.has_value());
    for (const char* wrong : {"x 1:2\n", "1:2 x\n", ":2\n", "1:\n", "1:2 1:3\n", "0.5:1\n", "qid:1\n"})
      CHECK(!error_of(wrong, options).empty());
  }
}

TEST_CASE("libsvm: never crashes on random bytes") {
  std::mt19937 random(3);
  const std::string_view alphabet = "0123456789:.-+e# \t\n\r,x";
  std::size_t accepted = 0;
  constexpr std::size_t kTexts = test::tries(20'000);
  for (std::size_t i = 0; i < kTexts; ++i) {
    std::string text(random() % 24, ' ');
    for (char& c : text)
      c = random() % 50 == 0 ? static_cast<char>(random()) : alphabet[random() % alphabet.size()];
    CAPTURE(text);
    const bool one_piece = error_of(text).empty();
    accepted += one_piece;
    REQUIRE(error_of(text, {.piece_bytes = 1}).empty() == one_piece);
  }
  CHECK(accepted > kTexts / 200);
}

TEST_CASE("libsvm: entries behind a space and behind a tab read the same and are refused the same") {
  std::mt19937 random(8);
  const std::string_view alphabet = "0123456789:.-+e# x";
  std::size_t refused = 0;
  constexpr std::size_t kTexts = test::tries(5'000);
  for (std::uint32_t i = 0; i < kTexts; ++i) {
    std::string spaces = random_text(3, i);
    for (auto k = random() % 3; k > 0; --k)
      spaces[random() % spaces.size()] = alphabet[random() % alphabet.size()];
    std::string tabs = spaces;
    std::ranges::replace(tabs, ' ', '\t');
    CAPTURE(spaces);
    const LibsvmOptions options{.dimension = random() % 2 * 990, .beyond = Beyond::kRefuse};
    const std::string error = error_of(spaces, options);
    REQUIRE(error == error_of(tabs, options));
    if (error.empty()) REQUIRE(same(parse(spaces, options).data, parse(tabs, options).data));
    refused += !error.empty();
  }
  CHECK(refused > kTexts / 10);
  CHECK(refused < kTexts - kTexts / 10);
}

TEST_CASE("libsvm: cutting the text into pieces changes nothing, on any number of threads") {
  const std::string text = random_text(300, 1);
  const Dataset whole = parse(text, {.piece_bytes = text.size()}).data;
  CHECK(whole.rows() == 300);
  for (const std::size_t threads : kThreadSweep)
    for (const std::size_t piece_bytes : kPieceSizes) {
      CAPTURE(threads);
      CAPTURE(piece_bytes);
      CHECK(same(parse_libsvm(text, "f", {.piece_bytes = piece_bytes}, on_threads(threads)).data, whole));
    }
}

TEST_CASE("libsvm: reports the first error of the file, however it is cut") {
  std::string text = random_text(50, 2) + "1 5:x\n" + random_text(50, 3) + "y\n";
  const std::string message = error_of(text, {.piece_bytes = text.size()});
  CHECK(message.ends_with(":5: found \"x\", expected a value (a finite number)"));
  for (const std::size_t piece_bytes : kPieceSizes)
    CHECK(input_error_of([&] { parse_libsvm(text, "f.svm", {.piece_bytes = piece_bytes}, on_threads(3)); }) ==
          message);
}

TEST_CASE("libsvm: of bad text and bad compression, what comes first in the file is reported") {
  const std::string good = random_text(2000, 6);
  for (const bool bad_text : {false, true})
    for (const std::size_t threads : kThreadSweep) {
      CAPTURE(bad_text);
      CAPTURE(threads);
      std::string text = (bad_text ? "1 1:1\n1 5:x\n" : "") + good;
      std::size_t left = text.size();
      const ReadBytes read = [&](std::span<char> to) {
        if (left < to.size()) throw InputError({"f.svm"}, "cut short");
        const std::size_t count = text.copy(to.data(), to.size(), text.size() - left);
        left -= count;
        return count;
      };
      const LibsvmOptions options{.piece_bytes = 4096};
      const std::string name = "f.svm";
      const std::string message =
          input_error_of([&] { LibsvmReader(read, name, options).run(on_threads(threads)); });
      CHECK(message ==
            (bad_text ? "f.svm:2:5: found \"x\", expected a value (a finite number)" : "f.svm: cut short"));
    }
}

TEST_CASE("libsvm: compressed text reads as the text, and errors stand where they stand in it") {
  const TempDir dir;
  const std::string text = random_text(300, 7);
  const auto read = [&](const std::string& bytes) {
    write_file(dir / "f.zst", packed(bytes));
    return read_libsvm(dir / "f.zst", {.piece_bytes = 100}, on_threads(3)).data;
  };
  CHECK(same(read(text), parse(text).data));
  const std::string broken = text + "y\n";
  const std::string where = error_of(broken);
  CHECK(input_error_of([&] { read(broken); }) == (dir / "f.zst") + where.substr(where.find(':')));
}

TEST_CASE("libsvm: what is written reads back as the same samples") {
  const float smallest = std::numeric_limits<float>::denorm_min();
  const float largest = std::numeric_limits<float>::max();
  const Dataset data(5, {.offsets = {0, 3, 3, 5},
                         .indices = {0, 2, 4, 1, 4},
                         .values = {0.1F, -1.0F / 3, smallest, largest, 16777216},
                         .labels = {1, -0.7F, 1e-20F},
                         .weights = {}});
  const Dataset random = parse(random_text(200, 4)).data;
  for (const Dataset& written : {data, random})
    for (const std::uint32_t base : {0U, 1U}) {
      std::ostringstream out;
      write_libsvm(written, out, base);
      CHECK(same(parse(out.str(), {.index_base = base, .dimension = written.dimension()}).data, written));
    }
}

TEST_CASE("libsvm: writes short lines, and refuses what the format cannot hold") {
  std::ostringstream out;
  write_libsvm(parse("+1 1:0.10 3:2.0\n-1\n").data, out);
  CHECK(out.str() == "1 1:0.1 3:2\n-1\n");
  const Dataset weighted(0, {.offsets = {0, 0}, .indices = {}, .values = {}, .labels = {1}, .weights = {2}});
  CHECK(input_error_of([&] { write_libsvm(weighted, out); }) ==
        "LIBSVM text has no place for the weights of samples");
  CHECK(input_error_of([&] { write_libsvm(Dataset(), out, 2); }) == "index_base = 2: must be 0 or 1");
}

TEST_CASE("libsvm: an index of 0 in any piece makes columns count from 0, however many entries there are") {
  constexpr std::size_t kRows = 70'000;  // more entries than one share of work
  std::string text = "1 0:1\n";
  for (std::size_t row = 1; row < kRows; ++row) text += "1 3:1\n";
  const LibsvmFile file = parse_libsvm(text, "f.svm", {.piece_bytes = 4096}, on_threads(2));
  CHECK(file.index_base == 0);
  CHECK(file.data.dimension() == 4);
  REQUIRE(file.data.rows() == kRows);
  const auto columns = file.data.indices();
  CHECK(columns[0] == 0);
  CHECK(std::ranges::count(columns, Coordinate{3}) == kRows - 1);
}
