#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "io/dataset.h"

namespace sounder {

// The connected components of a batch of samples, where samples that touch the same coordinate are connected.
// No coordinate is touched by two components, so workers that are dealt whole components, and train their
// samples in drawn order, need no atomics and end where one worker that trains the batch in drawn order ends:
// CYCLADES (Pan, Lam, Tu, Papailiopoulos, Zhang, Jordan, Ramchandran, Re, NIPS 2016). What a step writes
// beyond its sample's support, a bias say, is the caller's care.
//
// The union-find is Rem's (Dijkstra, A Discipline of Programming, 1976, chapter 23; Patwary, Blair, Manne,
// SEA 2010) over the samples only. A batch costs time in its non-zeros, whatever the number of coordinates
// is: each coordinate remembers the number of a sample that touched it, and samples are numbered on from
// batch to batch, so that an old number says "not yet in this batch". Memory: 4 bytes a coordinate.
//
// Starts no threads. One thread at a time may use an object, and each result holds until the next find().
// What deal() returns is the caller's: a batch can be trained while the next one goes through the same
// object.
class Components {
 public:
  struct Size {
    std::uint32_t samples = 0;
    std::uint64_t nonzeros = 0;  // the work of a step
    friend bool operator==(const Size&, const Size&) = default;
  };

  // For data of at most `coordinates` dimensions. Samples are numbered from `first_number`, in [1, 2^32), on,
  // and again from 1 when a batch would reach 2^32 - 1; that one costs a pass over all coordinates.
  explicit Components(std::size_t coordinates, std::uint32_t first_number = 1);

  // The components of these rows, in drawn order; at most 2^32 - 2 of them. A row may be drawn twice; its
  // support, if there is one, connects it with itself.
  void find(const Dataset& data, std::span<const std::uint32_t> batch);

  // The component of each batch position. Components are numbered from 0 in the order of their first samples.
  std::span<const std::uint32_t> labels() const { return labels_; }

  std::size_t count() const { return sizes_.size(); }
  Size largest() const;          // the most samples, and the most non-zeros, of any
  double largest_share() const;  // of the batch's non-zeros, in one component; 0 when there are none

  // Deals whole components to `groups` > 0 groups: those with the most non-zeros first, each to the group
  // that has the fewest so far, equals by lowest number (longest processing time first: Graham, SIAM J. Appl.
  // Math. 1969). No group then exceeds the mean by more than the largest component. Returns the batch
  // positions of each group, rising. Time: linear in the samples, and log(groups) for each component.
  std::vector<std::vector<std::uint32_t>> deal(std::size_t groups) const;

 private:
  void begin_batch(std::size_t samples);
  void connect(std::span<const Coordinate> support, std::uint32_t sample);
  void unite(std::uint32_t a, std::uint32_t b);
  void label_samples(const Dataset& data, std::span<const std::uint32_t> batch);
  std::vector<std::uint32_t> by_falling_nonzeros() const;

  std::vector<std::uint32_t> touched_by_;  // of a coordinate: the first sample of a batch to touch it
  std::uint32_t batch_begin_;              // the number of the batch's first sample
  std::vector<std::uint32_t> labels_;      // parents, none above its child, until label_samples()
  std::vector<Size> sizes_;
};

struct BatchChoice {
  std::size_t rows = 0;
  double largest_share = 0;  // of the batch's non-zeros, in one component
};

// The smallest and the largest batch that choose_batch() tries, unless `order` is shorter.
inline constexpr std::size_t kSmallestBatch = 64;
inline constexpr std::size_t kLargestBatch = std::size_t{1} << 16;

// The largest batch in which no component holds more than `share` of the non-zeros, by trial on the first
// rows of `order`, a random one: 64, 128, ... up to 65,536 or all of them. When none is fit it returns the
// smallest, whose largest_share then exceeds `share`. It is one draw: leave room for batches that are less
// lucky.
//
// Gives up at an unfit batch with more than half of its samples in one component, which more samples would
// only make larger. Time: each trial's non-zeros; the trials have less than three times the rows of the last
// one. Leaves the last trial in `components`.
BatchChoice choose_batch(Components& components, const Dataset& data, std::span<const std::uint32_t> order,
                         double share);

// The same for rows shuffled by that seed, with a share that threads can still divide evenly.
inline constexpr double kLargestShare = 1.0 / 8;
BatchChoice choose_batch(const Dataset& data, std::uint64_t seed);

}  // namespace sounder
