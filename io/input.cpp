#include "io/input.h"

#include <bzlib.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <optional>
#include <span>
#include <utility>

#include "io/error.h"

namespace sounder {
namespace {

[[noreturn]] void refuse(const std::string& path) {
  throw InputError(Position{path}, std::string("cannot be read: ") + std::strerror(errno));
}

// An open file descriptor.
class File {
 public:
  explicit File(const std::string& path) : descriptor_(open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (descriptor_ < 0) refuse(path);
  }
  ~File() { close(descriptor_); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  int descriptor() const { return descriptor_; }

  // 0 for what cannot be mapped.
  std::size_t mappable_size() const {
    struct stat status {};
    const bool regular = fstat(descriptor_, &status) == 0 && S_ISREG(status.st_mode);
    return regular ? static_cast<std::size_t>(status.st_size) : 0;
  }

 private:
  int descriptor_;
};

// Bytes that grow at the end: free() is room to write to, grown() says how much of it was used.
class Growing {
 public:
  std::span<char> free() {
    constexpr std::size_t kFirst = std::size_t{1} << 16;
    if (used_ == bytes_.size()) bytes_.resize(std::max(kFirst, 2 * used_));
    return std::span(bytes_).subspan(used_);
  }
  void grown(std::size_t count) { used_ += count; }
  std::string take() {
    bytes_.resize(used_);
    return std::move(bytes_);
  }

 private:
  std::string bytes_;
  std::size_t used_ = 0;
};

std::string read_all(const File& file, const std::string& path) {
  Growing result;
  for (;;) {
    const std::span<char> room = result.free();
    const ssize_t count = read(file.descriptor(), room.data(), room.size());
    if (count == 0) return result.take();
    if (count > 0) result.grown(static_cast<std::size_t>(count));
    if (count < 0 && errno != EINTR) refuse(path);
  }
}

// What one call of a decoder did. `ended`: the member (frame, stream) is complete.
struct Step {
  std::size_t consumed;
  std::size_t produced;
  bool ended;
  const char* error;  // null when all is well
};

// zlib and bzip2 count the bytes of one call in 32 bits.
unsigned clamp(std::size_t size) {
  return static_cast<unsigned>(std::min<std::size_t>(size, 1U << 30));
}

// The decoders: next() goes on with the current member, or begins one after the last has ended.
class Gzip {
 public:
  static constexpr const char* kName = "gzip";
  static bool begins(std::string_view bytes) { return bytes.starts_with("\x1f\x8b"); }

  Gzip() {
    constexpr int kGzipOnly = 16 + MAX_WBITS;
    if (inflateInit2(&stream_, kGzipOnly) != Z_OK) throw std::bad_alloc();
  }
  ~Gzip() { inflateEnd(&stream_); }
  Gzip(const Gzip&) = delete;
  Gzip& operator=(const Gzip&) = delete;

  Step next(std::string_view from, std::span<char> to) {
    const unsigned in = clamp(from.size());
    const unsigned out = clamp(to.size());
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(from.data()));
    stream_.avail_in = in;
    stream_.next_out = reinterpret_cast<Bytef*>(to.data());
    stream_.avail_out = out;
    const int code = inflate(&stream_, Z_NO_FLUSH);
    const bool good = code == Z_OK || code == Z_STREAM_END || code == Z_BUF_ERROR;
    const char* error = good ? nullptr : (stream_.msg != nullptr ? stream_.msg : zError(code));
    const Step step{in - stream_.avail_in, out - stream_.avail_out, code == Z_STREAM_END, error};
    if (step.ended) inflateReset(&stream_);
    return step;
  }

 private:
  z_stream stream_{};
};

class Bzip2 {
 public:
  static constexpr const char* kName = "bzip2";
  static bool begins(std::string_view bytes) { return bytes.starts_with("BZh"); }

  Bzip2() { start(); }
  ~Bzip2() { BZ2_bzDecompressEnd(&stream_); }
  Bzip2(const Bzip2&) = delete;
  Bzip2& operator=(const Bzip2&) = delete;

