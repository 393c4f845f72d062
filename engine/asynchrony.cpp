#include "engine/asynchrony.h"

#include <tbb/enumerable_thread_specific.h>

#include <Eigen/Core>
#include <atomic>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "engine/conflicts.h"
#include "engine/theory.h"
#include "io/error.h"

namespace sounder {
namespace {

constexpr std::uint64_t kSampled = 32;

// To multiply in double, as no float holds the square of every float.
auto doubles(const float* first, std::size_t count) {
  return Eigen::Map<const Eigen::ArrayXf>(first, static_cast<Eigen::Index>(count)).cast<double>();
}

// The least value that `share` of all do not exceed.
std::uint64_t quantile(const std::map<std::uint64_t, std::uint64_t>& counts, std::uint64_t all,
                       double share) {
  double left = share * static_cast<double>(all);
  for (const auto& [value, count] : counts) {
    left -= static_cast<double>(count);
    if (left <= 0) return value;
  }
  return 0;
}

}  // namespace

void require_measurable(const Options& options) {
  const auto refuse = [](const std::string& what) { throw InputError("measure: " + what); };
  if (options.simulate > 0) refuse("simulated staleness is known, not measured");
  if (options.sparsify != Sparsify::kNone)
    refuse("what sparsify holds back would count as what others changed");
  const DisciplineTraits& discipline = traits_of(discipline_of(options));
  if (discipline.disjoint) refuse("under exclusive no block is stale");
  if (discipline.rounds)
    refuse("under " + std::string(discipline.name) + " no block sees what those of its round change");
}

double estimate_safe_staleness(const Dataset& data, const Options& options, Arena& arena) {
  constexpr std::size_t kDraws = 4096;
  const Incidence incidence(data, arena);
  const Estimate degree =
      average_conflict_degree(incidence, draw_conflicts(incidence, kDraws, options.seed, arena));
  return safe_staleness(degree.value / static_cast<double>(data.rows()));
}

struct MeasuringWriter::Tally {
  std::atomic<std::uint64_t> visits{0};
  std::atomic<std::uint64_t> began{0};  // samples
  std::atomic<std::uint64_t> ended{0};  // released and acquired, so that what has ended is seen to have begun

  tbb::enumerable_thread_specific<std::vector<float>> now;  // its memory serves again

  mutable std::mutex mutex;  // of what follows
  std::map<std::uint64_t, std::uint64_t> staleness;
  Asynchrony sums;
};

MeasuringWriter::MeasuringWriter(std::unique_ptr<Writer> writer, const Parameters& parameters,
                                 const Layout& layout)
    : writer_(std::move(writer)),
      parameters_(parameters),
      layout_(layout),
      tally_(std::make_unique<Tally>()) {}

MeasuringWriter::~MeasuringWriter() = default;

void MeasuringWriter::pull(Visit& visit, LocalCopy& copy) {
  const bool sampled = tally_->visits.fetch_add(1, std::memory_order_relaxed) % kSampled == 0;
  if (sampled) visit.ended_before = tally_->ended.load(std::memory_order_acquire);
  tally_->began.fetch_add(visit.samples, std::memory_order_relaxed);
  writer_->pull(visit, copy);
}

void MeasuringWriter::push(Visit& visit, LocalCopy& copy) {
  if (visit.ended_before) record(visit, copy);
  writer_->push(visit, copy);
  tally_->ended.fetch_add(visit.samples, std::memory_order_release);
}

void MeasuringWriter::record(const Visit& visit, const LocalCopy& copy) {
  std::vector<float>& now = tally_->now.local();
  now.resize(copy.size());
  parameters_.pull(visit.support, now.data());
  double own = 0;
  double others = 0;
  double product = 0;
  const auto add = [&](std::size_t first, std::size_t count) {
    const auto before = doubles(copy.before() + first, count);
    const auto after = doubles(copy.after() + first, count);
    const auto found = doubles(now.data() + first, count);
    own += (after - before).square().sum();
    others += (found - before).square().sum();
    product -= ((found - before) * (after - before)).sum();
  };
  const std::size_t cell = layout_.cell_floats();
  const bool plain = layout_.weight_floats() == cell;  // then all cells at once
  const std::size_t step = plain ? now.size() : cell;
  for (std::size_t first = 0; first < now.size(); first += step)
    add(first, plain ? step : layout_.weight_floats());
  const std::uint64_t stale =
      tally_->began.load(std::memory_order_relaxed) - *visit.ended_before - visit.samples;
  const std::lock_guard lock(tally_->mutex);
  ++tally_->staleness[stale];
  ++tally_->sums.blocks;
  const double squared = visit.scale * visit.scale;
  tally_->sums.gradient += squared * own;
  tally_->sums.position += squared * others;
  tally_->sums.alignment += squared * product;
}

std::optional<Asynchrony> MeasuringWriter::asynchrony() const {
  Asynchrony result = tally_->sums;
  if (result.blocks == 0) return result;
  const auto blocks = static_cast<double>(result.blocks);
  result.gradient /= blocks;
  result.position /= blocks;
  result.alignment /= blocks;
  result.staleness_p50 = quantile(tally_->staleness, result.blocks, 0.5);
  result.staleness_p99 = quantile(tally_->staleness, result.blocks, 0.99);
  result.staleness_max = tally_->staleness.rbegin()->first;
  return result;
}

}  // namespace sounder
