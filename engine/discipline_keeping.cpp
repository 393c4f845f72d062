// Staleness is counted in samples, but hurts by those of them that touch a coordinate: a cold one, which a few samples of an
// epoch touch, is as fresh after an epoch as a hot one is after a block. So threads keep their copies from block to block,
// exchange the cells of hot coordinates with each, and the cold ones at the end of the epoch.
#include <tbb/enumerable_thread_specific.h>

#include <algorithm>
#include <utility>

#include "engine/discipline.h"

namespace sounder {
namespace {

class KeepingWriter final : public Writer {
 public:
  KeepingWriter(std::unique_ptr<Writer> writer, Parameters& parameters, Cell cold_begin, ParallelFor parallel)
      : writer_(std::move(writer)),
        parameters_(parameters),
        cold_begin_(cold_begin),
        parallel_(std::move(parallel)) {}

  void pull(Visit& visit, LocalCopy& copy) override;
  void push(Visit& visit, LocalCopy& copy) override;
  void refresh(Visit& visit, LocalCopy& copy, std::size_t cells) override {
    writer_->refresh(visit, copy, cells);
  }
  void flush() override;
  std::optional<double> share_lost() const override { return writer_->share_lost(); }

 private:
  struct Kept {
    LocalCopy copy;
    std::span<const Cell> support;  // empty: nothing is kept
  };

  const std::unique_ptr<Writer> writer_;
  Parameters& parameters_;
  const std::size_t cold_begin_;
  const ParallelFor parallel_;
  tbb::enumerable_thread_specific<Kept> kept_;
};

void KeepingWriter::pull(Visit& visit, LocalCopy& copy) {
  Kept& own = kept_.local();
  if (own.support.empty()) {
    own.copy.pull(parameters_, visit.support);
    own.support = visit.support;
  } else {
    own.copy.pull_first(parameters_, visit.support.first(cold_begin_));
  }
  copy.look_at(own.copy);
}

void KeepingWriter::push(Visit& visit, LocalCopy& copy) {
  Visit hot{.support = visit.support.first(cold_begin_), .slot = visit.slot};
  writer_->push(hot, copy);
}

// Piece by piece, so that no two threads write the same cells.
void KeepingWriter::flush() {
  constexpr std::size_t kPieceCells = 1024;
  writer_->flush();
  const std::size_t pieces = (parameters_.cells() - cold_begin_ + kPieceCells - 1) / kPieceCells;
  parallel_(pieces, [&](std::size_t piece) {
    const std::size_t begin = cold_begin_ + piece * kPieceCells;
    const std::size_t cells = std::min(kPieceCells, parameters_.cells() - begin);
    for (const Kept& own : kept_) {
      if (own.support.empty()) continue;
      const std::size_t first = begin * parameters_.cell_floats();
      parameters_.push_alone(own.support.subspan(begin, cells), own.copy.before() + first,
                             own.copy.after() + first);
    }
  });
  for (Kept& own : kept_) own.support = {};
}

}  // namespace

std::unique_ptr<Writer> make_keeping_writer(std::unique_ptr<Writer> writer, Parameters& parameters,
                                            Cell cold_begin, ParallelFor parallel) {
  return std::make_unique<KeepingWriter>(std::move(writer), parameters, cold_begin, std::move(parallel));
}

}  // namespace sounder
