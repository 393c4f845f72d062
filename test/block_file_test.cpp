#include "engine/block_file.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <limits>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "engine/arena.h"
#include "engine/block_pieces.h"
#include "engine/block_writer.h"
#include "engine/convert.h"
#include "engine/evaluate.h"
#include "engine/source.h"
#include "engine/train.h"
#include "io/checksum.h"
#include "io/libsvm.h"
#include "io/synthetic.h"
#include "objectives/catalogue.h"
#include "support.h"

namespace sounder {
namespace {

using test::input_error_of;
using test::TempDir;
using test::with_threads;

constexpr std::size_t kAllMemory = std::numeric_limits<std::size_t>::max();

std::string bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Samples in a text file, and as blocks.
struct Files {
  explicit Files(const std::string& text) { test::write_file(svm, text); }

  void convert(const Conversion& how = {}, const char* objective = "logistic",
               std::size_t threads = 1) const {
    Arena arena(with_threads(threads));
    REQUIRE(sounder::convert(svm, blocks, *make_objective(objective, {}), how, arena));
  }
  std::shared_ptr<const BlockFile> open(std::size_t memory = kAllMemory) const {
    return std::make_shared<const BlockFile>(blocks, memory);
  }

  TempDir dir;
  std::string svm = dir / "samples.svm";
  std::string blocks = dir / "samples.blocks";
};

Options short_run(Rule rule = Rule::kSgd, std::size_t threads = 1) {
  Options options = with_threads(threads);
  options.rule = rule;
  options.l2 = 1e-3;
  options.epochs = 4;
  options.block_rows = 16;
  return options;
}

// By label: what is in random order is not dealt when it is trained on from memory, but is on its way into a file.
Files small_files(std::size_t columns = 150) {
  std::ostringstream text;
  write_libsvm(test::sorted_by_label(generate({.rows = 700, .columns = columns, .nonzeros_per_row = 9})),
               text);
  return Files(text.str());
}

// Every label of the blocks.
std::vector<float> labels_in(const BlockFile& file) {
  std::vector<float> labels;
  for (std::size_t b = 0; b < file.blocks(); ++b) {
    file.require(b);
    const Block block = file.block(b, 0);
    labels.insert(labels.end(), block.labels.begin(), block.labels.end());
  }
  return labels;
}

std::string error_of_training(const Files& files, const Options& options) {
  return input_error_of([&] { train(files.open(), *make_objective("logistic", {}), options); });
}

}  // namespace

TEST_CASE("block file: one thread trains as from the samples, bit for bit") {
  const Files files = small_files();
  const Dataset data = read_libsvm(files.svm).data;
  const auto objective = make_objective("logistic", {});
  for (const Rule rule : {Rule::kSgd, Rule::kAdagrad, Rule::kSaga, Rule::kSdca, Rule::kFtrl}) {
    const Options options = short_run(rule);
    files.convert({.options = options});
    const Trained expected = train(data, *objective, options);
    for (const std::size_t memory : {kAllMemory, std::size_t{0}}) {
      CAPTURE(name_of(rule));
      CAPTURE(memory);
      const Trained found = train(files.open(memory), *objective, options);
      CHECK(found.model.weights == expected.model.weights);
      CHECK(found.report.objective == expected.report.objective);
      CHECK(found.report.nonzeros == data.nonzeros());
    }
  }
}

TEST_CASE("block file: one thread trains as from the samples, with a bias, l1, an average and few columns") {
  const Files files = small_files(20);
  const Dataset data = read_libsvm(files.svm).data;
  const auto objective = make_objective("hinge", {});
  Options biased = short_run();
  biased.bias = true;
  Options sparse = short_run(Rule::kAdagrad);
  sparse.l1 = 1e-3;
  Options mean = short_run();
  mean.average_from = 2;
  for (const Options& options : {biased, sparse, mean}) {
    CAPTURE(options.bias);
    CAPTURE(options.l1);
    files.convert({.options = options});
    const Trained found = train(files.open(0), *objective, options);
    CHECK(found.model.weights == train(data, *objective, options).model.weights);
  }
}

TEST_CASE("block file: any number of threads trains, within memory and beyond") {
  const Files files = small_files();
  const auto objective = make_objective("logistic", {});
  files.convert({.options = short_run()});
  for (const std::size_t threads : test::kThreadSweep) {
    for (const std::size_t memory : {kAllMemory, std::size_t{0}}) {
      CAPTURE(threads);
      CAPTURE(memory);
      const Trained found = train(files.open(memory), *objective, short_run(Rule::kSgd, threads));
      CHECK(found.report.samples == 700);
      CHECK(found.report.objective < 0.69);
    }
  }
}

TEST_CASE("block file: buckets on disk lose no row, and deal them at random") {
  std::string text;
  for (int i = 0; i < 900; ++i) text += fmt::format("{} {}:1.5\n", i, 1 + i % 50);
  const Files files(text);
  for (const std::size_t threads : test::kThreadSweep) {
    CAPTURE(threads);
    files.convert({.options = short_run(), .bucket_bytes = threads == 1 ? 0U : 500U}, "least_squares",
                  threads);
    const auto file = files.open();
    std::vector<float> labels = labels_in(*file);
    CHECK(file->blocks() == (900 + 15) / 16);
    CHECK(!std::ranges::is_sorted(std::span(labels).first(20)));
    std::ranges::sort(labels);
    REQUIRE(labels.size() == 900);
    for (std::size_t i = 0; i < labels.size(); ++i) REQUIRE(labels[i] == static_cast<float>(i));
  }
}

TEST_CASE("block file: keeps how the samples were read") {
  const Files files("3 0:3 4:4\n5 1:2\n9 0:1\n");
  files.convert({.label_rule = {4, {}}, .normalize = true}, "hinge");
  const auto file = files.open();
  const BlockFileShape& shape = file->shape();
  CHECK(shape.rows == 3);
  CHECK(shape.dimension == 5);
  CHECK(shape.nonzeros == 4);
  CHECK(shape.index_base == 0);
  CHECK(shape.normalize);
  CHECK(shape.label_rule.positive_above == 4);
  CHECK(!shape.label_rule.positive_class);
  std::vector<float> labels = labels_in(*file);
  std::ranges::sort(labels);
  CHECK(labels == std::vector<float>{-1, 1, 1});
}

TEST_CASE("block file: a row may be longer than all others together") {
  std::string text = "1 1:1\n-1";
  for (int c = 1; c <= 30000; ++c) text += fmt::format(" {}:1", c);
  const Files files(text + "\n1 2:1\n");
  files.convert();
  const Trained found = train(files.open(0), *make_objective("hinge", {}), with_threads(2));
  CHECK(found.model.dimension == 30000);
}

TEST_CASE("block file: refuses what samples are refused for, and leaves nothing behind") {
  struct Case {
    const char* text;
    const char* message;
  };
  for (const auto& [text, message] :
       {Case{"", "no samples"}, Case{"# none\n", "no samples"}, Case{"1 1:x\n", ":1:5: found"},
        Case{"1\n-1\n", "no columns"}, Case{"1 1:1\n1 2:1\n", "one label only"},
        Case{"1 1:1\n2 2:1\n3 2:1\n", "3 different labels"}}) {
    CAPTURE(text);
    const Files files(text);
    Arena arena(with_threads(2));
    const auto convert = [&] {
      sounder::convert(files.svm, files.blocks, *make_objective("hinge", {}), {}, arena);
    };
    CHECK(input_error_of(convert).find(message) != std::string::npos);
    CHECK(std::distance(std::filesystem::directory_iterator(files.dir / ""), {}) == 1);
  }
}

TEST_CASE("block file: a stop leaves nothing behind") {
  const Files files = small_files();
  Arena arena(with_threads(2));
  std::stop_source stop;
  stop.request_stop();
  CHECK(!convert(files.svm, files.blocks, *make_objective("hinge", {}), {}, arena, stop.get_token()));
  CHECK(!std::filesystem::exists(files.blocks));
}

TEST_CASE("block file: refuses options that its blocks are not made for") {
  const Files files = small_files();
  files.convert({.options = short_run()});
  Options options = short_run();
  CHECK(error_of_training(files, options).empty());
  options.block_rows = 17;
  CHECK(error_of_training(files, options).find("found blocks of 16 rows") != std::string::npos);
  options = short_run();
  options.bias = true;
  CHECK(error_of_training(files, options).find("--rule sgd --bias") != std::string::npos);
  CHECK(error_of_training(files, short_run(Rule::kAdagrad)).find("--rule adagrad") != std::string::npos);
  options = short_run();
  options.discipline = Discipline::kExclusive;
  CHECK(error_of_training(files, options).find("exclusive") != std::string::npos);
  options = short_run();
  options.numa_nodes = {-1, -1};
  options.threads = 2;
  CHECK(error_of_training(files, options).find("name one node") != std::string::npos);
  CHECK(input_error_of([&] {
          train(files.open(), *make_objective("least_squares", {}), short_run());
        }).find("of two classes") != std::string::npos);
  CHECK(input_error_of([&] {
          train(files.open(), *make_objective("softmax", {}), short_run());
        }).find("softmax") != std::string::npos);
}

TEST_CASE("block file: refuses a change of any byte around its blocks, and every truncation") {
  const Files files = small_files(40);
  files.convert({.options = short_run()});
  const std::string good = bytes_of(files.blocks);
  const auto file = files.open();
  const std::size_t behind = good.size() - sizeof(BlockFileEnd) -
                             aligned_block(file->blocks() * sizeof(BlockEntry)) -
                             aligned_block(4 * file->shape().dimension);
  const auto refused = [&](const std::string& bytes) {
    test::write_file(files.svm, bytes);
    return !input_error_of([&] { BlockFile(files.svm, 0); }).empty();
  };
  CHECK(!refused(good));
  for (std::size_t at = 0; at < good.size(); at += at < 64 || at >= behind ? 1 : good.size()) {
    if (at == 64) at = behind;
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 0x20);
    CAPTURE(at);
    REQUIRE(refused(bad));
  }
  for (std::size_t size = 0; size < good.size(); size += 61) {
    CAPTURE(size);
    REQUIRE(refused(good.substr(0, size)));
  }
}

