#include "io/libsvm.h"

#include <fmt/format.h>

#include <charconv>
#include <iterator>

#include "io/error.h"
#include "io/libsvm_reader.h"
#include "io/stream.h"

namespace sounder {
namespace {

void check(std::uint32_t index_base) {
  if (index_base > 1) throw InputError(fmt::format("index_base = {}: must be 0 or 1", index_base));
}

// What is corrupt may decompress to something that is no LIBSVM text, long before its checksum comes.
template <class Action>
auto go_through(Stream& stream, const std::string& name, const LibsvmOptions& options,
                const Action& action) try {
  LibsvmReader reader([&](std::span<char> to) { return stream.read(to); }, name, options);
  return action(reader);
} catch (const InputError&) {
  stream.require_intact();
  throw;
}

template <class Number>
void append(std::string& text, Number number) {
  char buffer[32];
  text.append(buffer, std::to_chars(std::begin(buffer), std::end(buffer), number).ptr);
}

}  // namespace

LibsvmFile read_libsvm(Stream& stream, const std::string& name, const LibsvmOptions& options,
                       const ParallelFor& parallel) {
  check(options.index_base.value_or(0));
  return go_through(stream, name, options, [&](LibsvmReader& reader) { return reader.run(parallel); });
}

LibsvmShape scan_libsvm(Stream& stream, const std::string& name, const LibsvmOptions& options,
                        const ParallelFor& parallel, const TakePiece& take) {
  check(options.index_base.value_or(0));
  return go_through(stream, name, options, [&](LibsvmReader& reader) { return reader.scan(parallel, take); });
}

LibsvmFile read_libsvm(const std::string& path, const LibsvmOptions& options, const ParallelFor& parallel) {
  Stream stream(path);
  return read_libsvm(stream, path, options, parallel);
}

LibsvmFile parse_libsvm(std::string_view text, const std::string& name, const LibsvmOptions& options,
                        const ParallelFor& parallel) {
  check(options.index_base.value_or(0));
  const auto read = [&](std::span<char> to) {
    const std::size_t count = text.copy(to.data(), to.size());
    text.remove_prefix(count);
    return count;
  };
  return LibsvmReader(read, name, options).run(parallel);
}

void write_libsvm(const Dataset& data, std::ostream& out, std::uint32_t index_base) {
  check(index_base);
  if (data.weighted()) throw InputError("LIBSVM text has no place for the weights of samples");
  std::string line;
  for (std::size_t i = 0; i < data.rows(); ++i) {
    const Row row = data.row(i);
    line.clear();
    append(line, row.label);
    for (std::size_t k = 0; k < row.support.size(); ++k) {
      append(line += ' ', std::uint64_t{row.support[k]} + index_base);
      append(line += ':', row.values[k]);
    }
    out << (line += '\n');
  }
}

}  // namespace sounder
