#include "engine/blocks.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>
#include <set>
#include <utility>
#include <vector>

#include "engine/arena.h"
#include "engine/borrowed_blocks.h"
#include "io/pages.h"
#include "io/random.h"
#include "test/support.h"

using namespace sounder;
using namespace sounder::test;

namespace {

std::vector<Block> blocks_of(const Dataset& data, const Layout& layout, std::size_t block_rows,
                             std::uint64_t seed = 1, std::size_t threads = 2) {
  Arena arena(with_threads(threads));
  return make_blocks(BlockMaker(data, layout, 0), deal_rows(data, Grouping::kRandom, block_rows, seed),
                     arena);
}

// Rows of 0 to 9 random coordinates, whose labels are their numbers.
Dataset random_rows(std::size_t rows, std::size_t dimension, bool weighted) {
  Random random(rows + dimension);
  std::vector<std::vector<Coordinate>> supports(rows);
  std::vector<float> weights;
  for (auto& support : supports) {
    std::set<Coordinate> drawn;
    for (std::uint64_t k = random.below(10); k > 0; --k)
      drawn.insert(static_cast<Coordinate>(random.below(dimension)));
    support.assign(drawn.begin(), drawn.end());
    if (weighted) weights.push_back(static_cast<float>(random.below(5)));
  }
  return numbered_rows(dimension, supports, weights);
}

// The same in memory that it may give up.
Dataset adopted(const Dataset& data) {
  const auto copy = [](auto numbers) {
    const auto bytes = std::as_bytes(numbers);
    std::shared_ptr<std::byte> memory = allocate_pages(bytes.size());
    std::ranges::copy(bytes, memory.get());
    return memory;
  };
  return Dataset::adopt(data.dimension(), {data.offsets().begin(), data.offsets().end()},
                        copy(data.indices()), copy(data.values()),
                        {data.labels().begin(), data.labels().end()})
      .with_weights({data.weights().begin(), data.weights().end()});
}

std::size_t position(const Block& block, std::size_t k) {
  return block.wide.empty() ? block.narrow[k] : block.wide[k];
}

// Row `i` of the block is row `row` of the data, with positions that lead to its coordinates.
void check_row(const Block& block, std::size_t i, const Row& row, const Layout& layout) {
  const std::size_t begin = block.offsets[i] - block.offsets[0];
  REQUIRE(block.offsets[i + 1] - block.offsets[i] == row.values.size());
  const double norm = std::inner_product(row.values.begin(), row.values.end(), row.values.begin(), 0.0);
  CHECK(block.samples().squared_norm(i) == doctest::Approx(norm));
  for (std::size_t k = 0; k < row.values.size(); ++k) {
    CHECK(block.values[begin + k] == row.values[k]);
    const std::size_t place = position(block, begin + k);
    CHECK(block.support[place / layout.cell_floats()] == layout.cell(row.support[k]));
    CHECK(place % layout.cell_floats() == layout.offset(row.support[k]));
  }
}

void check_blocks(const Dataset& data, const Layout& layout, const std::vector<Block>& blocks,
                  Support support = Support::kTouched) {
  std::vector<int> seen(data.rows());
  for (const Block& block : blocks) {
    std::set<Cell> touched;
    if (layout.common() > 0) touched.insert(0);
    for (std::size_t i = 0; i < block.rows(); ++i) {
      const auto number = static_cast<std::size_t>(block.labels[i]);
      const Row row = data.row(number);
      ++seen[number];
      check_row(block, i, row, layout);
      CHECK(block.samples().weight(i) == row.weight);
      for (const Coordinate c : row.support) touched.insert(layout.cell(c));
    }
    CHECK(std::ranges::includes(block.support, touched));
    CHECK(block.support.size() == (support == Support::kAll ? layout.cells() : touched.size()));
    CHECK(block.nonzeros() == block.values.size());
  }
  CHECK(std::ranges::count(seen, 1) == static_cast<std::ptrdiff_t>(data.rows()));
}

bool same(const Block& a, const Block& b) {
  const auto equal = [](const auto& x, const auto& y) { return std::ranges::equal(x, y); };
  return equal(a.support, b.support) && equal(a.offsets, b.offsets) && equal(a.narrow, b.narrow) &&
         equal(a.wide, b.wide) && equal(a.values, b.values) && equal(a.labels, b.labels) &&
         equal(a.weights, b.weights) && equal(a.squared_norms, b.squared_norms);
}

}  // namespace

