#include "engine/convert.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <limits>
#include <set>
#include <span>
#include <system_error>
#include <utility>
#include <vector>

#include "engine/arena.h"
#include "engine/block_file.h"
#include "engine/block_rows.h"
#include "engine/block_writer.h"
#include "engine/blocks.h"
#include "engine/deal.h"
#include "io/error.h"
#include "io/libsvm.h"
#include "io/libsvm_piece.h"
#include "io/memory.h"
#include "io/row_buckets.h"
#include "io/stream.h"

namespace sounder {
namespace {

constexpr std::uint64_t kMostBuckets = 512;
constexpr std::uint64_t kCompression = 6;  // what is compressed may become so many times larger
constexpr std::uint64_t kUnknownText = std::uint64_t{8} << 30;  // of a pipe
constexpr std::uint64_t kEntryText = 12;                        // bytes, about

struct Stopped {};

std::size_t buckets_for(const std::string& path, const Stream& stream, std::uint64_t bucket_bytes) {
  std::uint64_t text = stream.mappable_size();
  std::error_code no_size;
  const std::uint64_t packed = std::filesystem::file_size(path, no_size);
  if (text == 0) text = no_size ? kUnknownText : kCompression * packed;
  return std::clamp<std::uint64_t>(text / std::max<std::uint64_t>(bucket_bytes, 1), 1, kMostBuckets);
}

// The different labels; of very many, enough to tell what the classes are.
class LabelsFound {
 public:
  explicit LabelsFound(const LabelRule& rule) : rule_(rule) {}

  // Of many it keeps the least and the greatest.
  void add(float label) {
    if (labels_.size() < kMost || is_class(label)) {
      labels_.insert(label);
    } else if (label < *labels_.begin()) {
      replace(labels_.begin(), label);
    } else if (label > *labels_.rbegin()) {
      replace(std::prev(labels_.end()), label);
    }
  }

  // As samples of no coordinate.
  Dataset samples() const {
    Dataset::Columns parts;
    parts.labels.assign(labels_.begin(), labels_.end());
    parts.offsets.assign(labels_.size() + 1, 0);
    return Dataset(0, std::move(parts));
  }

 private:
  static constexpr std::size_t kMost = 1000;

  void replace(std::set<float>::iterator old, float label) {
    if (!is_class(*old)) labels_.erase(old);
    labels_.insert(label);
  }

  bool is_class(float label) const {
    return rule_.positive_class && label == static_cast<float>(*rule_.positive_class);
  }

  const LabelRule& rule_;
  std::set<float> labels_;
};

class Converter {
 public:
  Converter(const std::string& from, const std::string& to, const Objective& objective,
            const Conversion& conversion, Arena& arena, const std::stop_token& stop)
      : from_(from),
        to_(to),
        how_(conversion),
        objective_(objective),
        arena_(arena),
        stop_(stop),
        stream_(from),
        buckets_(to, buckets_for(from, stream_, conversion.bucket_bytes), conversion.options.seed),
        labels_(how_.label_rule) {}

  void read();
  void write();

 private:
  // Rows to make blocks of, in this order.
  struct Batch {
    Dataset::Columns rows;
    std::vector<std::uint32_t> order;
  };

  void take(const LibsvmPiece& piece);
  void grow(std::uint64_t indices);
  void add_bucket(std::size_t bucket, Batch& batch) const;
  Dataset prepared(Dataset rows) const;
  Batch write_blocks(Batch batch, bool last, const Layout& layout, BlockFileWriter& writer) const;
  void heed_stop() const {
    if (stop_.stop_requested()) throw Stopped();
  }