TEST_CASE("block file: an end that says what no file has is refused, though its checksum is right") {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const Files files = small_files(40);
  files.convert({.options = short_run()});
  std::string bytes = bytes_of(files.blocks);
  char* const place = bytes.data() + bytes.size() - sizeof(BlockFileEnd);
  BlockFileEnd good;
  std::memcpy(&good, place, sizeof good);
  const std::vector<std::pair<std::string, std::function<void(BlockFileEnd&)>>> changes = {
      {"labels", [](BlockFileEnd& end) { end.labels = static_cast<std::uint32_t>(LabelKind::kManyClass); }},
      {"rows", [](BlockFileEnd& end) { end.rows = 0; }},
      {"one row less", [](BlockFileEnd& end) { --end.rows; }},
      {"dimension", [](BlockFileEnd& end) { end.dimension += 64; }},
      {"nonzeros", [](BlockFileEnd& end) { ++end.nonzeros; }},
      {"block_rows", [](BlockFileEnd& end) { end.block_rows = 0; }},
      {"blocks", [](BlockFileEnd& end) { --end.blocks; }},
      {"many blocks", [](BlockFileEnd& end) { end.blocks = std::uint64_t{1} << 61; }},
      {"state", [](BlockFileEnd& end) { end.state = 77; }},
      {"bias", [](BlockFileEnd& end) { end.bias = 2; }},
      {"average", [](BlockFileEnd& end) { end.average = 2; }},
      {"normalize", [](BlockFileEnd& end) { end.normalize = 7; }},
      {"index_base", [](BlockFileEnd& end) { end.index_base = 2; }},
      {"negative", [](BlockFileEnd& end) { end.negative = std::numeric_limits<float>::infinity(); }},
      {"positive", [](BlockFileEnd& end) { end.positive = std::numeric_limits<float>::quiet_NaN(); }},
      {"positive_above", [](BlockFileEnd& end) { end.positive_above = kInfinity; }},
      {"positive_class", [](BlockFileEnd& end) { end.positive_class = -kInfinity; }},
  };
  for (const auto& [name, change] : changes) {
    CAPTURE(name);
    BlockFileEnd end = good;
    change(end);
    end.sum = checksum_of({reinterpret_cast<const char*>(&end), sizeof end - sizeof end.sum});
    std::memcpy(place, &end, sizeof end);
    test::write_file(files.svm, bytes);
    CHECK(input_error_of([&] { BlockFile(files.svm, 0); }).starts_with(files.svm + ": "));
  }
}

