#include "io/input.h"

#include <bzlib.h>
#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <cstddef>
#include <random>
#include <string>
#include <thread>
#include <utility>

#include "io/error.h"
#include "io/libsvm.h"
#include "test/support.h"

using namespace sounder;
using namespace sounder::test;

namespace {

std::string gzip(const std::string& plain) {
  z_stream stream{};
  REQUIRE(deflateInit2(&stream, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string packed(deflateBound(&stream, plain.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(plain.data()));
  stream.avail_in = static_cast<unsigned>(plain.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<unsigned>(packed.size());
  REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

std::string bzip2(const std::string& plain) {
  std::string packed(plain.size() + plain.size() / 100 + 600, '\0');
  auto size = static_cast<unsigned>(packed.size());
  const auto plain_size = static_cast<unsigned>(plain.size());
  REQUIRE(BZ2_bzBuffToBuffCompress(packed.data(), &size, const_cast<char*>(plain.data()), plain_size, 1, 0,
                                   0) == BZ_OK);
  packed.resize(size);
  return packed;
}

std::string zstd(const std::string& plain) {
  ZSTD_CCtx* context = ZSTD_createCCtx();
  ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
  std::string packed(ZSTD_compressBound(plain.size()), '\0');
  packed.resize(ZSTD_compress2(context, packed.data(), packed.size(), plain.data(), plain.size()));
  ZSTD_freeCCtx(context);
  return packed;
}

struct Format {
  const char* name;
  std::string (*pack)(const std::string&);
};
constexpr Format kFormats[] = {{"gzip", gzip}, {"bzip2", bzip2}, {"zstd", zstd}};

// Text that compresses a little, of digits.
std::string text_of(std::size_t size) {
  std::mt19937 random(7);
  std::string text(size, '0');
  for (char& c : text) c = static_cast<char>('0' + random() % 10);
  return text;
}

// What a file with these bytes reads as.
class Reader {
 public:
  std::string operator()(std::string_view bytes) const {
    write_file(path(), bytes);
    return std::string(Input(path()).bytes());
  }
  std::string error(std::string_view bytes) const {
    return input_error_of([&] { (*this)(bytes); });
  }
  std::string path() const { return dir_ / "file.txt"; }

 private:
  TempDir dir_;
};

}  // namespace

TEST_CASE("input: plain files read as they are") {
  const Reader read;
  for (const std::string& bytes : {std::string(), std::string("x"), std::string("BZ"), std::string("BZh"),
                                   std::string("BZhat 1:1\n"), text_of(1'000'000)})
    CHECK(read(bytes) == bytes);
}

TEST_CASE("input: compressed files read as what was compressed, whatever their name") {
  const Reader read;
  for (const Format& format : kFormats)
    for (const std::size_t size : {0U, 1U, 1000U, 65'536U, 3'000'000U}) {
      CAPTURE(format.name);
      CAPTURE(size);
      const std::string plain = text_of(size);
      CHECK(read(format.pack(plain)) == plain);
    }
}

TEST_CASE("input: high compression grows the buffer many times") {
  const Reader read;
  const std::string plain(20'000'000, 'a');
  for (const Format& format : kFormats) CHECK(read(format.pack(plain)) == plain);
}

TEST_CASE("input: members and frames are joined") {
  const Reader read;
  const std::string plain = text_of(100'000);
  for (const Format& format : kFormats) {
    CAPTURE(format.name);
    CHECK(read(format.pack(plain) + format.pack("") + format.pack("end")) == plain + "end");
  }
}

TEST_CASE("input: zstd frames to be skipped are skipped") {
  const Reader read;
  const std::string skipped{"\x50\x2a\x4d\x18\x03\0\0\0abc", 11};
  CHECK(read(skipped + zstd("x") + skipped + zstd("y")) == "xy");
}

TEST_CASE("input: a compressed file that is cut short is refused, wherever it is cut") {
  const Reader read;
  for (const Format& format : kFormats) {
    const std::string packed = format.pack(text_of(500));
    const std::string message =
        read.path() + ": the " + format.name + " data ends too early: the file is cut short";
    for (std::size_t size = 4; size < packed.size(); ++size) {
      CAPTURE(size);
      CHECK(read.error(packed.substr(0, size)) == message);
      CHECK(read.error(packed + packed.substr(0, size)) == message);
    }
  }
}

TEST_CASE("input: a flipped bit in a compressed file is refused or harmless") {
  const Reader read;
  const std::string plain = text_of(300);
  for (const Format& format : kFormats) {
    const std::string packed = format.pack(plain);
    std::size_t refused = 0;
    for (std::size_t bit = 8 * 4; bit < 8 * packed.size(); ++bit) {
      std::string flipped = packed;
      flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
      const std::string message = read.error(flipped);
      CAPTURE(format.name);
      CAPTURE(bit);
      if (message.empty()) CHECK(read(flipped) == plain);
      refused += message.find(std::string("the ") + format.name + " data ") != std::string::npos;
    }
    CHECK(refused > 7 * packed.size());
  }
}

TEST_CASE("input: bytes behind the compressed data are refused") {
  const Reader read;
  for (const Format& format : kFormats) {
    const std::string message = " data is corrupt: something else follows its end";
    CHECK(read.error(format.pack("x") + "1 1:1\n") == read.path() + ": the " + format.name + message);
  }
}

TEST_CASE("input: zeros behind gzip data are its end, whatever else is not") {
  const Reader read;
  for (const std::size_t zeros : {1U, 3U, 512U, 300'000U}) {
    CAPTURE(zeros);
    const std::string padding(zeros, '\0');
    CHECK(read(gzip("x") + padding) == "x");
    CHECK(read.error(gzip("x") + padding + "x").ends_with("something else follows its end"));
    CHECK(read.error(bzip2("x") + padding).ends_with("something else follows its end"));
    CHECK(read.error(zstd("x") + padding).ends_with("something else follows its end"));
  }
}

TEST_CASE("input: a file that cannot be read is refused with the reason of the system") {
  const TempDir dir;
  const auto error_of = [](const std::string& path) { return input_error_of([&] { Input{path}; }); };
  CHECK(error_of(dir / "none") == (dir / "none") + ": cannot be read: No such file or directory");
  CHECK(error_of(dir / "") == (dir / "") + ": cannot be read: Is a directory");
  write_file(dir / "locked", "x");
  chmod((dir / "locked").c_str(), 0);
  if (geteuid() != 0)
    CHECK(error_of(dir / "locked") == (dir / "locked") + ": cannot be read: Permission denied");
}

TEST_CASE("input: a pipe is read to its end, plain and compressed") {
  const TempDir dir;
  const std::string path = dir / "pipe";
  REQUIRE(mkfifo(path.c_str(), 0600) == 0);
  const std::string plain = text_of(300'000);
  for (const std::string& bytes : {plain, gzip(plain), bzip2(plain), zstd(plain)}) {
    std::jthread writer([&] { write_file(path, bytes); });
    CHECK(Input(path).bytes() == plain);
  }
}

TEST_CASE("stream: bytes come in any portions, and may be looked at first") {
  const TempDir dir;
  const std::string plain = text_of(300'000);
  for (const std::string& bytes : {plain, gzip(plain), bzip2(plain), zstd(plain)})
    for (const std::size_t portion : {7U, 4096U, 1'000'000U}) {
      CAPTURE(portion);
      write_file(dir / "file", bytes);
      Stream stream(dir / "file");
      CHECK(stream.ahead(5) == plain.substr(0, 5));
      CHECK(stream.ahead(3) == plain.substr(0, 3));
      std::string found;
      std::string part(portion, 0);
      for (std::size_t count = portion; count == portion; found.append(part, 0, count))
        count = stream.read(part);
      CHECK(found == plain);
      CHECK(stream.ahead(1).empty());
      CHECK(stream.read(part) == 0);
    }
}

TEST_CASE(
    "stream: compressed data is read to its checksum when asked whether it is intact, plain data is not") {
  const TempDir dir;
  const std::string plain = text_of(300'000);
  for (const Format& format : kFormats) {
    CAPTURE(format.name);
    std::string packed = format.pack(plain);
    write_file(dir / "file", packed);
    Stream(dir / "file").require_intact();
    packed[packed.size() - 6] ^= 1;
    write_file(dir / "file", packed);
    Stream stream(dir / "file");
    CHECK(stream.ahead(5) == plain.substr(0, 5));
    for (int time = 0; time < 2; ++time)
      CHECK(input_error_of([&] { stream.require_intact(); }).find(" data is corrupt: ") != std::string::npos);
  }
  write_file(dir / "file", plain);
  Stream stream(dir / "file");
  stream.require_intact();
  CHECK(stream.ahead(5) == plain.substr(0, 5));
}

TEST_CASE("input: text that corrupt data became is not blamed") {
  const TempDir dir;
  const std::string path = dir / "f.svm";
  std::string text;
  for (int row = 1; row < 300; ++row) text += "1 1:" + std::to_string(row * 7919 % 1000) + "\n";
  for (const Format& format : kFormats) {
    const std::string packed = format.pack(text);
    std::size_t refused = 0;
    for (std::size_t byte = 4; byte < packed.size(); byte += 3) {
      std::string flipped = packed;
      flipped[byte] ^= 4;
      write_file(path, flipped);
      const std::string message = input_error_of([&] { read_libsvm(path, {.piece_bytes = 64}); });
      CAPTURE(format.name);
      CAPTURE(byte);
      CAPTURE(message);
      CHECK((message.empty() || message.starts_with(path + ": the " + format.name + " data ")));
      refused += !message.empty();
    }
    CHECK(refused > packed.size() / 4);
  }
  write_file(path, gzip("1 1:x\n"));
  CHECK(input_error_of([&] { read_libsvm(path); }).starts_with(path + ":1:5: found \"x\""));
}

TEST_CASE("input: a byte order mark is no part of text, and only at its start") {
  const Reader read;
  const std::string mark = "\xef\xbb\xbf";
  for (const std::string& text : {std::string(), std::string("x"), mark + "x" + mark, text_of(300'000)}) {
    CHECK(read(mark + text) == text);
    for (const Format& format : kFormats) CHECK(read(format.pack(mark + text)) == text);
  }
  for (const std::string& text : {mark.substr(0, 2), mark.substr(0, 2) + "x"}) CHECK(read(text) == text);
}

TEST_CASE("input: what a stream was asked ahead is part of it") {
  const TempDir dir;
  for (const std::string& bytes : {std::string("plain"), gzip("plain")}) {
    write_file(dir / "file", bytes);
    Stream stream(dir / "file");
    CHECK(stream.ahead(2) == "pl");
    CHECK(Input(std::move(stream)).bytes() == "plain");
  }
}

TEST_CASE("input: moving keeps the bytes") {
  const Reader read;
  for (const std::string& file : {std::string("plain"), gzip("plain")}) {
    write_file(read.path(), file);
    Input first(read.path());
    const Input second = std::move(first);
    CHECK(second.bytes() == "plain");
  }
}
