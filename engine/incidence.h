#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/arena.h"
#include "engine/layout.h"
#include "io/dataset.h"

namespace sounder {

// How many of some numbers have each bit width: element 0 counts zeros, element k those in [2^(k - 1), 2^k).
using Histogram = std::array<std::uint64_t, 65>;

// The graph of HOGWILD! (Niu, Recht, Re, Wright 2011, section 2): a sample is a hyperedge, the set of
// vertices that its step touches. A vertex is a coordinate or a group of them, such as those of a cache line;
// coordinates may be left out. A sample of weight zero moves nothing, so it touches nothing. Immutable; keeps
// 8 bytes a coordinate beside the data, and 4 a vertex.
class Incidence {
 public:
  // Of a coordinate: so many in a row, or none.
  struct Vertices {
    std::uint32_t first = 0;
    std::uint32_t count = 1;
  };

  // Every coordinate is a vertex.
  Incidence(const Dataset& data, Arena& arena);
  // of[coordinate], all of them below `vertices`.
  Incidence(const Dataset& data, std::vector<Vertices> of, std::size_t vertices, Arena& arena);

  std::size_t rows() const { return data_.rows(); }
  std::size_t vertices() const { return degrees_.size(); }

  // Of each vertex, the number of samples that touch it.
  std::span<const std::uint32_t> degrees() const { return degrees_; }

  // Looks at one sample after the other; has a few bytes a vertex of its own, so each thread should have one.
  class Reader {
   public:
    explicit Reader(const Incidence& incidence) : is_(incidence), seen_(incidence.vertices()) {}

    // The vertices of sample i, each once; valid until the next call.
    std::span<const std::uint32_t> edge(std::size_t i);
    // How many vertices two samples share.
    std::uint32_t shared(std::size_t i, std::size_t j);

   private:
    void forget();

    const Incidence& is_;
    std::vector<std::uint32_t> seen_;  // of each vertex: the turn in which it was last met
    std::uint32_t turn_ = 0;
    std::vector<std::uint32_t> edge_;
  };

  // Deals the rows to as many parts as the arena has threads, in order, and calls body(part, row, its edge),
  // rising within a part.
  template <class Body>
  void for_each_edge(Arena& arena, Body&& body) const {
    const auto parts = static_cast<std::size_t>(arena.threads());
    arena.parallel_for(parts, [&](std::size_t part) {
      Reader reader(*this);
      for (std::size_t i = rows() * part / parts; i < rows() * (part + 1) / parts; ++i)
        body(part, i, reader.edge(i));
    });
  }

  // degrees() of the rows of each part alone.
  std::vector<std::vector<std::uint32_t>> degrees_by_part(Arena& arena) const;

 private:
  void count(Arena& arena);

  Dataset data_;
  std::vector<Vertices> of_;  // empty: each is its own
  std::vector<std::uint32_t> degrees_;
};

inline constexpr std::size_t kLineFloats = 16;

// Cache lines of kLineFloats, those that a coordinate's weights stand in in the layout.
Incidence by_cache_line(const Dataset& data, const Layout& layout, Arena& arena);
// Without the coordinates that more than `share` of all samples touch.
Incidence without_hot(const Dataset& data, std::span<const std::uint32_t> degrees, double share,
                      Arena& arena);

// Omega, Delta and the rest of what is told by degrees alone.
struct IncidenceFigures {
  std::uint64_t vertices = 0;  // that some sample touches
  std::uint64_t nonzeros = 0;
  std::uint32_t longest_row = 0;  // Omega = max |e|
  double largest_share = 0;       // Delta = max degree / n
  Histogram degrees = {};         // of all vertices
  Histogram row_lengths = {};     // of all samples
};
IncidenceFigures figures_of(const Incidence& incidence, Arena& arena);

}  // namespace sounder