  Step next(std::string_view from, std::span<char> to) {
    const unsigned in = clamp(from.size());
    const unsigned out = clamp(to.size());
    stream_.next_in = const_cast<char*>(from.data());
    stream_.avail_in = in;
    stream_.next_out = to.data();
    stream_.avail_out = out;
    const int code = BZ2_bzDecompress(&stream_);
    const char* error = code == BZ_OK || code == BZ_STREAM_END ? nullptr : "a checksum or a header is wrong";
    const Step step{in - stream_.avail_in, out - stream_.avail_out, code == BZ_STREAM_END, error};
    if (step.ended) {
      BZ2_bzDecompressEnd(&stream_);
      start();
    }
    return step;
  }

 private:
  void start() {
    stream_ = {};
    if (BZ2_bzDecompressInit(&stream_, 0, 0) != BZ_OK) throw std::bad_alloc();
  }

  bz_stream stream_{};
};

class Zstd {
 public:
  static constexpr const char* kName = "zstd";
  // A frame, or one to be skipped, as pzstd writes first.
  static bool begins(std::string_view bytes) {
    const bool skippable =
        bytes.size() >= 4 && (bytes[0] & 0xf0) == 0x50 && bytes.substr(1, 3) == "\x2a\x4d\x18";
    return skippable || bytes.starts_with("\x28\xb5\x2f\xfd");
  }

  Zstd() : stream_(ZSTD_createDStream()) {
    if (stream_ == nullptr) throw std::bad_alloc();
  }
  ~Zstd() { ZSTD_freeDStream(stream_); }
  Zstd(const Zstd&) = delete;
  Zstd& operator=(const Zstd&) = delete;

  Step next(std::string_view from, std::span<char> to) {
    ZSTD_inBuffer in{from.data(), from.size(), 0};
    ZSTD_outBuffer out{to.data(), to.size(), 0};
    const std::size_t code = ZSTD_decompressStream(stream_, &out, &in);
    return {in.pos, out.pos, code == 0, ZSTD_isError(code) != 0 ? ZSTD_getErrorName(code) : nullptr};
  }

 private:
  ZSTD_DStream* stream_;
};

template <class Decoder>
std::string decompress(std::string_view packed, const std::string& path) {
  const auto fail = [&](std::string_view what) {
    throw InputError(Position{path}, std::string("the ") + Decoder::kName + " data " + std::string(what));
  };
  Decoder decoder;
  Growing plain;
  bool ended = false;
  while (!ended || !packed.empty()) {
    if (ended && !Decoder::begins(packed)) fail("is corrupt: something else follows its end");
    const Step step = decoder.next(packed, plain.free());
    if (step.error != nullptr) fail(std::string("is corrupt: ") + step.error);
    if (step.consumed + step.produced == 0 && !step.ended) fail("ends too early: the file is cut short");
    packed.remove_prefix(step.consumed);
    plain.grown(step.produced);
    ended = step.ended;
  }
  return plain.take();
}

// Nothing when the bytes are not compressed.
std::optional<std::string> unpack(std::string_view bytes, const std::string& path) {
  if (Gzip::begins(bytes)) return decompress<Gzip>(bytes, path);
  if (Bzip2::begins(bytes)) return decompress<Bzip2>(bytes, path);
  if (Zstd::begins(bytes)) return decompress<Zstd>(bytes, path);
  return std::nullopt;
}

}  // namespace

void Input::Unmap::operator()(const char* begin) const {
  munmap(const_cast<char*>(begin), size);
}

Input::Input(const std::string& path) {
  const File file(path);
  const std::size_t size = file.mappable_size();
  void* mapping = size > 0 ? mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.descriptor(), 0) : MAP_FAILED;
  if (mapping == MAP_FAILED) {
    owned_ = read_all(file, path);
  } else {
    mapped_ = {static_cast<const char*>(mapping), Unmap{size}};
    madvise(mapping, size, MADV_SEQUENTIAL);
  }
  if (std::optional<std::string> plain = unpack(bytes(), path)) {
    owned_ = std::move(*plain);
    mapped_.reset();
  }
}

}  // namespace sounder
