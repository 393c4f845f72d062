#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "engine/parameters.h"
#include "io/parallel.h"

// The write disciplines. To add one: write engine/discipline_NAME.cpp, which defines kNameTraits and
// make_Name_writer(), and add X(Name) here; the flag --discipline, its help, the tests and the benchmark follow. Those
// that only add in another way share a file, engine/discipline_shared.cpp.
//
//   X(Name)
#define SOUNDER_DISCIPLINES(X) X(Atomic) X(LockFree) X(Racy) X(Exclusive) X(Locked) X(Ordered) X(Reproducible)

namespace sounder {

// How what tasks change gets into the shared parameters.
enum class Discipline {
#define SOUNDER_VALUE(Name) k##Name,
  SOUNDER_DISCIPLINES(SOUNDER_VALUE)
#undef SOUNDER_VALUE
};

// What planning has to know about a discipline.
struct DisciplineTraits {
  std::string_view name;
  std::string_view help;
  bool by_sample = false;  // blocks of one sample unless told otherwise: a baseline, not a way to be fast
  bool any_threads_same = false;  // same seed, same bits, for any number of threads
  bool disjoint = false;          // the blocks of a round must share no coordinate
  bool rounds = false;            // tasks go in rounds: the next begins when all of one are done
  bool refreshes = false;         // a visit may refresh() in between
};

const DisciplineTraits& traits_of(Discipline discipline);
std::span<const Discipline> all_disciplines();

// A private copy of a block's cells: as they were pulled, and as the rule changes them.
class LocalCopy {
 public:
  // Makes room; what is in it is lost.
  void resize(std::size_t floats);

  // Lets before() and after() both be these floats, which are not the copy's own.
  void look_at(std::span<float> floats);
  // The same with those of another copy.
  void look_at(const LocalCopy& other);

  float* before() const { return before_; }
  float* after() const { return after_; }
  std::size_t size() const { return size_; }
  void copy_before_to_after() const;
  // Makes room for the cells of the support and fills before() and after() with them.
  void pull(const Parameters& parameters, std::span<const Cell> support);
  // Pulls the first cells of that support once more.
  void pull_first(const Parameters& parameters, std::span<const Cell> first) const;

 private:
  std::unique_ptr<float[]> memory_;
  float* before_ = nullptr;
  float* after_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

// One visit of a block to the shared parameters.
struct Visit {
  std::span<const Cell> support;
  std::size_t samples = 1;   // of the block
  std::size_t slot = 0;      // of the task among those of its round; of a simulation, the worker
  double scale = 1;          // of the weights, as the block begins
  bool compared = false;     // before() is to stay as it was pulled: what the block changed will be asked for
  std::uint64_t ticket = 0;  // for the writer's own use
  std::optional<std::uint64_t> ended_before = {};  // MeasuringWriter's
};

// What asynchrony did to some blocks of a run. Of a block, x_hat are the weights that it started from, x
// those that it adds its change to, and gamma g is that change, downwards; sums are over the weights of its
// support. In the analysis of Mania et al. (2015, section 3) the error shrinks by gamma m an update but for
// the noise gamma^2 |g|^2 of the gradient itself, and 2 gamma m R1 and 2 gamma R2 of asynchrony.
struct Asynchrony {
  std::uint64_t blocks = 0;  // measured
  // Samples of other blocks at work between the pull and the push of a block.
  std::uint64_t staleness_p50 = 0;
  std::uint64_t staleness_p99 = 0;
  std::uint64_t staleness_max = 0;
  double safe = 0;       // n / (2 Dbar) samples, an estimate (engine/theory.h); the writer does not know it
  double gradient = 0;   // means over the blocks: of |gamma g|^2,
  double position = 0;   // of R1 = |x - x_hat|^2,
  double alignment = 0;  // of gamma R2 = <x - x_hat, gamma g>

