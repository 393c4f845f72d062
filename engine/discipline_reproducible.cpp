// The same bits for any number of threads and any timing. The blocks of a round all step from the same weights, and what
// they change is kept until all of them are done; then it is added in the order of the blocks, in parallel over ranges of
// cells, so no float is added to by two threads and none in another order. This is synchronous mini-batch SGD whose
// batch is a few blocks, each of which steps sample by sample (local SGD: Stich, Local SGD converges fast and
// communicates little, 2019), and the deltas add up as asynchronous ones do.
#include <algorithm>
#include <cassert>
#include <utility>
#include <vector>

#include "engine/arena.h"
#include "engine/discipline.h"

namespace sounder {
namespace {

class ReproducibleWriter final : public Writer {
 public:
  ReproducibleWriter(Parameters& parameters, std::size_t round_tasks)
      : parameters_(parameters), kept_(round_tasks) {}

  void pull(Visit& visit, LocalCopy& copy) override { copy.pull(parameters_, visit.support); }
  // The task goes on with the memory that its slot had before.
  void push(Visit& visit, LocalCopy& copy) override {
    Change& change = kept_[visit.slot];
    assert(change.support.empty());  // a task is one block
    change.support = visit.support;
    std::swap(change.copy, copy);
  }
  void end_round() override {
    const std::vector<Cell> borders = ranges();
    parallel_for_here(borders.size() - 1, [&](std::size_t range) {
      for (const Change& change : kept_) add(change, borders[range], borders[range + 1]);
    });
    for (Change& change : kept_) change.support = {};
  }

 private:
  struct Change {
    std::span<const Cell> support;
    LocalCopy copy;
  };

  // Borders of ranges of cells that have about as much to add each, one a thread.
  std::vector<Cell> ranges() const {
    const auto size = [](const Change& change) { return change.support.size(); };
    const std::span<const Cell> longest = std::ranges::max_element(kept_, {}, size)->support;
    const auto parts = static_cast<std::size_t>(threads_here());
    std::vector<Cell> borders{0};
    for (std::size_t part = 1; part < parts && !longest.empty(); ++part)
      borders.push_back(longest[longest.size() * part / parts]);
    borders.push_back(static_cast<Cell>(parameters_.cells()));
    return borders;
  }

  void add(const Change& change, Cell from, Cell to) {
    const auto begin = std::ranges::lower_bound(change.support, from);
    const auto end = std::ranges::lower_bound(change.support, to);
    const auto skip = static_cast<std::size_t>(begin - change.support.begin()) * parameters_.cell_floats();
    parameters_.push_alone({begin, end}, change.copy.before() + skip, change.copy.after() + skip);
  }

  Parameters& parameters_;
  std::vector<Change> kept_;  // by slot; those with a support are to be added
};

}  // namespace

const DisciplineTraits kReproducibleTraits{.name = "reproducible",
                                           .help = "the same bits for any number of threads",
                                           .any_threads_same = true,
                                           .rounds = true};

std::unique_ptr<Writer> make_Reproducible_writer(Parameters& parameters, std::size_t round_tasks) {
  return std::make_unique<ReproducibleWriter>(parameters, round_tasks);
}

}  // namespace sounder
