#include "engine/block_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <functional>
#include <optional>
#include <system_error>

#include "engine/block_pieces.h"
#include "io/checksum.h"
#include "io/error.h"
#include "io/model_file.h"

namespace sounder {
namespace {

constexpr std::size_t kCoordinatesOfCell = 4;  // at width 1

// Asked for ahead of their use: more than a disk answers late, and little beside a model.
constexpr std::size_t kAheadBytes = std::size_t{48} << 20;

std::uint64_t checksum_of(std::span<const std::byte> bytes) {
  return sounder::checksum_of({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

// Closes on the way out.
struct Descriptor {
  explicit Descriptor(const std::string& path) : number(open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  ~Descriptor() {
    if (number >= 0) close(number);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  int number;
};

std::span<const std::byte> map_file(const std::string& path) {
  const auto fail = [&](int error) {
    throw InputError({path}, fmt::format("cannot read: {}", std::generic_category().message(error)));
  };
  const Descriptor file(path);
  struct stat status {};
  if (file.number < 0 || fstat(file.number, &status) != 0) fail(errno);
  if (!S_ISREG(status.st_mode)) throw InputError({path}, "found no regular file, expected one to map");
  const auto size = static_cast<std::size_t>(status.st_size);
  if (size == 0) throw InputError({path}, "empty file, expected blocks");
  void* const begin = mmap(nullptr, size, PROT_READ, MAP_SHARED, file.number, 0);
  if (begin == MAP_FAILED) fail(errno);
  return {static_cast<const std::byte*>(begin), size};
}

std::optional<double> number_or_none(double value) {
  return std::isnan(value) ? std::nullopt : std::optional(value);
}

BlockFileShape shape_of(const BlockFileEnd& end) {
  return {.rows = end.rows,
          .dimension = end.dimension,
          .nonzeros = end.nonzeros,
          .block_rows = end.block_rows,
          .labels = static_cast<LabelKind>(end.labels),
          .bias = end.bias != 0,
          .planes = {.reweight = end.reweight != 0, .state = end.state, .average = end.average != 0},
          .encoding = {.negative = end.negative, .positive = end.positive},
          .label_rule = {number_or_none(end.positive_above), number_or_none(end.positive_class)},
          .normalize = end.normalize != 0,
          .index_base = end.index_base};
}

bool is_sensible(const BlockFileEnd& end) {
  const bool kind = end.labels == static_cast<std::uint32_t>(LabelKind::kTwoClass) ||
                    end.labels == static_cast<std::uint32_t>(LabelKind::kReal);
  const bool flags = std::max({end.bias, end.reweight, end.average, end.normalize}) <= 1;
  const bool labels = std::isfinite(end.negative) && std::isfinite(end.positive) &&
                      !std::isinf(end.positive_above) && !std::isinf(end.positive_class);
  return kind && flags && labels && end.rows > 0 && end.dimension > 0 && end.block_rows > 0 &&
         end.state <= LocalWeights::kMostState && end.index_base <= 1;
}

template <class T>
bool all_below(std::span<const T> values, std::size_t end) {
  T largest = 0;
  for (const T value : values) largest = std::max(largest, value);
  return values.empty() || largest < end;
}

}  // namespace

bool is_storable(const Objective& objective) {
  const Shape shape = objective.shape();
  const bool labels = objective.labels() == LabelKind::kTwoClass || objective.labels() == LabelKind::kReal;
  return shape.linear() && shape.starts_at_zero && labels;
}

void check_storable(const Objective& objective) {
  if (!is_storable(objective))
    throw InputError("objective = " + objective.name() +
                     ": a block file holds samples of linear objectives with two classes or real labels");
}

void refuse_written(Stream& samples, const std::string& path) {
  const std::string_view beginning = samples.ahead(std::max(kBlockFileMagic.size(), kModelFileMagic.size()));
  if (is_model_file(beginning)) throw InputError({path}, "found a model, expected samples");
  if (is_block_file(beginning))
    throw InputError(
        {path},
        "found a block file, expected samples; sounder train takes one as its DATA, by name and not "
        "compressed");
}

BlockFile::BlockFile(const std::string& path, std::size_t memory) : path_(path), file_(map_file(path)) {
  mapping_ = {file_.data(),
              [size = file_.size()](const std::byte* begin) { munmap(const_cast<std::byte*>(begin), size); }};
  larger_ = file_.size() > memory;
  const BlockFileEnd& end = read_end();
  read_index(end);
  const std::size_t block_bytes = places_.back() / index_.size() + 1;
  stretch_ = std::max<std::size_t>(std::min(kAheadBytes, memory / 4) / block_bytes, 8);
  required_ = std::vector<std::atomic<bool>>(index_.size());
  if (larger_) advise(0, blocks(), MADV_RANDOM);
}

BlockFile::~BlockFile() = default;

void BlockFile::fail(std::string_view message) const {
  throw InputError({path_}, message);
}

const BlockFileEnd& BlockFile::read_end() {
  const std::string_view text(reinterpret_cast<const char*>(file_.data()), file_.size());
  if (!is_block_file(text)) fail("not a block file, expected one that sounder convert wrote");
  if (!text.starts_with(kBlockFileFirstLine))
    fail("found blocks of another version, expected 1: convert the samples again");
  if (text.size() < kBlockAlignment + sizeof(BlockFileEnd) ||
      (text.size() - sizeof(BlockFileEnd)) % kBlockAlignment != 0)
    fail("truncated");
  const std::string_view zeros =
      text.substr(kBlockFileFirstLine.size(), kBlockAlignment - kBlockFileFirstLine.size());
  if (zeros.find_first_not_of('\0') != zeros.npos) fail("corrupt: bytes behind the first line");
  const auto bytes = file_.last(sizeof(BlockFileEnd));
  const auto& end = *reinterpret_cast<const BlockFileEnd*>(bytes.data());
  if (checksum_of(bytes.first(bytes.size() - sizeof(end.sum))) != end.sum)
    fail("truncated or corrupt: the checksum of its end does not match");
  if (!is_sensible(end)) fail("found what no block file has, expected one that sounder convert wrote");
  shape_ = shape_of(end);
  return end;
}

void BlockFile::read_index(const BlockFileEnd& end) {
  std::span<const std::byte> room = file_.first(file_.size() - sizeof(BlockFileEnd));
  const auto take = [&]<class T>(std::uint64_t count, std::uint64_t sum, std::span<const T>& values) {
    if (count > room.size() / sizeof(T)) fail("truncated: its index does not fit");
    const auto bytes = room.last(aligned_block(count * sizeof(T)));
    if (checksum_of(bytes) != sum) fail("corrupt: the checksum of its index does not match");
    values = {reinterpret_cast<const T*>(bytes.data()), count};
    room = room.first(room.size() - bytes.size());
  };
  take(end.blocks, end.index_sum, index_);
  take(end.dimension, end.degrees_sum, degrees_);
  const Layout cell({}, 0, {}, shape_.bias, shape_.planes);
  const auto touched = static_cast<std::size_t>(std::ranges::count_if(degrees_, std::identity()));
  cell_floats_ = cell.cell_floats();
  cells_ = cell.cells() + (touched + cell.weight_floats() - 1) / cell.weight_floats();
  check_sums(room.size());
}

// That the parts make up the whole.
void BlockFile::check_sums(std::size_t blocks_end) {
  std::uint64_t rows = 0;
  std::uint64_t nonzeros = 0;
  if (blocks_end < kBlockAlignment) fail("corrupt: its blocks are not what its end says");
  places_.push_back(kBlockAlignment);
  for (std::size_t b = 0; b < index_.size(); ++b) {
    const std::uint64_t room = blocks_end - places_.back();
    if (index_[b].entries > room) fail("corrupt: a block does not fit");
    const std::size_t bytes =
        aligned_block(extent(b).bytes()) + aligned_block(index_[b].entries * sizeof(float));
    if (bytes > room) fail("corrupt: a block does not fit");
    places_.push_back(places_.back() + bytes);
    rows += index_[b].rows;
    nonzeros += index_[b].entries;
  }
  if (places_.back() != blocks_end || rows != shape_.rows || nonzeros != shape_.nonzeros || index_.empty() ||
      !all_below(degrees_, shape_.rows + 1))
    fail("corrupt: its blocks are not what its end says");
}

BlockExtent BlockFile::extent(std::size_t block) const {
  const BlockEntry& entry = index_[block];
  return {.rows = entry.rows,
          .cells = entry.cells,
          .entries = entry.entries,
          .pairs = false,
          .weighted = false,
          .wide = needs_wide(entry.cells * cell_floats_)};
}

std::span<const std::byte> BlockFile::memory(std::size_t block) const {
  return file_.subspan(places_[block], places_[block + 1] - places_[block]);
}

Layout BlockFile::layout(Held held) const {
  return Layout(degrees_, shape_.rows, {}, shape_.bias, shape_.planes, held);
}

Block BlockFile::block(std::size_t number, std::size_t memory_floats) const {
  std::byte* const begin = const_cast<std::byte*>(memory(number).data());  // which Block does not write to
  const BlockExtent extent = this->extent(number);
  Block block = BlockPieces(begin, extent).block({mapping_, begin}, extent.rows * memory_floats);
  block.set_values({mapping_, begin + aligned_block(extent.bytes())}, extent.entries);
  return block;
}

std::vector<Block> BlockFile::make_blocks(std::size_t memory) const {
  std::vector<Block> blocks;
  blocks.reserve(index_.size());
  for (std::size_t b = 0; b < index_.size(); ++b) blocks.push_back(block(b, memory));
  return blocks;
}

void BlockFile::require(std::size_t number) const {
  if (required_[number].load(std::memory_order_relaxed)) return;
  const auto fail_if = [&](bool corrupt, const char* what) {
    if (corrupt) fail(fmt::format("block {} of {} is corrupt: {}", number + 1, index_.size(), what));
  };
  fail_if(checksum_of(memory(number)) != index_[number].checksum, "its checksum does not match");
  fail_if(!is_sound(number), "found samples that do not fit into it, expected what sounder convert wrote");
  required_[number].store(true, std::memory_order_relaxed);
}

// What would be read or written outside of the block, or of the model, if it were otherwise.
bool BlockFile::is_sound(std::size_t number) const {
  const Block found = block(number, 0);
  const auto offsets = found.offsets;
  if (offsets.front() != 0 || offsets.back() != index_[number].entries) return false;
  if (!std::ranges::is_sorted(offsets)) return false;
  const auto support = found.support;
  if (std::ranges::adjacent_find(support, std::greater_equal<>()) != support.end()) return false;
  if (support.empty()) return !shape_.bias && offsets.back() == 0;
  if (!all_below(support, cells_) || (shape_.bias && support.front() != 0)) return false;
  const std::size_t end = support.size() * cell_floats_;
  const std::size_t planes = cell_floats_ - kCoordinatesOfCell;
  return all_below(found.narrow, end - planes) && all_below(found.wide, end - planes);
}

// From the first block's first page on.
std::span<std::byte> BlockFile::pages(std::size_t begin, std::size_t end) const {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  const std::size_t first = places_[begin] / page * page;
  return {const_cast<std::byte*>(file_.data()) + first, places_[end] - first};
}

void BlockFile::advise(std::size_t begin, std::size_t end, int advice) const {
  const std::span<std::byte> all = pages(begin, end);
  madvise(all.data(), all.size(), advice);
}

// Piece by piece: of a longer stretch the system reads the beginning only, as much as its own read-ahead.
void BlockFile::ask_for(std::size_t begin, std::size_t end) const {
  constexpr std::size_t kPiece = std::size_t{128} << 10;
  for (std::span<std::byte> rest = pages(begin, end); !rest.empty();) {
    const std::size_t piece = std::min(kPiece, rest.size());
    madvise(rest.data(), piece, MADV_WILLNEED);
    rest = rest.subspan(piece);
  }
}

// Of all blocks: a page fault brings in neighbours too. What is in use comes back from the page cache.
void BlockFile::unmap_all() const {
  if (larger_) advise(0, blocks(), MADV_DONTNEED);
}

void BlockFile::let_go(std::size_t& used) const {
  if (++used < stretch_) return;
  used = 0;
  unmap_all();
}

void BlockFile::read_ahead(std::span<const std::uint32_t> order, std::size_t& left) const {
  left = std::min(left, order.size());
  for (; left > 0 && order.size() - left < stretch_; --left) {
    const std::size_t next = order[order.size() - left];
    if (larger_ || !required_[next].load(std::memory_order_relaxed)) ask_for(next, next + 1);
  }
}

void BlockFile::for_each(const ParallelFor& parallel, const std::function<void(std::size_t)>& body) const {
  const std::size_t stretch = larger_ ? stretch_ : blocks();
  const auto end_of = [&](std::size_t begin) { return std::min(begin + stretch, blocks()); };
  if (larger_) ask_for(0, end_of(0));
  for (std::size_t begin = 0; begin < blocks(); begin = end_of(begin)) {
    const std::size_t end = end_of(begin);
    if (larger_ && end < blocks()) ask_for(end, end_of(end));
    parallel(end - begin, [&](std::size_t i) {
      require(begin + i);
      body(begin + i);
    });
    unmap_all();
  }
}

}  // namespace sounder
