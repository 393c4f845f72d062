#include "engine/sparsify.h"

#include <tbb/enumerable_thread_specific.h>

#include <Eigen/Core>
#include <algorithm>
#include <atomic>
#include <cmath>
#include <functional>
#include <iterator>
#include <limits>
#include <utility>
#include <vector>

#include "io/random.h"

namespace sounder {
namespace {

using Floats = Eigen::Map<Eigen::ArrayXf>;

Floats floats(float* first, std::size_t count) {
  return {first, static_cast<Eigen::Index>(count)};
}

// What a worker holds back, and room to choose in.
struct Worker {
  Worker(std::size_t size, std::uint64_t seed) : held(size), random(seed) {}

  std::vector<float> held;  // laid out as the parameters
  Random random;
  std::vector<float> scores;  // of the cells of a support; 0: nothing to push, or always pushed
  std::vector<float> ranked;  // those above 0
  std::vector<Cell> chosen;
  std::uint64_t changed = 0;  // cells, so far
  std::uint64_t pushed = 0;
};

class SparsifyingWriter final : public Writer {
 public:
  SparsifyingWriter(std::unique_ptr<Writer> writer, Parameters& parameters, const Mask& mask,
                    std::size_t slots)
      : writer_(std::move(writer)),
        parameters_(parameters),
        mask_(mask),
        threads_([this] { return make_worker(); }) {
    while (slots_.size() < slots) slots_.push_back(make_worker());
  }

  void pull(Visit& visit, LocalCopy& copy) override;
  void push(Visit& visit, LocalCopy& copy) override;
  void leave(Visit& visit) override { writer_->leave(visit); }
  void end_round() override { writer_->end_round(); }
  void flush() override;
  std::optional<double> share_lost() const override { return writer_->share_lost(); }
  std::optional<double> share_pushed() const override;

 private:
  Worker make_worker() { return {parameters_.floats(), mask_.seed + workers_.fetch_add(1)}; }
  Worker& worker(const Visit& visit) { return slots_.empty() ? threads_.local() : slots_[visit.slot]; }
  Floats held(Worker& worker, Cell cell) const {
    return floats(worker.held.data() + cell * parameters_.cell_floats(), parameters_.cell_floats());
  }
  bool always(Cell cell) const { return cell < mask_.first_cell; }

  void remember(const Visit& visit, const LocalCopy& copy, Worker& worker) const;
  float score(Worker& worker, Cell cell) const;
  void choose(std::span<const Cell> support, Worker& worker) const;
  void take(Worker& worker, LocalCopy& copy) const;
  void flush(Worker& worker);

  std::unique_ptr<Writer> writer_;
  Parameters& parameters_;
  const Mask mask_;
  std::atomic<std::uint64_t> workers_ = 0;
  tbb::enumerable_thread_specific<Worker> threads_;  // the workers, unless
  std::vector<Worker> slots_;                        // these are
};

// A simulated visit knows its slot only when it has pulled.
void SparsifyingWriter::pull(Visit& visit, LocalCopy& copy) {
  if (slots_.empty()) threads_.local();  // may throw: before anything is locked
  writer_->pull(visit, copy);
  Worker& own = worker(visit);
  const std::size_t size = parameters_.cell_floats();
  float* before = copy.before();
  float* after = copy.after();
  for (const Cell cell : visit.support) {
    floats(before, size) += held(own, cell);
    floats(after, size) = floats(before, size);
    before += size;
    after += size;
  }
}

void SparsifyingWriter::push(Visit& visit, LocalCopy& copy) {
  Worker& own = worker(visit);
  remember(visit, copy, own);
  choose(visit.support, own);
  take(own, copy);
  Visit part = visit;
  part.support = own.chosen;
  writer_->push(part, copy);
}

void SparsifyingWriter::remember(const Visit& visit, const LocalCopy& copy, Worker& worker) const {
  const std::size_t size = parameters_.cell_floats();
  worker.scores.clear();
  float* before = copy.before();
  float* after = copy.after();
  for (const Cell cell : visit.support) {
    held(worker, cell) += floats(after, size) - floats(before, size);
    worker.scores.push_back(always(cell) ? 0 : score(worker, cell));
    before += size;
    after += size;
  }
}

// Above 0 where anything is held.
float SparsifyingWriter::score(Worker& worker, Cell cell) const {
  const Floats all = held(worker, cell);
  const float length = all.head(static_cast<Eigen::Index>(mask_.weight_floats)).square().sum();
  if (length == 0 && (all == 0).all()) return 0;
  if (mask_.by == Sparsify::kRandomK) return static_cast<float>(1 - worker.random.uniform());
  return std::max(length, std::numeric_limits<float>::min());
}

void SparsifyingWriter::choose(std::span<const Cell> support, Worker& worker) const {
  std::vector<float>& ranked = worker.ranked;
  ranked.clear();
  std::ranges::copy_if(worker.scores, std::back_inserter(ranked), [](float score) { return score > 0; });
  const auto count = static_cast<std::ptrdiff_t>(std::ceil(mask_.keep * static_cast<double>(ranked.size())));
  const auto end = ranked.begin() + count;
  float least = std::numeric_limits<float>::infinity();
  if (count > 0) {
    std::ranges::nth_element(ranked, end - 1, std::greater());
    least = *(end - 1);
  }
  auto ties = std::count(ranked.begin(), end, least);

  worker.chosen.clear();
  worker.changed += ranked.size();
  for (std::size_t place = 0; place < support.size(); ++place) {
    const Cell cell = support[place];
    const float score = worker.scores[place];
    if (always(cell)) ++worker.changed;
    if (always(cell) || score > least || (score == least && ties-- > 0)) worker.chosen.push_back(cell);
  }
}

// What is held of the chosen cells becomes the copy's, as a change from zero.
void SparsifyingWriter::take(Worker& worker, LocalCopy& copy) const {
  const std::size_t size = parameters_.cell_floats();
  copy.resize(worker.chosen.size() * size);
  std::fill_n(copy.before(), copy.size(), 0.0F);
  float* after = copy.after();
  for (const Cell cell : worker.chosen) {
    floats(after, size) = held(worker, cell);
    held(worker, cell) = 0;
    after += size;
  }
  worker.pushed += worker.chosen.size();
}

void SparsifyingWriter::flush() {
  writer_->flush();
  for (Worker& worker : threads_) flush(worker);
  for (Worker& worker : slots_) flush(worker);
}

void SparsifyingWriter::flush(Worker& worker) {
  worker.chosen.clear();
  for (Cell cell = 0; cell < parameters_.cells(); ++cell) {
    if ((held(worker, cell) != 0).any()) worker.chosen.push_back(cell);
  }
  LocalCopy copy;
  take(worker, copy);
  parameters_.push_alone(worker.chosen, copy.before(), copy.after());
}

std::optional<double> SparsifyingWriter::share_pushed() const {
  double changed = 0;
  double pushed = 0;
  const auto count = [&](const Worker& worker) {
    changed += static_cast<double>(worker.changed);
    pushed += static_cast<double>(worker.pushed);
  };
  std::ranges::for_each(threads_, count);
  std::ranges::for_each(slots_, count);
  return changed > 0 ? pushed / changed : 1;
}

}  // namespace

std::unique_ptr<Writer> make_sparsifying_writer(std::unique_ptr<Writer> writer, Parameters& parameters,
                                                const Mask& mask, std::size_t slots) {
  return std::make_unique<SparsifyingWriter>(std::move(writer), parameters, mask, slots);
}

}  // namespace sounder
