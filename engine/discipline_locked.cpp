// AIG, the atomic incremental gradient that HOGWILD! is measured against (Niu, Recht, Re and Wright 2011,
// section 6): everybody reads and computes at will; all coordinates of a sample are locked before the first is
// written and unlocked after the last.
#include <cstddef>
#include <memory>
#include <vector>

#include "engine/discipline.h"
#include "engine/spin_lock.h"

namespace sounder {
namespace {

// The fewer locks a support takes, the faster: on text all samples meet in the hot cells, which are the first,
// whatever the locks, and 20 cells of 250,000 meet rarely enough (DECISIONS.md, 21).
constexpr std::size_t kStripe = 1024;

// A lock for so many neighbouring cells. So the locks of a support, which is sorted, are sorted too, and taking
// them in this order cannot deadlock.
class CellLocks {
 public:
  explicit CellLocks(std::size_t cells) : locks_(cells / kStripe + 1) {}

  void lock(std::span<const Cell> support) {
    for_each(support, [](SpinLock& lock) { lock.lock(); });
  }
  void unlock(std::span<const Cell> support) {
    for_each(support, [](SpinLock& lock) { lock.unlock(); });
  }

 private:
  template <class Visit>
  void for_each(std::span<const Cell> support, Visit&& visit) {
    std::size_t last = locks_.size();
    for (const Cell cell : support) {
      const std::size_t number = cell / kStripe;
      if (number != last) visit(locks_[number]);
      last = number;
    }
  }

  std::vector<SpinLock> locks_;
};

class LockedWriter final : public Writer {
 public:
  explicit LockedWriter(Parameters& parameters) : parameters_(parameters), locks_(parameters.cells()) {}

  void pull(Visit& visit, LocalCopy& copy) override { copy.pull(parameters_, visit.support); }
  void push(Visit& visit, LocalCopy& copy) override {
    locks_.lock(visit.support);
    parameters_.push_alone(visit.support, copy.before(), copy.after());
    locks_.unlock(visit.support);
  }

 private:
  Parameters& parameters_;
  CellLocks locks_;
};

}  // namespace

const DisciplineTraits kLockedTraits{
    .name = "locked",
    .help = "AIG of the HOGWILD! paper: a sample locks all its coordinates; to compare with",
    .by_sample = true};

std::unique_ptr<Writer> make_Locked_writer(Parameters& parameters, std::size_t) {
  return std::make_unique<LockedWriter>(parameters);
}

}  // namespace sounder
