// RR, the round-robin that HOGWILD! is measured against (Niu, Recht, Re and Wright 2011, section 6; Langford,
// Smola and Zinkevich, Slow learners are fast, 2009): everybody reads and computes at will, and writes when
// it is its turn.
//
// A ticket is drawn when a pull begins, so all the tickets that are out are held by tasks that run, and every
// turn comes.
#include <atomic>

#include "engine/discipline.h"
#include "engine/spin_lock.h"

namespace sounder {
namespace {

class OrderedWriter final : public Writer {
 public:
  explicit OrderedWriter(Parameters& parameters) : parameters_(parameters) {}

  void pull(Visit& visit, LocalCopy& copy) override {
    copy.resize(visit.support.size() * parameters_.cell_floats());  // may throw: before a ticket is drawn
    visit.ticket = tickets_.fetch_add(1, std::memory_order_relaxed);
    copy.pull(parameters_, visit.support);
  }
  void push(Visit& visit, LocalCopy& copy) override {
    await_turn(visit);
    parameters_.push(visit.support, copy.before(), copy.after(), Add::kRacy);
  }
  // Without a push the turn is still to come.
  void leave(Visit& visit) override {
    await_turn(visit);
    turn_.store(visit.ticket + 1, std::memory_order_release);
  }

 private:
  void await_turn(const Visit& visit) const {
    spin_until([&] { return turn_.load(std::memory_order_acquire) == visit.ticket; });
  }

  Parameters& parameters_;
  alignas(kCacheLine) std::atomic<std::uint64_t> tickets_ = 0;
  alignas(kCacheLine) std::atomic<std::uint64_t> turn_ = 0;
};

}  // namespace

const DisciplineTraits kOrderedTraits{
    .name = "ordered",
    .help = "RR of the HOGWILD! paper: samples are written in turn; to compare with",
    .by_sample = true};

std::unique_ptr<Writer> make_Ordered_writer(Parameters& parameters, std::size_t) {
  return std::make_unique<OrderedWriter>(parameters);
}

}  // namespace sounder
