#include "io/output.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <iterator>
#include <limits>
#include <string>
#include <vector>

#include "io/input.h"
#include "test/support.h"

namespace sounder {
namespace {

namespace fs = std::filesystem;

std::string contents(const std::string& path) {
  return std::string(Input(path).bytes());
}

long files_in(const test::TempDir& directory) {
  return std::distance(fs::directory_iterator(directory / ""), fs::directory_iterator());
}

mode_t mode_of(const std::string& path) {
  struct stat status {};
  REQUIRE(stat(path.c_str(), &status) == 0);
  return status.st_mode & 07777;
}

TEST_CASE("output: a new file and a replaced one hold the bytes and nothing else is left") {
  const test::TempDir directory;
  const std::string path = directory / "out";
  for (const std::string& bytes :
       {std::string("first, and longer"), std::string("a\0b\n", 4), std::string()}) {
    write_file(path, bytes);
    CHECK(contents(path) == bytes);
    CHECK(files_in(directory) == 1);
  }
}

TEST_CASE("output: without commit the old file stays and the temporary goes") {
  const test::TempDir directory;
  const std::string path = directory / "out";
  write_file(path, "old");
  {
    OutputFile file(path);
    file.write("new");
    CHECK(files_in(directory) == 2);
    CHECK(contents(path) == "old");
  }
  CHECK(files_in(directory) == 1);
  CHECK(contents(path) == "old");
}

TEST_CASE("output: a write that fails half way leaves the old file") {
  const test::TempDir directory;
  const std::string path = directory / "out";
  write_file(path, "old");
  rlimit before{};
  REQUIRE(getrlimit(RLIMIT_FSIZE, &before) == 0);
  const rlimit small{4096, before.rlim_max};
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  REQUIRE(setrlimit(RLIMIT_FSIZE, &small) == 0);
  const std::string error = test::input_error_of([&] { write_file(path, std::string(10000, 'x')); });
  REQUIRE(setrlimit(RLIMIT_FSIZE, &before) == 0);
  std::signal(SIGXFSZ, handler);
  CHECK(error == path + ": cannot write: File too large");
  CHECK(contents(path) == "old");
  CHECK(files_in(directory) == 1);
}

TEST_CASE("output: writers of one path do not disturb each other, the last commit wins") {
  const test::TempDir directory;
  const std::string path = directory / "out";
  OutputFile first(path);
  OutputFile second(path);
  first.write("first");
  second.write("second");
  second.commit();
  CHECK(contents(path) == "second");
  first.commit();
  CHECK(contents(path) == "first");
  CHECK(files_in(directory) == 1);
}

TEST_CASE("output: permissions follow the umask when new and stay when replaced") {
  const test::TempDir directory;
  const std::string path = directory / "out";
  const mode_t before = umask(027);
  write_file(path, "x");
  CHECK(mode_of(path) == 0640);
  REQUIRE(chmod(path.c_str(), 0606) == 0);
  write_file(path, "y");
  CHECK(mode_of(path) == 0606);
  umask(before);
}

TEST_CASE("output: symbolic links are followed, also to a file that is still missing") {
  const test::TempDir directory;
  fs::create_directory(directory / "sub");
  fs::create_symlink("sub/target", directory / "relative");
  fs::create_symlink(directory / "relative", directory / "absolute");
  for (const std::string bytes : {"new", "replaced"}) {
    write_file(directory / "absolute", bytes);
    CHECK(fs::is_symlink(directory / "absolute"));
    CHECK(fs::is_symlink(directory / "relative"));
    CHECK(contents(directory / "sub/target") == bytes);
  }
  CHECK(files_in(directory) == 3);
}

TEST_CASE("output: what cannot be written is refused up front with the reason") {
  const test::TempDir directory;
  write_file(directory / "file", "kept");
  const struct {
    std::string path;
    std::string message;
  } cases[] = {
      {directory / "missing/out", directory / "missing/out: cannot create a file in '" +
                                      directory / "missing': No such file or directory"},
      {directory / "", directory / ": cannot open for writing: Is a directory"},
      {directory / "missing/", directory / "missing/: cannot open for writing: No such file or directory"},
      {directory / "file/out", directory / "file/out: cannot open for writing: Not a directory"},
      {"", "cannot open for writing: No such file or directory"},
  };
  for (const auto& refused : cases) {
    CAPTURE(refused.path);
    CHECK(test::input_error_of([&] { require_writable(refused.path); }) == refused.message);
    CHECK(test::input_error_of([&] { write_file(refused.path, "x"); }) == refused.message);
  }
  CHECK(files_in(directory) == 1);
  CHECK(contents(directory / "file") == "kept");
}

TEST_CASE("output: permissions are respected") {
  if (geteuid() == 0) return;  // who may write everywhere
  const test::TempDir directory;
  const std::string path = directory / "out";
  write_file(path, "kept");
  REQUIRE(chmod(path.c_str(), 0444) == 0);
  CHECK(test::input_error_of([&] { require_writable(path); }) ==
        path + ": cannot open for writing: Permission denied");
  REQUIRE(chmod((directory / "").c_str(), 0555) == 0);
  CHECK(test::input_error_of([&] { require_writable(directory / "new"); }).ends_with("Permission denied"));
  REQUIRE(chmod((directory / "").c_str(), 0755) == 0);
  CHECK(contents(path) == "kept");
}

TEST_CASE("output: require_writable changes nothing") {
  const test::TempDir directory;
  write_file(directory / "old", "kept");
  require_writable(directory / "old");
  require_writable(directory / "new");
  CHECK(files_in(directory) == 1);
  CHECK(contents(directory / "old") == "kept");
}

TEST_CASE("output: a full disk is noticed and the device stays a device") {
  require_writable("/dev/full");
  CHECK(test::input_error_of([] { write_file("/dev/full", "x"); }) ==
        "/dev/full: cannot write: No space left on device");
  CHECK(fs::is_character_file("/dev/full"));
}

TEST_CASE("output: a pipe is written directly and not opened before there is something to write") {
  const test::TempDir directory;
  const std::string path = directory / "pipe";
  REQUIRE(mkfifo(path.c_str(), 0600) == 0);
  require_writable(path);  // would wait for a reader if it opened the pipe
  const int reader = open(path.c_str(), O_RDONLY | O_NONBLOCK);
  REQUIRE(reader >= 0);
  write_file(path, "through");
  std::string got(100, '\0');
  got.resize(static_cast<std::size_t>(std::max<ssize_t>(0, read(reader, got.data(), got.size()))));
  close(reader);
  CHECK(got == "through");
  CHECK(fs::is_fifo(path));
}

TEST_CASE("output: standard output redirected to a file is written through, not replaced") {
  const test::TempDir directory;
  write_file(directory / "log", "");
  std::fflush(stdout);
  const int before = dup(STDOUT_FILENO);
  const int log = open((directory / "log").c_str(), O_WRONLY);
  REQUIRE(dup2(log, STDOUT_FILENO) == STDOUT_FILENO);
  const std::string error = test::input_error_of([&] {
    write_file("/dev/stdout", "one ");
    write_file("/dev/stdout", "two ");
    write_file(directory / "log", "three");
  });
  dup2(before, STDOUT_FILENO);
  close(before);
  close(log);
  CHECK(error.empty());
  CHECK(contents(directory / "log") == "one two three");
}

TEST_CASE("output: predictions are one number a line that reads back exactly") {
  const test::TempDir directory;
  const std::string path = directory / "predictions";
  const float numbers[] = {1, -1, 0.1f, -2.5e-12f, 1e10f, std::numeric_limits<float>::min()};
  write_predictions(path, numbers);
  CHECK(contents(path) == "1\n-1\n0.1\n-2.5e-12\n10000000000\n1.1754944e-38\n");
  const std::vector<float> many(100000, 0.25f);
  write_predictions(path, many);
  const std::string text = contents(path);
  CHECK(text.size() == 5 * many.size());
  CHECK(text.ends_with("0.25\n0.25\n"));
  write_predictions(path, numbers, 3);
  CHECK(contents(path) == "1 -1 0.1\n-2.5e-12 10000000000 1.1754944e-38\n");
}

}  // namespace
}  // namespace sounder
