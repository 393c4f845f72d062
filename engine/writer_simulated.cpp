// What staleness does to convergence, exactly and on one thread: the delayed iterates that analyses of
// asynchronous SGD work with (Langford, Smola and Zinkevich, Slow learners are fast, 2009, algorithm 1), with
// the delay at its bound all the time. What a block changes is kept, and added when the block `workers` later
// begins.
#include <utility>
#include <vector>

#include "engine/discipline.h"

namespace sounder {
namespace {

class SimulatedWriter final : public Writer {
 public:
  SimulatedWriter(Parameters& parameters, std::size_t workers) : parameters_(parameters), kept_(workers) {}

  void pull(Visit& visit, LocalCopy& copy) override {
    visit.slot = next_++ % kept_.size();
    add(kept_[visit.slot]);
    copy.pull(parameters_, visit.support);
  }
  void push(Visit& visit, LocalCopy& copy) override {
    Change& change = kept_[visit.slot];
    change.support = visit.support;
    std::swap(change.copy, copy);
  }
  void flush() override {
    for (std::size_t ahead = 0; ahead < kept_.size(); ++ahead) add(kept_[(next_ + ahead) % kept_.size()]);
  }

 private:
  struct Change {
    std::span<const Cell> support = {};  // empty: none, or added already
    LocalCopy copy = {};                 // its memory serves again
  };

  void add(Change& change) {
    parameters_.push(std::exchange(change.support, {}), change.copy.before(), change.copy.after(),
                     Add::kGuarded);
  }

  Parameters& parameters_;
  std::vector<Change> kept_;  // a ring of the last blocks: the oldest is where the next goes
  std::uint64_t next_ = 0;
};

}  // namespace

std::unique_ptr<Writer> make_simulated_writer(Parameters& parameters, std::size_t workers) {
  return std::make_unique<SimulatedWriter>(parameters, workers);
}

}  // namespace sounder