TEST_CASE("blocks: every row is in one block, with its values, label, weight and coordinates") {
  for (const std::size_t block_rows : {1, 7, 100, 101}) {
    for (const std::size_t width : {1, 3}) {
      for (const bool flag : {false, true}) {
        CAPTURE(block_rows);
        CAPTURE(width);
        CAPTURE(flag);
        const Dataset data = random_rows(100, 50, flag);
        const Layout layout(data, {.width = width}, flag);
        const std::vector<Block> blocks = blocks_of(data, layout, block_rows);
        CHECK(blocks.size() == (100 + block_rows - 1) / block_rows);
        check_blocks(data, layout, blocks);
      }
    }
  }
}

TEST_CASE("blocks: supports with wide gaps") {
  const Dataset data = numbered_rows(300'000, {{0, 299'999}, {150'000}, {}, {5, 70'000, 299'999}});
  const Layout layout(data, {}, true);
  for (const std::size_t block_rows : {1, 2, 4})
    check_blocks(data, layout, blocks_of(data, layout, block_rows));
}

TEST_CASE("blocks: values take the place of indices that nobody else looks at") {
  const Dataset data = random_rows(500, 60, false);
  const Layout layout(data, {}, false);
  for (const std::size_t threads : kThreadSweep)
    for (const bool shared : {false, true}) {
      CAPTURE(threads);
      CAPTURE(shared);
      Dataset copy = adopted(data);
      const auto* const indices = reinterpret_cast<const std::byte*>(copy.indices().data());
      const Dataset other = shared ? copy : Dataset();
      Arena arena(with_threads(threads));
      const Deal deal = deal_rows(copy, Grouping::kRandom, 64, 1);
      const std::vector<Block> blocks = make_blocks(BlockMaker(std::move(copy), layout, 0), deal, arena);
      CHECK((blocks[0].value_bytes.get() == indices) == !shared);
      if (shared) CHECK(std::ranges::equal(other.indices(), data.indices()));
      check_blocks(data, layout, blocks);
    }
}

TEST_CASE("blocks: of pairs they keep nothing of the data") {
  const Dataset data = numbered_rows(9, {{0, 5}, {1, 6}, {2, 7}, {3, 8}, {0, 8}});
  const Layout layout(data, {}, false);
  const auto bytes = std::as_bytes(data.indices());
  bool kept = true;
  std::shared_ptr<std::byte> indices(new std::byte[bytes.size()], [&](const std::byte* memory) {
    kept = false;
    delete[] memory;
  });
  std::ranges::copy(bytes, indices.get());
  Dataset adopts = Dataset::adopt(9, {data.offsets().begin(), data.offsets().end()}, std::move(indices),
                                  allocate_pages(data.values().size_bytes()), std::vector<float>(5, 1));
  Arena arena(with_threads(2));
  const Deal deal = deal_rows(adopts, Grouping::kRandom, 2, 1);
  const std::vector<Block> blocks = make_blocks(BlockMaker(std::move(adopts), layout, 0, true), deal, arena);
  CHECK(!kept);
  for (const Block& block : blocks) CHECK(block.nonzeros() == 2 * block.rows());
}

TEST_CASE("blocks: data as it lies has its rows in order, its own numbers, and all cells as support") {
  const Layout layout = Layout::of_data(50, {});
  CHECK(!layout.ranked());
  for (const bool weighted : {false, true})
    for (const std::size_t block_rows : {7, 100, 101, 200}) {
      CAPTURE(weighted);
      CAPTURE(block_rows);
      const Dataset data = random_rows(101, 50, weighted);
      const std::vector<Block> blocks = borrow_blocks(data, layout, block_rows);
      CHECK(blocks.size() == (101 + block_rows - 1) / block_rows);
      check_blocks(data, layout, blocks, Support::kAll);
      std::uint64_t nonzeros = 0;
      for (const Block& block : blocks) {
        nonzeros += block.nonzeros();
      }
      CHECK(nonzeros == data.nonzeros());
      CHECK(blocks[0].values.data() == data.values().data());
    }
}

TEST_CASE("blocks: all cells as support, whatever the rows touch") {
  for (const bool flag : {false, true})
    for (const std::size_t width : {1, 3}) {
      CAPTURE(flag);
      CAPTURE(width);
      const Dataset data = random_rows(100, 50, flag);
      const Layout layout(data, {.width = width}, flag);
      Arena arena(with_threads(2));
      const std::vector<Block> blocks = make_blocks(BlockMaker(data, layout, 2, false, Support::kAll),
                                                    deal_rows(data, Grouping::kRandom, 7, 1), arena);
      check_blocks(data, layout, blocks, Support::kAll);
      for (const Block& block : blocks) {
        CHECK(block.memory.size() == 2 * block.rows());
      }
    }
}

TEST_CASE(
    "blocks: rows in their order need positions only, in the place of indices that nobody else looks at") {
  for (const std::size_t width : {1, 3})
    for (const bool shared : {false, true})
      for (const std::size_t threads : kThreadSweep) {
        CAPTURE(width);
        CAPTURE(shared);
        const Dataset data = random_rows(500, 60, threads % 2 == 0);
        CAPTURE(threads);
        const Layout layout(data, {.width = width}, true);
        Dataset copy = adopted(data);
        const auto* const begin = reinterpret_cast<const std::byte*>(copy.indices().data());
        const auto* const end = begin + copy.indices().size_bytes();
        const Dataset other = shared ? copy : Dataset();
        Arena arena(with_threads(threads));
        const std::vector<Block> blocks = narrow_blocks(std::move(copy), layout, 2, 64, arena);
        CHECK(blocks.size() == 8);
        check_blocks(data, layout, blocks, Support::kAll);
        float label = 0;
        for (const Block& block : blocks) {
          CHECK(block.memory.size() == 2 * block.rows());
          for (const float number : block.labels) CHECK(number == label++);
          const auto* const positions = reinterpret_cast<const std::byte*>(block.narrow.data());
          CHECK((positions >= begin && positions < end) == !shared);
        }
        if (shared) CHECK(std::ranges::equal(other.indices(), data.indices()));
      }
}

TEST_CASE("blocks: no position is written over an index that another thread has still to read") {
  constexpr std::size_t kRows = 400;
  for (const bool growing : {false, true}) {  // the last stretch as long as many before it, or the first
    std::vector<std::vector<Coordinate>> rows(kRows);
    for (std::size_t i = 0; i < kRows; ++i) {
      const std::size_t length = growing ? i : kRows - i;
      for (std::size_t k = 0; k < length; ++k) rows[i].push_back(static_cast<Coordinate>((i * 7) % 50 + k));
    }
    const Dataset data = numbered_rows(kRows + 50, rows);
    const Layout layout(data, {}, false);
    for (const std::size_t threads : kThreadSweep) {
      CAPTURE(growing);
      CAPTURE(threads);
      Arena arena(with_threads(threads));
      check_blocks(data, layout, narrow_blocks(adopted(data), layout, 0, 16, arena), Support::kAll);
    }
  }
}

TEST_CASE("blocks: rows without non-zeros") {
  const Dataset data = numbered_rows(4, {{}, {}, {}});
  for (const bool bias : {false, true}) {
    const Layout layout(data, {}, bias);
    const std::vector<Block> blocks = blocks_of(data, layout, 2);
    check_blocks(data, layout, blocks);
    for (const Block& block : blocks) CHECK(block.nonzeros() == 0);
  }
}

TEST_CASE("blocks: positions are 16-bit up to a local array of 2^16 floats") {
  for (const std::size_t columns : {65535, 65536, 65537}) {
    CAPTURE(columns);
    std::vector<Coordinate> all(columns);
    std::iota(all.begin(), all.end(), 0U);
    const Dataset data = numbered_rows(columns, {all});
    const Layout layout(data, {}, false);
    const std::vector<Block> blocks = blocks_of(data, layout, 1);
    CHECK(blocks[0].narrow.empty() == (columns > 65536));
    CHECK(blocks[0].wide.empty() == (columns <= 65536));
    check_row(blocks[0], 0, data.row(0), layout);
  }
}

TEST_CASE("blocks: the seed decides, not the threads") {
  const Dataset data = random_rows(500, 200, true);
  const Layout layout(data, {}, true);
  const std::vector<Block> expected = blocks_of(data, layout, 13, 5, 1);
  for (const std::size_t threads : kThreadSweep) {
    CAPTURE(threads);
    CHECK(std::ranges::equal(blocks_of(data, layout, 13, 5, threads), expected, same));
  }
  CHECK(!std::ranges::equal(blocks_of(data, layout, 13, 6, 1), expected, same));
}

TEST_CASE("blocks: rows sorted by class are spread") {
  const Dataset sorted = random_rows(1000, 20, false);
  for (const Block& block : blocks_of(sorted, Layout(sorted, {}, false), 50)) {
    const auto low = std::ranges::count_if(block.labels, [](float label) { return label < 500; });
    CHECK((low > 5 && low < 45));
  }
}

TEST_CASE("blocks: rows keep memory where the rule wants it, and their order in the block") {
  const Dataset data = random_rows(30, 50, false);
  const Layout layout(data, {}, false);
  const std::vector<std::uint32_t> rows{7, 3, 20};
  Block block = BlockMaker(data, layout, 2).make(rows);
  CHECK(std::ranges::equal(block.labels, std::vector<float>{7, 3, 20}));
  REQUIRE(block.samples().memory != nullptr);
  CHECK(block.memory == std::vector<float>(6, 0));
  Block without = BlockMaker(data, layout, 0).make(rows);
  CHECK(without.samples().memory == nullptr);
}

TEST_CASE("blocks: a part of the samples is these samples") {
  for (const bool pairs : {false, true}) {
    CAPTURE(pairs);
    const Dataset data =
        pairs ? numbered_rows(9, {{0, 5}, {1, 6}, {2, 7}, {3, 8}, {0, 8}}) : random_rows(5, 50, true);
    const Layout layout(data, {}, false);
    Block block = BlockMaker(data, layout, 1, pairs).make(std::vector<std::uint32_t>{4, 2, 0, 1, 3});
    const Samples all = block.samples();
    const Samples part = all.part(1, 3);
    CHECK(part.rows() == 3);
    CHECK(part.memory == all.memory + 1);
    std::vector<std::vector<std::size_t>> expected;
    const auto collect = [](std::vector<std::vector<std::size_t>>& into) {
      return [&into](std::size_t, const auto& support) { into.emplace_back(support.begin(), support.end()); };
    };
    std::vector<std::vector<std::size_t>> found;
    for_each_support(all, collect(expected));
    for_each_support(part, collect(found));
    REQUIRE(found.size() == 3);
    for (std::size_t i = 0; i < 3; ++i) {
      CHECK(found[i] == expected[i + 1]);
      CHECK(part.labels[i] == all.labels[i + 1]);
      CHECK(part.weight(i) == all.weight(i + 1));
    }
  }
}
