#include "io/output.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <iterator>
#include <system_error>

#include "io/error.h"

namespace sounder {
namespace {

namespace fs = std::filesystem;

constexpr mode_t kPermissions = 07777;
constexpr int kMostLinks = 40;  // as Linux follows; more go in a circle
constexpr std::size_t kPredictionBuffer = std::size_t{1} << 16;

[[noreturn]] void fail(const std::string& path, std::string_view attempt, int error = errno) {
  throw InputError({path}, fmt::format("cannot {}: {}", attempt, std::generic_category().message(error)));
}

// Which of the program's own output streams `status` is of; -1 when neither.
int standard_stream(const struct stat& status) {
  for (const int stream : {STDOUT_FILENO, STDERR_FILENO}) {
    struct stat other {};
    const bool open = fstat(stream, &other) == 0;
    if (open && other.st_dev == status.st_dev && other.st_ino == status.st_ino) return stream;
  }
  return -1;
}

// A duplicate of a standard stream shares its position and reaches sockets, which cannot be opened by name.
int open_directly(const std::string& path) {
  struct stat status {};
  const int stream = stat(path.c_str(), &status) == 0 ? standard_stream(status) : -1;
  return stream >= 0 ? fcntl(stream, F_DUPFD_CLOEXEC, 0) : open(path.c_str(), O_WRONLY | O_CLOEXEC);
}

}  // namespace

std::string follow_links(const std::string& path) {
  std::error_code unreadable;
  fs::path target = path;
  for (int links = 0; links < kMostLinks && fs::is_symlink(target, unreadable); ++links)
    target = target.parent_path() / fs::read_symlink(target);
  return target;
}

bool is_standard_output(const std::string& path) {
  struct stat status {};
  return stat(path.c_str(), &status) == 0 && !S_ISCHR(status.st_mode) &&
         standard_stream(status) == STDOUT_FILENO;
}

OutputFile::OutputFile(const std::string& path) : path_(path), target_(path) {
  struct stat status {};
  const bool exists = stat(path.c_str(), &status) == 0;
  if (!exists && errno != ENOENT) fail(path, "open for writing");
  if (exists && S_ISDIR(status.st_mode)) fail(path, "open for writing", EISDIR);
  if (exists && standard_stream(status) >= 0) return;  // it is open, whoever owns it
  if (exists && faccessat(AT_FDCWD, path.c_str(), W_OK, AT_EACCESS) != 0) fail(path, "open for writing");
  if (exists && !S_ISREG(status.st_mode)) return;
  if (exists) mode_ = status.st_mode & kPermissions;
  target_ = follow_links(path);
  create_temporary();
}

OutputFile::~OutputFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
  if (!temporary_.empty()) unlink(temporary_.c_str());
}

void OutputFile::create_temporary() {
  const fs::path target = target_;
  if (!target.has_filename()) fail(path_, "open for writing", ENOENT);
  for (int n = 0; descriptor_ < 0; ++n) {
    const std::string name = fmt::format("{}.tmp{}.{}", target_, getpid(), n);
    descriptor_ = open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode_ != 0 ? mode_ : 0666);
    if (descriptor_ >= 0) {
      temporary_ = name;
    } else if (errno != EEXIST) {
      const int error = errno;
      const std::string directory = target.has_parent_path() ? target.parent_path().string() : ".";
      fail(path_, fmt::format("create a file in '{}'", directory), error);
    }
  }
}

void OutputFile::write(std::string_view bytes) {
  if (descriptor_ < 0) descriptor_ = open_directly(target_);
  if (descriptor_ < 0) fail(path_, "open for writing");
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno != EINTR) {
      fail(path_, "write");
    }
  }
}

void OutputFile::commit() {
  if (temporary_.empty()) return close();
  if (mode_ != 0 && fchmod(descriptor_, mode_) != 0) fail(path_, "set the permissions");
  if (fsync(descriptor_) != 0) fail(path_, "write");
  close();
  if (rename(temporary_.c_str(), target_.c_str()) != 0) fail(path_, "replace");
  temporary_.clear();
}

void OutputFile::close() {
  if (descriptor_ < 0) return;
  const int result = ::close(descriptor_);
  descriptor_ = -1;
  if (result != 0) fail(path_, "write");
}

void write_file(const std::string& path, std::string_view bytes) {
  OutputFile file(path);
  file.write(bytes);
  file.commit();
}

void require_writable(const std::string& path) {
  const OutputFile probe(path);
}

void write_predictions(const std::string& path, std::span<const float> predictions, std::size_t columns) {
  OutputFile file(path);
  std::string text;
  for (; !predictions.empty(); predictions = predictions.subspan(columns)) {
    fmt::format_to(std::back_inserter(text), "{}\n", fmt::join(predictions.first(columns), " "));
    if (text.size() < kPredictionBuffer) continue;
    file.write(text);
    text.clear();
  }
  file.write(text);
  file.commit();
}

}  // namespace sounder
