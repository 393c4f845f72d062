// The HOGWILD! family: everybody pulls when it likes and adds what changed (engine/parameters.h says how).
//
//   atomic     adds that are indivisible, whole stripes at a time
//   lock_free  the textbook fetch-add, a compare-exchange loop for every two floats
//   racy       load, add, store, as Niu, Recht, Re and Wright (2011) publish it; some adds get lost, and one task in
//              64 counts how many
#include <atomic>

#include "engine/discipline.h"

namespace sounder {
namespace {

class SharedWriter : public Writer {
 public:
  SharedWriter(Parameters& parameters, Add add) : parameters_(parameters), add_(add) {}

  void pull(Visit& visit, LocalCopy& copy) override { copy.pull(parameters_, visit.support); }
  void push(Visit& visit, LocalCopy& copy) override {
    parameters_.push(visit.support, copy.before(), copy.after(), add_);
  }
  void refresh(Visit& visit, LocalCopy& copy, std::size_t cells) override {
    Visit part{.support = visit.support.first(cells), .slot = visit.slot};
    push(part, copy);
    copy.pull_first(parameters_, part.support);
  }

 protected:
  Parameters& parameters_;
  Add add_;
};

class AtomicWriter final : public SharedWriter {
 public:
  explicit AtomicWriter(Parameters& parameters) : SharedWriter(parameters, Add::kGuarded) {}

  void refresh(Visit& visit, LocalCopy& copy, std::size_t cells) override {
    parameters_.exchange(visit.support.first(cells), copy.before(), copy.after());
  }
};

class RacyWriter final : public SharedWriter {
 public:
  explicit RacyWriter(Parameters& parameters) : SharedWriter(parameters, Add::kRacy) {}

  void push(Visit& visit, LocalCopy& copy) override {
    if (pushes_.fetch_add(1, std::memory_order_relaxed) % kSampled != 0)
      return SharedWriter::push(visit, copy);
    const auto losses = parameters_.push_and_count(visit.support, copy.before(), copy.after());
    written_.fetch_add(losses.written, std::memory_order_relaxed);
    lost_.fetch_add(losses.lost, std::memory_order_relaxed);
  }
  std::optional<double> share_lost() const override {
    const auto written = static_cast<double>(written_.load());
    return written > 0 ? static_cast<double>(lost_.load()) / written : 0;
  }

 private:
  static constexpr std::uint64_t kSampled = 64;

  std::atomic<std::uint64_t> pushes_{0};
  std::atomic<std::uint64_t> written_{0};
  std::atomic<std::uint64_t> lost_{0};
};

}  // namespace

const DisciplineTraits kAtomicTraits{
    .name = "atomic", .help = "no update is ever lost; the default", .refreshes = true};
const DisciplineTraits kLockFreeTraits{
    .name = "lock_free", .help = "nor does any thread ever wait; slower", .refreshes = true};
const DisciplineTraits kRacyTraits{
    .name = "racy", .help = "as HOGWILD! published it: adds may overwrite each other", .refreshes = true};

std::unique_ptr<Writer> make_Atomic_writer(Parameters& parameters, std::size_t) {
  return std::make_unique<AtomicWriter>(parameters);
}
std::unique_ptr<Writer> make_LockFree_writer(Parameters& parameters, std::size_t) {
  return std::make_unique<SharedWriter>(parameters, Add::kLockFree);
}
std::unique_ptr<Writer> make_Racy_writer(Parameters& parameters, std::size_t) {
  return std::make_unique<RacyWriter>(parameters);
}

}  // namespace sounder