TEST_CASE("block file: a corrupt block is found when it is first used, and named") {
  const Files files = small_files();
  files.convert({.options = short_run()});
  const std::string good = bytes_of(files.blocks);
  const auto objective = make_objective("logistic", {});
  for (std::size_t at = 64; at < good.size() / 2; at += 499) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 0x01);
    test::write_file(files.svm, bad);
    const auto file = std::make_shared<const BlockFile>(files.svm, 0);
    const std::string error = input_error_of([&] { train(file, *objective, short_run(Rule::kSgd, 2)); });
    CAPTURE(at);
    CHECK(error.starts_with(files.svm + ": block "));
    CHECK(error.find("corrupt") != std::string::npos);
  }
}

TEST_CASE("block file: a block without cells has no samples that could lie in them") {
  const TempDir dir;
  const std::string path = dir / "crafted.blocks";
  const BlockExtent extent{
      .rows = 1, .cells = 0, .entries = 1, .pairs = false, .weighted = false, .wide = false};
  const auto bytes = std::make_shared<std::vector<std::uint64_t>>(extent.bytes() / 8 + 1);
  const std::shared_ptr<std::byte> begin(bytes, reinterpret_cast<std::byte*>(bytes->data()));
  const BlockPieces pieces(begin.get(), extent);
  pieces.offsets[1] = 1;
  pieces.narrow[0] = 60'000;
  Block block = pieces.block(begin, 0);
  const std::vector<float> values{1};
  block.values = values;
  BlockFileWriter writer(path);
  writer.add(block);
  writer.commit({.block_rows = 1, .planes = {.state = 1}}, std::vector<std::uint32_t>{1});
  const BlockFile file(path, 0);
  const std::string error = input_error_of([&] { file.require(0); });
  CHECK(error.find("block 1 of 1 is corrupt: found samples that do not fit") != std::string::npos);
}

