#include <cstddef>
#include <ostream>
#include <streambuf>
#include <string>
#include <utility>

#include "io/libsvm.h"
#include "io/output.h"
#include "program/commands.h"

namespace sounder {
namespace {

// An OutputFile as a stream buffer; its errors come out of a stream that lets exceptions(badbit) through.
class OutputBuffer final : public std::streambuf {
 public:
  OutputBuffer(OutputFile& file, const Interrupts& interrupts) : file_(file), interrupts_(interrupts) {}

 protected:
  std::streamsize xsputn(const char* bytes, std::streamsize count) override {
    pending_.append(bytes, static_cast<std::size_t>(count));
    if (pending_.size() >= kChunk) sync();
    return count;
  }
  int_type overflow(int_type byte) override {
    pending_ += traits_type::to_char_type(byte);
    return byte;
  }
  int sync() override {
    if (interrupts_.requested()) throw Interrupted();
    file_.write(std::exchange(pending_, {}));
    return 0;
  }

 private:
  static constexpr std::size_t kChunk = std::size_t{1} << 16;

  OutputFile& file_;
  const Interrupts& interrupts_;
  std::string pending_;
};

}  // namespace

int run(const GenerateFlags& flags, Interrupts& interrupts) try {
  const Dataset data = generate(flags.options);
  const Interrupts::Hold hold(interrupts);
  OutputFile file(flags.output);
  OutputBuffer buffer(file, interrupts);
  std::ostream stream(&buffer);
  stream.exceptions(std::ios::badbit);
  write_libsvm(data, stream, flags.index_base);
  stream.flush();
  file.commit();
  return interrupts.exit_code();
} catch (const Interrupted&) {
  return stopped(interrupts);
}

}  // namespace sounder