  double headroom() const { return safe / std::max<double>(1, static_cast<double>(staleness_p99)); }
  // |2 gamma R2|, the larger term of asynchrony, over the gradient's own.
  double share() const { return gradient > 0 ? 2 * std::fabs(alignment) / gradient : 0; }
};

// A block is gone through in strides of so many rows; 0: in one.
// Hot cells, those before `hot_end`, are met by all blocks all the time, cold ones seldom. So in between the hot ones
// are pushed and pulled again, and a block may be large, which is fast, and yet not stale where it matters.
//
// How fresh a cell is counts in samples that touch it. So where blocks have all cells as support, workers may keep
// their copies and exchange the cells before ends[0] after every stride, those before ends[1] after every second,
// before ends[z] after 2^z strides, and the others at the end of the epoch. Empty: they do not, and exchange all with
// each block.
struct Strides {
  std::size_t rows = 0;
  Cell hot_end = 0;
  std::vector<Cell> ends = {};
};

// A discipline at work. pull(), push() and leave() are called in this order, leave() also if the step between
// them threw, by any number of threads at once, each with a visit and a copy of its own; end_round() and
// flush() alone, with no visit open.
class Writer {
 public:
  virtual ~Writer() = default;

  // Fills before() and after() of `copy` with the cells of the support.
  virtual void pull(Visit& visit, LocalCopy& copy) = 0;
  // Brings in what changed. May take the copy's memory.
  virtual void push(Visit& visit, LocalCopy& copy) = 0;
  virtual void leave(Visit&) {}
  // Between pull() and push(), where the discipline refreshes: brings in what changed in the first `cells` of the
  // support, and pulls these again.
  virtual void refresh(Visit&, LocalCopy&, [[maybe_unused]] std::size_t cells) {}

  virtual void end_round() {}  // all tasks of a round have left
  virtual void flush() {}      // the parameters are about to be read: nothing may be outstanding

  // An estimate of the adds that were overwritten, as a share of all; nothing if the discipline loses none.
  virtual std::optional<double> share_lost() const { return std::nullopt; }
  // Of the cells that tasks changed, how many were pushed; nothing if a push leaves none out.
  virtual std::optional<double> share_pushed() const { return std::nullopt; }
  // Of a writer that measures (engine/asynchrony.h).
  virtual std::optional<Asynchrony> asynchrony() const { return std::nullopt; }
};

// `round_tasks`: the most tasks in a round, for disciplines with rounds. The parameters must outlive the
// writer.
std::unique_ptr<Writer> make_writer(Discipline discipline, Parameters& parameters, std::size_t round_tasks);

#define SOUNDER_DECLARE(Name)                    \
  extern const DisciplineTraits k##Name##Traits; \
  std::unique_ptr<Writer> make_##Name##_writer(Parameters& parameters, std::size_t round_tasks);
SOUNDER_DISCIPLINES(SOUNDER_DECLARE)
#undef SOUNDER_DECLARE

// Not a discipline but a simulation of so many workers, >= 1, on one thread: the k-th pull sees exactly what
// the visits up to the (k - workers)-th pushed, added in their order, or everything before a flush(). With
// one worker that is serial SGD. Not thread-safe; supports must stay until flush().
std::unique_ptr<Writer> make_simulated_writer(Parameters& parameters, std::size_t workers);

// For one thread and blocks whose support is all cells, in order: before() and after() of a copy are both the
// parameters themselves, but for a visit that compares them. Not thread-safe.
std::unique_ptr<Writer> make_lone_writer(Parameters& parameters);

// For blocks whose support is all cells, in order, which must stay until flush(): each thread keeps its copy from visit
// to visit and exchanges parts of it, through `writer`, as Strides::ends says; flush() brings in the rest. So it is for
// rules and problems that do not ask what a block changed. Thread-safe as `writer` is, one that refreshes.
std::unique_ptr<Writer> make_keeping_writer(std::unique_ptr<Writer> writer, Parameters& parameters,
                                            std::vector<Cell> ends, ParallelFor parallel);

}  // namespace sounder