TEST_CASE("block file: a few large labels, wherever they lie, are no divergence") {
  std::string text;
  for (int i = 0; i < 3000; ++i)
    text += fmt::format("{} {}:1 {}:0.5\n", i % 1000 == 7 ? 60 : 0, 1 + i % 20, 21 + i % 7);
  const Files files(text);
  const auto objective = make_objective("least_squares", {});
  const Dataset data = read_libsvm(files.svm).data;
  for (const std::uint64_t seed : {1, 2, 3}) {
    CAPTURE(seed);
    Options options = short_run();
    options.seed = seed;
    files.convert({.options = options}, "least_squares");
    for (const std::size_t memory : {kAllMemory, std::size_t{0}}) {
      const auto file = files.open(memory);
      CHECK(Source(file).loss_of_zero(*objective) == doctest::Approx(loss_of_zero(data, *objective)));
      const Report report = train(file, *objective, options).report;
      CHECK(report.outcome == Outcome::kEpochLimit);
      CHECK(report.rollbacks == 0);
    }
  }
}

TEST_CASE("block file: a bias starts where the labels are, as from the samples") {
  std::string text;
  for (int i = 0; i < 3000; ++i)
    text += fmt::format("{} {}:1 {}:0.5\n", 10'000 + i % 20 - i % 7, 1 + i % 20, 21 + i % 7);
  const Files files(text);
  const auto objective = make_objective("quantile", {});
  Options options = short_run();
  options.bias = true;
  files.convert({.options = options}, "quantile");
  const double from_samples = train(read_libsvm(files.svm).data, *objective, options).report.objective;
  CHECK(from_samples < 10);
  for (const std::size_t memory : {kAllMemory, std::size_t{0}})
    CHECK(train(files.open(memory), *objective, options).report.objective ==
          doctest::Approx(from_samples).epsilon(0.05));
}

TEST_CASE("block file: calls may run at once on one file that is larger than memory") {
  const Files files = small_files();
  files.convert({.options = short_run()});
  const auto objective = make_objective("logistic", {});
  const auto file = files.open(0);
  const Model expected = train(file, *objective, short_run()).model;
  std::vector<Model> found(4);
  {
    std::vector<std::jthread> callers;
    for (Model& model : found)
      callers.emplace_back([&] { model = train(file, *objective, short_run()).model; });
  }
  for (const Model& model : found) CHECK(model.weights == expected.weights);
}

TEST_CASE("block file: holds normalized rows, and says by which class they are labelled") {
  const Files files("3 1:3 5:4\n5 2:2\n9 1:1 2:1\n");
  files.convert({.label_rule = {{}, 5}, .normalize = true}, "hinge");
  const auto file = files.open();
  CHECK(file->shape().label_rule.positive_class == 5);
  CHECK(!file->shape().label_rule.positive_above);
  for (std::size_t b = 0; b < file->blocks(); ++b) {
    const Block block = file->block(b, 0);
    for (std::size_t i = 0; i < block.rows(); ++i)
      CHECK(squared_norm_of(block.values.subspan(
                block.offsets[i], block.offsets[i + 1] - block.offsets[i])) == doctest::Approx(1));
  }
}

}  // namespace sounder
