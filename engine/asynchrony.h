#pragma once

#include <cstddef>
#include <memory>
#include <optional>

#include "engine/arena.h"
#include "engine/discipline.h"
#include "engine/layout.h"
#include "engine/options.h"
#include "engine/parameters.h"
#include "io/dataset.h"

namespace sounder {

// Throws InputError for options whose runs cannot be measured.
void require_measurable(const Options& options);

// The staleness that the analysis holds to be harmless (engine/theory.h), by an estimate of the average conflict degree from
// few draws, for the order of magnitude.
double estimate_safe_staleness(const Dataset& data, const Options& options, Arena& arena);

// A writer that measures another (Asynchrony in discipline.h), on one visit in 32: what it does otherwise
// costs two atomic adds a visit. Samples overlap a visit if they began before it ended and had not ended when
// it began. Right before a sampled visit pushes, it reads its cells again: what changed since its pull is x -
// x_hat. Of a cell that workers exchange less often than with each block (Strides::ends), the pull was its last exchange,
// the change is all since then, and what others still hold back does not count.
//
// Thread-safe as the writer that it measures, whose pushes must be in the parameters when they return;
// asynchrony() is asked with no visit open.
class MeasuringWriter final : public Writer {
 public:
  MeasuringWriter(std::unique_ptr<Writer> writer, const Parameters& parameters, const Layout& layout);
  ~MeasuringWriter() override;

  void pull(Visit& visit, LocalCopy& copy) override;
  void push(Visit& visit, LocalCopy& copy) override;
  void leave(Visit& visit) override { writer_->leave(visit); }
  void refresh(Visit& visit, LocalCopy& copy, std::size_t cells) override {
    writer_->refresh(visit, copy, cells);
  }
  void end_round() override { writer_->end_round(); }
  void flush() override { writer_->flush(); }
  std::optional<double> share_lost() const override { return writer_->share_lost(); }
  std::optional<double> share_pushed() const override { return writer_->share_pushed(); }

  std::optional<Asynchrony> asynchrony() const override;

 private:
  struct Tally;

  void record(const Visit& visit, const LocalCopy& copy);

  const std::unique_ptr<Writer> writer_;
  const Parameters& parameters_;
  const Layout& layout_;
  const std::unique_ptr<Tally> tally_;
};

}  // namespace sounder
