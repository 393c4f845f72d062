#include "io/stream.h"

#include <bzlib.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cerrno>
#include <new>
#include <system_error>
#include <utility>

#include "io/error.h"

namespace sounder {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
constexpr std::size_t kLongestMagic = 4;
constexpr std::size_t kPackedBytes = std::size_t{1} << 17;

[[noreturn]] void refuse(const std::string& path) {
  throw InputError(Position{path}, "cannot be read: " + std::generic_category().message(errno));
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
  static constexpr bool kPadded = true;  // zeros may follow, as on tapes
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
  static constexpr bool kPadded = false;
  // "BZh" alone is text as well.
  static bool begins(std::string_view bytes) {
    return bytes.size() >= 4 && bytes.starts_with("BZh") && bytes[3] >= '1' && bytes[3] <= '9';
  }

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
  static constexpr bool kPadded = false;
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

}  // namespace

// An open file descriptor.
class Stream::File {
 public:
  explicit File(const std::string& path)
      : path_(path), descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (descriptor_ < 0) refuse(path);
  }
  File(File&& other) noexcept
      : path_(std::move(other.path_)), descriptor_(std::exchange(other.descriptor_, -1)) {}
  ~File() {
    if (descriptor_ >= 0) close(descriptor_);
  }

  const std::string& path() const { return path_; }
  int descriptor() const { return descriptor_; }

  // Of what is no regular file: 0.
  std::size_t regular_size() const {
    struct stat status {};
    const bool regular = fstat(descriptor_, &status) == 0 && S_ISREG(status.st_mode);
    return regular ? static_cast<std::size_t>(status.st_size) : 0;
  }

  // Fills `to`, unless the file ends.
  std::size_t read(std::span<char> to) {
    std::size_t size = 0;
    while (size < to.size()) {
      const ssize_t count = ::read(descriptor_, to.data() + size, to.size() - size);
      if (count == 0) break;
      if (count < 0 && errno != EINTR) refuse(path_);
      if (count > 0) size += static_cast<std::size_t>(count);
    }
    return size;
  }

 private:
  std::string path_;
  int descriptor_;
};

// A file whose first bytes, the head, were read already.
class Stream::Source {
 public:
  explicit Source(File file) : file_(std::move(file)) {}
  virtual ~Source() = default;
  virtual std::size_t read(std::span<char> to) = 0;
  virtual void require_intact() {}
  virtual std::size_t mappable_size() const { return 0; }
  const File& file() const { return file_; }

 protected:
  File file_;
};

class Stream::Plain final : public Source {
 public:
  Plain(File file, std::string_view head) : Source(std::move(file)), head_(head) {}

  std::size_t read(std::span<char> to) override {
    const std::size_t known = head_.copy(to.data(), to.size());
    head_.erase(0, known);
    return known + file_.read(to.subspan(known));
  }
  std::size_t mappable_size() const override { return file_.regular_size(); }

 private:
  std::string head_;
};

template <class Decoder>
class Stream::Packed final : public Source {
 public:
  Packed(File file, std::string_view head)
      : Source(std::move(file)), buffer_(kPackedBytes, 0), end_(head.size()) {
    head.copy(buffer_.data(), head.size());
  }

  std::size_t read(std::span<char> to) override {
    if (!failure_.empty()) fail(failure_);
    std::size_t size = 0;
    while (size < to.size()) {
      const std::string_view packed = refill();
      if (ended_ && packed.empty()) break;
      if (ended_ && Decoder::kPadded && packed[0] == '\0') {
        skip_zeros();
        break;
      }
      if (ended_ && !Decoder::begins(packed)) fail("is corrupt: something else follows its end");
      const Step step = decoder_.next(packed, to.subspan(size));
      if (step.error != nullptr) fail(std::string("is corrupt: ") + step.error);
      if (step.consumed + step.produced == 0 && !step.ended) fail("ends too early: the file is cut short");
      begin_ += step.consumed;
      size += step.produced;
      ended_ = step.ended;
    }
    return size;
  }

  void require_intact() override {
    std::string room(kPackedBytes, 0);
    while (read(room) == room.size()) {
    }
  }

 private:
  // What is still packed: a whole magic number at least, unless the file ends.
  std::string_view refill() {
    if (end_ - begin_ < kLongestMagic) {
      std::copy(buffer_.data() + begin_, buffer_.data() + end_, buffer_.data());
      end_ -= std::exchange(begin_, 0);
      end_ += file_.read(std::span(buffer_).subspan(end_));
    }
    return std::string_view(buffer_).substr(begin_, end_ - begin_);
  }

  void skip_zeros() {
    for (std::string_view rest = refill(); !rest.empty(); rest = refill()) {
      if (rest.find_first_not_of('\0') != rest.npos) fail("is corrupt: something else follows its end");
      begin_ = end_;
    }
  }

  [[noreturn]] void fail(const std::string& what) {
    failure_ = what;
    throw InputError(Position{file_.path()}, std::string("the ") + Decoder::kName + " data " + what);
  }

  Decoder decoder_;
  std::string buffer_;
  std::size_t begin_ = 0;
  std::size_t end_;
  bool ended_ = false;
  std::string failure_;  // why there is nothing more to read
};

std::unique_ptr<Stream::Source> Stream::open(const std::string& path) {
  File file(path);
  char bytes[kLongestMagic];
  const std::string_view head(bytes, file.read(bytes));
  if (Gzip::begins(head)) return std::make_unique<Packed<Gzip>>(std::move(file), head);
  if (Bzip2::begins(head)) return std::make_unique<Packed<Bzip2>>(std::move(file), head);
  if (Zstd::begins(head)) return std::make_unique<Packed<Zstd>>(std::move(file), head);
  return std::make_unique<Plain>(std::move(file), head);
}

Stream::Stream(const std::string& path)
    : source_(open(path)), marked_(ahead(kByteOrderMark.size()) == kByteOrderMark) {
  if (marked_) ahead_.clear();
}

Stream::~Stream() = default;
Stream::Stream(Stream&&) noexcept = default;
Stream& Stream::operator=(Stream&&) noexcept = default;

std::size_t Stream::read(std::span<char> to) {
  const std::size_t known = ahead_.copy(to.data(), to.size());
  ahead_.erase(0, known);
  return known + source_->read(to.subspan(known));
}

std::string_view Stream::ahead(std::size_t count) {
  if (const std::size_t known = ahead_.size(); known < count) {
    ahead_.resize(count);
    ahead_.resize(known + source_->read(std::span(ahead_).subspan(known)));
  }
  return std::string_view(ahead_).substr(0, count);
}

void Stream::require_intact() {
  source_->require_intact();
}

int Stream::descriptor() const {
  return source_->file().descriptor();
}

std::size_t Stream::mappable_size() const {
  return marked_ ? 0 : source_->mappable_size();
}

}  // namespace sounder
