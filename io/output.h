#pragma once

#include <sys/types.h>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace sounder {

// The file itself, or the place where the missing file that a symbolic link points to belongs.
std::string follow_links(const std::string& path);

// Whether that is the program's own standard output by another name, as /dev/fd/1 or a file it is redirected to; not a
// terminal or /dev/null.
bool is_standard_output(const std::string& path);

// A file that appears whole or not at all.
//
// Bytes go to a temporary file in the same directory ("<path>.tmp<pid>.<n>"); commit() forces the bytes, not
// their new name, to the disk and renames the temporary over `path`. Until then, and after any failure, crash
// or kill, `path` is what it was before. Symbolic links are followed. A new file's permissions follow the umask, an existing
// file keeps its own.
//
// A path that exists and is no regular file (/dev/full, a pipe), or that names the program's own standard
// output or error (/dev/stdout, even when redirected to a file), is opened by the first write() and written
// directly.
//
// Every member throws InputError with the path, what was attempted and the system's reason. Objects are
// independent of each other: when several write the same path, the last commit() wins.
class OutputFile {
 public:
  explicit OutputFile(const std::string& path);
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  void write(std::string_view bytes);
  void commit();

 private:
  void create_temporary();
  void close();

  std::string path_;       // as given, for messages
  std::string target_;     // with symbolic links followed
  std::string temporary_;  // empty when the target is written directly, and after commit()
  mode_t mode_ = 0;        // of the file to be replaced; 0 when there is none
  int descriptor_ = -1;
};

// Writes `path` as an OutputFile that holds `bytes`.
void write_file(const std::string& path, std::string_view bytes);

// Throws what opening an OutputFile would throw (no such directory, no permission, a directory); leaves
// nothing behind. For calling before the work whose result goes to `path`.
void require_writable(const std::string& path);

// So many numbers a line, separated by blanks, in the fewest significant digits that read back as the same float.
void write_predictions(const std::string& path, std::span<const float> predictions, std::size_t columns = 1);

}  // namespace sounder