  const std::string& from_;
  const std::string& to_;
  const Conversion& how_;
  const Objective& objective_;
  Arena& arena_;
  const std::stop_token& stop_;
  Stream stream_;
  LibsvmOptions options_{.index_base = how_.index_base};
  LibsvmShape text_;
  RowBuckets buckets_;
  LabelsFound labels_;
  LabelEncoding encoding_;
  std::vector<std::uint32_t> degrees_;  // while reading, of each index as it is written
  std::size_t block_rows_ = how_.options.block_rows;
};

void Converter::read() {
  refuse_written(stream_, from_);
  text_ = scan_libsvm(stream_, from_, options_, parallel_on(arena_),
                      [&](const LibsvmPiece& piece) { take(piece); });
  if (text_.dimension == 0) throw InputError({from_}, "no columns: every row is empty or holds zeros only");
  if (buckets_.rows() > std::numeric_limits<std::uint32_t>::max())
    throw InputError({from_}, fmt::format("{} rows, expected less than 2^32", buckets_.rows()));
  degrees_.erase(degrees_.begin(), degrees_.begin() + text_.index_base);
  if (objective_.labels() == LabelKind::kTwoClass)
    encoding_ =
        encode_two_classes(labels_.samples(), how_.label_rule, from_, {.rounded_class = text_.rounded_class})
            .encoding;
}

void Converter::take(const LibsvmPiece& piece) {
  heed_stop();
  grow(piece.end);
  std::size_t begin = 0;
  for (std::size_t row = 0; row < piece.ends.size(); ++row) {
    const std::size_t count = piece.ends[row] - begin;
    const std::span<const Coordinate> columns(piece.columns.get() + begin, count);
    for (const Coordinate column : columns) ++degrees_[column + piece_base(options_)];
    labels_.add(piece.labels[row]);
    buckets_.add(piece.labels[row], columns, {piece.values.get() + begin, count});
    begin += count;
  }
}

// One huge column number would otherwise be granted memory that is not there.
void Converter::grow(std::uint64_t indices) {
  if (indices <= degrees_.size()) return;
  if (indices > machine_memory() / (4 * sizeof(std::uint32_t)))
    throw InputError({from_},
                     fmt::format("not enough memory for {} columns; are the column numbers right?", indices));
  degrees_.resize(indices);
}

void Converter::write() {
  const Options& options = how_.options;
  const Layout layout(degrees_, buckets_.rows(), {}, options.bias, planes_of(options), Held::kTouched);
  if (block_rows_ == 0)
    block_rows_ = stored_block_rows(buckets_.rows(), buckets_.nonzeros(), layout, options);
  block_rows_ = std::min<std::size_t>(block_rows_, buckets_.rows());
  BlockFileWriter writer(to_);
  Batch batch;
  for (std::size_t bucket = 0; bucket < buckets_.buckets(); ++bucket) {
    const bool last = bucket + 1 == buckets_.buckets();
    add_bucket(bucket, batch);
    if (last || batch.rows.indices.size() * kEntryText * 2 >= how_.bucket_bytes)
      batch = write_blocks(std::move(batch), last, layout, writer);
  }
  writer.commit({.block_rows = block_rows_,
                 .labels = objective_.labels(),
                 .bias = options.bias,
                 .planes = layout.planes(),
                 .encoding = encoding_,
                 .label_rule = how_.label_rule,
                 .normalize = how_.normalize,
                 .index_base = text_.index_base},
                degrees_);
}

// Of one bucket, this is the order that training in memory takes.
void Converter::add_bucket(std::size_t bucket, Batch& batch) const {
  const std::size_t first = batch.rows.labels.size();
  const std::size_t entries = batch.rows.indices.size();
  buckets_.append_to(batch.rows, bucket);
  if (text_.index_base != piece_base(options_)) {
    for (Coordinate& column : std::span(batch.rows.indices).subspan(entries)) ++column;
  }
  const std::size_t added = batch.rows.labels.size() - first;
  for (const std::uint32_t row : shuffled_rows(added, how_.options.seed + bucket))
    batch.order.push_back(static_cast<std::uint32_t>(first + row));
}

Dataset Converter::prepared(Dataset rows) const {
  if (how_.normalize) rows = rows.normalized();
  return encode_like(rows, encoding_, how_.label_rule, from_);
}

// Returns the rows that do not fill a block.
Converter::Batch Converter::write_blocks(Batch batch, bool last, const Layout& layout,
                                         BlockFileWriter& writer) const {
  heed_stop();
  Dataset rows(text_.dimension, std::move(batch.rows));
  std::size_t used = batch.order.size();
  if (!last) used -= used % block_rows_;
  const auto left = std::span(batch.order).subspan(used);
  Batch rest;
  for (const std::uint32_t i : left) rest.rows.append(rows.row(i));
  rest.order = rows_in_order(left.size());
  batch.order.resize(used);
  BlockMaker maker(prepared(std::move(rows)), layout, 0);
  for (const Block& block : make_blocks(std::move(maker), cut(std::move(batch.order), block_rows_), arena_))
    writer.add(block);
  return rest;
}

}  // namespace

bool convert(const std::string& from, const std::string& to, const Objective& objective,
             const Conversion& conversion, Arena& arena, const std::stop_token& stop) try {
  validate(conversion.options);
  check_storable(objective);
  Converter converter(from, to, objective, conversion, arena, stop);
  converter.read();
  arena.execute([&] { converter.write(); });
  return true;
} catch (const Stopped&) {
  return false;
}

}  // namespace sounder
