#include "io/libsvm_reader.h"

#include <algorithm>
#include <span>
#include <string_view>
#include <utility>

#include "io/error.h"

namespace sounder {
namespace {

using Beyond = LibsvmOptions::Beyond;

// More than there are threads: those that come too late find nothing to do.
constexpr std::size_t kMostThreads = 1024;

template <class T>
T* room_for(GrowingPages& pages, std::size_t count) {
  return reinterpret_cast<T*>(pages.room(count * sizeof(T)));
}

}  // namespace

void LibsvmRows::append(const LibsvmPiece& piece) {
  const std::size_t size = offsets_.back();
  const std::size_t grown = size + piece.entries;
  std::copy_n(piece.columns.get(), piece.entries, room_for<Coordinate>(columns_, grown) + size);
  std::copy_n(piece.values.get(), piece.entries, room_for<float>(values_, grown) + size);
  for (const std::size_t end : piece.ends) offsets_.push_back(size + end);
  labels_.insert(labels_.end(), piece.labels.begin(), piece.labels.end());
}

void LibsvmRows::shift(const ParallelFor& parallel) {
  constexpr std::size_t kShare = std::size_t{1} << 16;
  const std::span<Coordinate> all = columns();
  parallel((all.size() + kShare - 1) / kShare, [&](std::size_t share) {
    const std::size_t begin = share * kShare;
    for (Coordinate& column : all.subspan(begin, std::min(kShare, all.size() - begin))) ++column;
  });
}

std::uint64_t LibsvmRows::drop_from(std::size_t end) {
  const std::span<Coordinate> columns = this->columns();
  const std::span<float> values = this->values();
  std::size_t kept = 0;
  std::size_t k = 0;
  for (std::size_t row = 0; row < labels_.size(); ++row) {
    for (; k < offsets_[row + 1]; ++k) {
      if (columns[k] >= end) continue;
      columns[kept] = columns[k];
      values[kept++] = values[k];
    }
    offsets_[row + 1] = kept;
  }
  return k - kept;
}

Dataset LibsvmRows::take(std::size_t dimension) {
  columns_.keep(columns().size_bytes());
  values_.keep(values().size_bytes());
  return Dataset::adopt(dimension, std::move(offsets_), columns_.memory(), values_.memory(),
                        std::move(labels_));
}

std::span<Coordinate> LibsvmRows::columns() {
  return {room_for<Coordinate>(columns_, offsets_.back()), offsets_.back()};
}

std::span<float> LibsvmRows::values() {
  return {room_for<float>(values_, offsets_.back()), offsets_.back()};
}

LibsvmShape LibsvmReader::read(const ParallelFor& parallel) {
  parallel(kMostThreads, [&](std::size_t) { work(); });
  refuse_failed();
  const std::uint32_t base = options_.index_base.value_or(has_index_zero_ ? 0 : 1);
  LibsvmShape shape{base, end_ > base ? end_ - base : 0};
  if (rounded_class_) shape.rounded_class = error_of(*rounded_class_);
  if (unlabelled_) shape.unlabelled = error_of(*unlabelled_);
  return shape;
}

LibsvmShape LibsvmReader::scan(const ParallelFor& parallel, const TakePiece& take) {
  take_ = take;
  return read(parallel);
}

LibsvmFile LibsvmReader::run(const ParallelFor& parallel) {
  auto [base, columns, rounded_class, unlabelled] = read(parallel);
  if (base != piece_base(options_)) rows_.shift(parallel);
  std::uint64_t dropped = 0;
  if (options_.dimension > 0 && columns > options_.dimension) {
    if (options_.beyond == Beyond::kRefuse) throw error_of(*beyond_[base]);
    if (options_.beyond == Beyond::kDrop) dropped = rows_.drop_from(columns = options_.dimension);
  }
  return {rows_.take(std::max(columns, options_.dimension)),
          base,
          {std::move(row_lines_), std::move(rounded_class)},
          std::move(unlabelled),
          dropped};
}

void LibsvmReader::work() {
  TextQueue::Worker worker(texts_);
  for (std::unique_ptr<TextQueue::Text> text; (text = worker.next(std::move(text)));) {
    std::unique_ptr<Job> job = idle_job();
    parse(*text, *job);
    give(std::move(job));
  }
}

std::unique_ptr<LibsvmReader::Job> LibsvmReader::idle_job() {
  const std::lock_guard lock(giving_);
  if (idle_.empty()) return std::make_unique<Job>();
  std::unique_ptr<Job> job = std::move(idle_.back());
  idle_.pop_back();
  return job;
}

void LibsvmReader::parse(const TextQueue::Text& text, Job& job) const {
  job.number = text.number;
  job.unreadable = text.unreadable;
  if (job.unreadable) return;
  const std::string_view lines = text.piece.text();
  parse_libsvm_piece(lines, options_, job.piece);
  const bool open = !options_.index_base && options_.beyond == Beyond::kRefuse && options_.dimension > 0;
  if (!open || job.piece.end <= options_.dimension) return;
  for (const std::uint32_t base : {0U, 1U}) {
    LibsvmOptions options = options_;
    options.index_base = base;
    LibsvmPiece again;
    parse_libsvm_piece(lines, options, again);
    job.beyond[base] = std::move(again.failure);
  }
}

// One thread appends, what others give it meanwhile as well, so that they need not wait for it.
void LibsvmReader::give(std::unique_ptr<Job> job) {
  std::unique_lock lock(giving_);
  const std::size_t number = job->number;
  parsed_.emplace(number, std::move(job));
  if (std::exchange(appending_, true)) return;
  for (auto next = parsed_.begin(); next != parsed_.end() && next->first == appended_;
       next = parsed_.begin()) {
    std::unique_ptr<Job> first = std::move(next->second);
    parsed_.erase(next);
    lock.unlock();
    append(*first);
    texts_.finished(++appended_);
    lock.lock();
    idle_.push_back(std::move(first));
  }
  appending_ = false;
}

void LibsvmReader::append(Job& job) {
  if (unreadable_ || failure_) return;
  const auto placed = [&](std::optional<Failure> failure) {
    if (failure) failure->line += lines_;
    return failure;
  };
  unreadable_ = job.unreadable;
  if (unreadable_) return;
  failure_ = placed(std::move(job.piece.failure));
  if (failure_) texts_.stop();
  for (const std::uint32_t base : {0U, 1U})
    if (!beyond_[base]) beyond_[base] = placed(std::exchange(job.beyond[base], {}));
  if (!rounded_class_) rounded_class_ = placed(std::move(job.piece.rounded_class));
  if (!unlabelled_) unlabelled_ = placed(std::move(job.piece.unlabelled));
  any_rows_ |= !job.piece.labels.empty();
  pass_on(job.piece);
  lines_ += job.piece.lines;
  end_ = std::max(end_, job.piece.end);
  has_index_zero_ |= job.piece.has_index_zero;
}

void LibsvmReader::pass_on(const LibsvmPiece& piece) try {
  if (take_) return take_(piece);
  rows_.append(piece);
  row_lines_.append(piece.row_lines, lines_);
} catch (...) {
  unreadable_ = std::current_exception();
  texts_.stop();
}

void LibsvmReader::refuse_failed() const try {
  if (unreadable_) std::rethrow_exception(unreadable_);
  if (failure_) throw error_of(*failure_);
  if (lines_ == 0) throw InputError(Position{name_}, "no samples: the file is empty");
  if (!any_rows_) throw InputError(Position{name_}, "no samples: every line is blank or a comment");
} catch (const LineTooLong& error) {
  throw InputError({name_, lines_ + 1}, error.what());
}

InputError LibsvmReader::error_of(const Failure& failure) const {
  return {{name_, failure.line, failure.column}, failure.message};
}

}  // namespace sounder
