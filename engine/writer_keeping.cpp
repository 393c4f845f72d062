// Staleness is counted in samples, but hurts by those of them that touch a coordinate: a cold one, which a few samples of an
// epoch touch, is as fresh after an epoch as a hot one is after a stride. So threads keep their copies from block to block
// and exchange each cell after about as many samples that touch it, the coldest ones about once an epoch, or at its end.
#include <tbb/enumerable_thread_specific.h>

#include <algorithm>
#include <bit>
#include <utility>
#include <vector>

#include "engine/discipline.h"

namespace sounder {
namespace {

class KeepingWriter final : public Writer {
 public:
  KeepingWriter(std::unique_ptr<Writer> writer, Parameters& parameters, std::vector<Cell> ends,
                ParallelFor parallel)
      : writer_(std::move(writer)),
        parameters_(parameters),
        ends_(std::move(ends)),
        parallel_(std::move(parallel)) {}

  void pull(Visit& visit, LocalCopy& copy) override;
  void push(Visit& visit, LocalCopy& copy) override;  // and pulls again
  void refresh(Visit& visit, LocalCopy& copy, std::size_t) override { push(visit, copy); }
  void flush() override;
  std::optional<double> share_lost() const override { return writer_->share_lost(); }

 private:
  struct Kept {
    LocalCopy copy;
    std::span<const Cell> support;  // empty: nothing is kept
    std::uint64_t strides = 0;      // done
  };

  const std::unique_ptr<Writer> writer_;
  Parameters& parameters_;
  const std::vector<Cell> ends_;
  const ParallelFor parallel_;
  tbb::enumerable_thread_specific<Kept> kept_;
};

void KeepingWriter::pull(Visit& visit, LocalCopy& copy) {
  Kept& own = kept_.local();
  if (own.support.empty()) {
    own.copy.pull(parameters_, visit.support);
    own.support = visit.support;
  }
  copy.look_at(own.copy);
}

// Of a stride or, what comes to the same, a block.
void KeepingWriter::push(Visit& visit, LocalCopy& copy) {
  Kept& own = kept_.local();
  const auto turn = static_cast<std::size_t>(std::countr_zero(++own.strides));
  writer_->refresh(visit, copy, ends_[std::min(turn, ends_.size() - 1)]);
}

// Piece by piece, so that no two threads write the same cells.
void KeepingWriter::flush() {
  constexpr std::size_t kPieceCells = 1024;
  writer_->flush();
  const std::size_t pieces = (parameters_.cells() + kPieceCells - 1) / kPieceCells;
  parallel_(pieces, [&](std::size_t piece) {
    const std::size_t begin = piece * kPieceCells;
    const std::size_t cells = std::min(kPieceCells, parameters_.cells() - begin);
    for (const Kept& own : kept_) {
      if (own.support.empty()) continue;
      const std::size_t first = begin * parameters_.cell_floats();
      parameters_.push_alone(own.support.subspan(begin, cells), own.copy.before() + first,
                             own.copy.after() + first);
    }
  });
  for (Kept& own : kept_) own = {.copy = std::move(own.copy), .support = {}, .strides = 0};
}

}  // namespace

std::unique_ptr<Writer> make_keeping_writer(std::unique_ptr<Writer> writer, Parameters& parameters,
                                            std::vector<Cell> ends, ParallelFor parallel) {
  return std::make_unique<KeepingWriter>(std::move(writer), parameters, std::move(ends), std::move(parallel));
}

}  // namespace sounder
