// CYCLADES (Pan, Lam, Tu, Papailiopoulos, Zhang, Jordan, Ramchandran, Re: Cyclades, conflict-free asynchronous machine
// learning, NIPS 2016): the blocks of a round share no coordinate (engine/batches.h), so each stores what it changed, and
// the outcome is that of one thread running the samples in the order drawn, bit for bit.
#include "engine/discipline.h"

namespace sounder {
namespace {

class ExclusiveWriter final : public Writer {
 public:
  explicit ExclusiveWriter(Parameters& parameters) : parameters_(parameters) {}

  void pull(Visit& visit, LocalCopy& copy) override {
    copy.resize(visit.support.size() * parameters_.cell_floats());
    parameters_.pull_owned(visit.support, copy.before());
    copy.copy_before_to_after();
  }
  void push(Visit& visit, LocalCopy& copy) override {
    parameters_.store_owned(visit.support, copy.before(), copy.after());
  }

 private:
  Parameters& parameters_;
};

}  // namespace

const DisciplineTraits kExclusiveTraits{.name = "exclusive",
                                        .help =
                                            "CYCLADES: conflict-free batches, as one thread would; for data "
                                            "without columns that many rows share",
                                        .any_threads_same = true,
                                        .disjoint = true,
                                        .rounds = true};

std::unique_ptr<Writer> make_Exclusive_writer(Parameters& parameters, std::size_t) {
  return std::make_unique<ExclusiveWriter>(parameters);
}

}  // namespace sounder
