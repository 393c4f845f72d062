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

// Measures what asynchrony does to the visits of another writer (Asynchrony in discipline.h): to one in 32, while the
// others cost two atomic adds more. The staleness of a visit is the number of samples that began before it ended and had
// not ended when it began. Right before such a visit pushes, its cells are read again: what others changed since its pull
// is x - x_hat. Where workers exchange a cell less often than once a block (Strides::ends), its pull is its last exchange,
// and changes that other workers have not exchanged yet are not seen.
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
