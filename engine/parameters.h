#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace sounder {

// The unit of pull and push: 16 bytes or more, aligned, that are always moved together. A cell holds either
// four coordinates of one float (neighbours in order of degree, so hot ones share cells) or one coordinate of
// more; rule state lies in the cell of its coordinates, so weight and state are one memory touch.
using Cell = std::uint32_t;

// How a push adds.
enum class Add {
  kGuarded,   // an indivisible fetch-add of a stripe of up to 64 neighbouring cells: no update is ever lost
  kLockFree,  // a compare-exchange loop for every two floats: no update is lost, no thread ever waits
  kRacy,  // load, add, store: HOGWILD! as published; concurrent pushes to a coordinate may lose one of them
};

// The shared parameter array, and the concurrency contract of this project. No other file mentions atomics on
// parameters.
//
// - pull() and push() may be called by any number of threads at any time, on overlapping supports, as long as
//   all pushes between two barriers add in one way.
// - The element of their access is a pair of floats in one 64-bit atomic word; all accesses are relaxed. So
//   there is no data race in the C++ sense however they add, and no float is ever torn.
// - A pull is not a snapshot: its floats may come from different moments (the "inconsistent read" of Mania et
//   al., Perturbed iterate analysis, 2015, section 2), and it never waits. What it reads is never older than
//   the latest write that happened before the pull, and that is all that is promised.
// - A push adds `after - before` to what is there *now*; where that still is `before`, it leaves `after`, without the error of
//   rounding that the sum has, as if one had worked in place. Pairs of floats on which the two agree are not written;
//   under kGuarded whole stripes are, zeros added, unless the two agree on all of a stripe. Under kGuarded and
//   kLockFree the adds of all threads accumulate as float additions in some order, per coordinate; under kRacy
//   an add that interleaves with another may vanish.
// - pull_owned() and store_owned() are for tasks that share cells but no float that either changes: their
//   element of access is the float, and what changed is stored, not added. Between two barriers they do not
//   mix with pull() and push().
// - kGuarded guards each stripe of 64 cells with a spin bit, held for the adds of one stripe, some 50 ns; after
//   a while of spinning a waiting thread yields its core. kLockFree is the textbook fetch-add; it is slower
//   because every pair of floats is a locked instruction that waits for its cache line (DECISIONS.md, 3).
// - The members marked "alone" need the array to themselves: no concurrent call, and a happens-before edge
//   (the epoch barrier) from the last push.
class Parameters {
 public:
  // Zero-initialised. `cell_floats` is a multiple of 4. Throws std::bad_alloc. Large arrays ask for huge pages.
  Parameters(std::size_t cells, std::size_t cell_floats);
  ~Parameters();
  Parameters(const Parameters&) = delete;
  Parameters& operator=(const Parameters&) = delete;

  std::size_t cells() const { return cells_; }
  std::size_t cell_floats() const { return cell_floats_; }
  std::size_t floats() const { return cells_ * cell_floats_; }

  // Copies the cells of `support` to local[0 .. support.size() * cell_floats), in order.
  void pull(std::span<const Cell> support, float* local) const;

  // Adds after - before, laid out as pull() does.
  void push(std::span<const Cell> support, const float* before, const float* after, Add add);

  // push() with kGuarded, and pull() of the same cells into both, in one pass.
  void exchange(std::span<const Cell> support, float* before, float* after);

  // push() with kRacy that counts what is lost: of how many pairs written, on how many there was something else than
  // what had been loaded, another thread's. At most twice as many as adds that are missing in the end, for what one
  // store has buried the next may bring back; none only if none is missing. Slower.
  struct Losses {
    std::uint64_t written = 0;
    std::uint64_t lost = 0;
  };
  Losses push_and_count(std::span<const Cell> support, const float* before, const float* after);

  // push() where no other thread touches these cells at the time; the cheapest.
  void push_alone(std::span<const Cell> support, const float* before, const float* after);

  void pull_owned(std::span<const Cell> support, float* local) const;
  void store_owned(std::span<const Cell> support, const float* before, const float* after);

  // Alone: all of it, to read and write.
  std::span<float> all();
  std::span<const float> all() const;

  // Before any other use, called for each of `parts` in a thread of its own: touches every parts-th page, and so has
  // the system put it where that thread runs.
  void touch(std::size_t part, std::size_t parts);

  // Alone: the whole array in, or, of each cell from `first` on, the floats [begin, end) times a factor.
  void write(std::span<const float> in);
  void scale(std::size_t first, std::size_t begin, std::size_t end, float factor);

 private:
  using Word = std::uint64_t;  // two floats
  class Guard;

  float* floats_of(Cell cell) const;
  void push_guarded(std::span<const Cell> support, const float* before, const float* after);

  std::size_t cells_;
  std::size_t cell_floats_;
  std::shared_ptr<std::byte> memory_;
  Word* array_;                      // in it; aligned to a cache line, or to a huge page
  std::unique_ptr<Guard[]> guards_;  // one a stripe
};

}  // namespace sounder
