#include "engine/incidence.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <functional>
#include <utility>

namespace sounder {

Incidence::Incidence(const Dataset& data, Arena& arena) : data_(data), degrees_(data.dimension()) {
  count(arena);
}

Incidence::Incidence(const Dataset& data, std::vector<Vertices> of, std::size_t vertices, Arena& arena)
    : data_(data), of_(std::move(of)), degrees_(vertices) {
  assert(of_.size() == data.dimension());
  count(arena);
}

void Incidence::count(Arena& arena) {
  for (const auto& some : degrees_by_part(arena))
    std::transform(some.begin(), some.end(), degrees_.begin(), degrees_.begin(), std::plus());
}

std::vector<std::vector<std::uint32_t>> Incidence::degrees_by_part(Arena& arena) const {
  std::vector<std::vector<std::uint32_t>> degrees(static_cast<std::size_t>(arena.threads()),
                                                  std::vector<std::uint32_t>(vertices()));
  for_each_edge(arena, [&](std::size_t part, std::size_t, auto edge) {
    for (const std::uint32_t v : edge) ++degrees[part][v];
  });
  return degrees;
}

std::span<const std::uint32_t> Incidence::Reader::edge(std::size_t i) {
  const Row row = is_.data_.row(i);
  if (row.weight == 0) return {};
  if (is_.of_.empty()) return row.support;
  forget();
  edge_.clear();
  for (const Coordinate c : row.support) {
    const auto [first, count] = is_.of_[c];
    for (std::uint32_t v = first; v < first + count; ++v) {
      if (std::exchange(seen_[v], turn_) != turn_) edge_.push_back(v);
    }
  }
  return edge_;
}

std::uint32_t Incidence::Reader::shared(std::size_t i, std::size_t j) {
  const auto first = edge(i);
  forget();
  const std::uint32_t mark = turn_;
  for (const std::uint32_t v : first) seen_[v] = mark;
  std::uint32_t shared = 0;
  const Row other = is_.data_.row(j);
  if (other.weight == 0) return 0;
  for (const Coordinate c : other.support) {
    const auto [begin, count] = is_.of_.empty() ? Vertices{.first = c} : is_.of_[c];
    for (std::uint32_t v = begin; v < begin + count; ++v) {
      if (seen_[v] != mark) continue;
      seen_[v] = 0;
      ++shared;
    }
  }
  return shared;
}

void Incidence::Reader::forget() {
  if (++turn_ != 0) return;
  std::ranges::fill(seen_, 0U);
  turn_ = 1;
}

Incidence by_cache_line(const Dataset& data, const Layout& layout, Arena& arena) {
  std::vector<Incidence::Vertices> lines(data.dimension());
  layout.for_each([&](std::size_t c, std::size_t place, double) {
    const auto first = static_cast<std::uint32_t>(place / kLineFloats);
    const auto last = static_cast<std::uint32_t>((place + layout.width() - 1) / kLineFloats);
    lines[c] = {.first = first, .count = last - first + 1};
  });
  const std::size_t count = layout.cells() * layout.cell_floats() / kLineFloats + 1;
  return Incidence(data, std::move(lines), count, arena);
}

Incidence without_hot(const Dataset& data, std::span<const std::uint32_t> degrees, double share,
                      Arena& arena) {
  std::vector<Incidence::Vertices> of(data.dimension());
  for (std::uint32_t c = 0; c < of.size(); ++c) {
    const bool hot = degrees[c] > share * static_cast<double>(data.rows());
    of[c] = {.first = c, .count = hot ? 0U : 1U};
  }
  return Incidence(data, std::move(of), data.dimension(), arena);
}

IncidenceFigures figures_of(const Incidence& incidence, Arena& arena) {
  IncidenceFigures figures;
  std::uint32_t most = 0;
  for (const std::uint32_t degree : incidence.degrees()) {
    ++figures.degrees[std::bit_width(degree)];
    figures.vertices += degree > 0 ? 1 : 0;
    figures.nonzeros += degree;
    most = std::max(most, degree);
  }
  figures.largest_share = most / static_cast<double>(incidence.rows());
  std::vector<std::uint32_t> lengths(incidence.rows());
  incidence.for_each_edge(arena, [&](std::size_t, std::size_t i, auto edge) {
    lengths[i] = static_cast<std::uint32_t>(edge.size());
  });
  for (const std::uint32_t length : lengths) {
    ++figures.row_lengths[std::bit_width(length)];
    figures.longest_row = std::max(figures.longest_row, length);
  }
  return figures;
}

}  // namespace sounder
