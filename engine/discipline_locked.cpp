// AIG, the atomic incremental gradient that HOGWILD! is measured against (Niu, Recht, Re and Wright 2011,
// section 6): all coordinates of a sample are locked before they are read and unlocked after they are
// written, so tasks that share one run one after the other.
#include <algorithm>
#include <memory>

#include "engine/discipline.h"
#include "engine/spin_lock.h"

namespace sounder {
namespace {

constexpr std::size_t kMostLocks = std::size_t{1} << 16;

// A lock for each of the first cells, which are the hot ones; the cells after them share locks, neighbours
// with neighbours. So the locks of a support, which is sorted, are sorted too, and taking them in this order
// cannot deadlock.
class CellLocks {
 public:
  explicit CellLocks(std::size_t cells) {
    while (cells > 0 && number_of(cells - 1) >= kMostLocks) ++shift_;
    locks_ = std::make_unique<SpinLock[]>(cells > 0 ? number_of(cells - 1) + 1 : 0);
  }

  void lock(std::span<const Cell> support) {
    for_each(support, [](SpinLock& lock) { lock.lock(); });
  }
  void unlock(std::span<const Cell> support) {
    for_each(support, [](SpinLock& lock) { lock.unlock(); });
  }

 private:
  static constexpr std::size_t kOwn = kMostLocks / 2;

  std::size_t number_of(std::size_t cell) const {
    return cell < kOwn ? cell : kOwn + ((cell - kOwn) >> shift_);
  }

  template <class Visit>
  void for_each(std::span<const Cell> support, Visit&& visit) {
    std::size_t last = kMostLocks;
    for (const Cell cell : support) {
      const std::size_t number = number_of(cell);
      if (number != last) visit(locks_[number]);
      last = number;
    }
  }

  unsigned shift_ = 0;
  std::unique_ptr<SpinLock[]> locks_;
};

class LockedWriter final : public Writer {
 public:
  explicit LockedWriter(Parameters& parameters) : parameters_(parameters), locks_(parameters.cells()) {}

  void pull(Visit& visit, LocalCopy& copy) override {
    copy.resize(visit.support.size() * parameters_.cell_floats());  // may throw: before anything is locked
    locks_.lock(visit.support);
    copy.pull(parameters_, visit.support);
  }
  void push(Visit& visit, LocalCopy& copy) override {
    parameters_.push(visit.support, copy.before(), copy.after(), Add::kRacy);
  }
  void leave(Visit& visit) override { locks_.unlock(visit.support); }

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
