#include "engine/parameters.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cassert>
#include <cstring>
#include <mutex>
#include <type_traits>
#include <vector>

#include "engine/spin_lock.h"
#include "io/pages.h"
#include "objectives/quad.h"

namespace sounder {
namespace {

constexpr std::size_t kStripeCells = 64;

using Word = std::uint64_t;
using Pair = std::array<float, 2>;
using Shared = std::atomic_ref<Word>;

static_assert(Shared::is_always_lock_free && sizeof(Pair) == sizeof(Word));

Word load_word(const float* floats) {
  Word word;
  std::memcpy(&word, floats, sizeof word);
  return word;
}

// What `now` becomes when the change from `before` to `after` is added to it, float by float: `after` itself where nobody
// else changed it, without an error of rounding, as if the weights had been worked on in place.
float moved(float now, float before, float after) {
  return now == before ? after : now + (after - before);
}
Word moved(Word now, Word before, Word after) {
  const auto [n0, n1] = std::bit_cast<Pair>(now);
  const auto [b0, b1] = std::bit_cast<Pair>(before);
  const auto [a0, a1] = std::bit_cast<Pair>(after);
  return std::bit_cast<Word>(Pair{moved(n0, b0, a0), moved(n1, b1, a1)});
}
Quad moved(Quad now, Quad before, Quad after) {
  return now == before ? after : now + (after - before);
}

// `before` is what the word held at pull time: most often still right, which saves a load.
void fetch_add(Word& target, Word before, Word after) {
  const Shared word(target);
  Word now = before;
  while (!word.compare_exchange_weak(now, moved(now, before, after), std::memory_order_relaxed)) {
  }
}

void racy_add(Word& target, Word before, Word after) {
  const Shared word(target);
  word.store(moved(word.load(std::memory_order_relaxed), before, after), std::memory_order_relaxed);
}

// To two words at once, while nobody else writes them; returns what they are then.
Quad add_alone(Word* words, Quad before, Quad after) {
  using Words = Word __attribute__((vector_size(16)));
  const Shared low(words[0]);
  const Shared high(words[1]);
  const Words now = {low.load(std::memory_order_relaxed), high.load(std::memory_order_relaxed)};
  const Quad next = moved(std::bit_cast<Quad>(now), before, after);
  const auto words_next = std::bit_cast<Words>(next);
  low.store(words_next[0], std::memory_order_relaxed);
  high.store(words_next[1], std::memory_order_relaxed);
  return next;
}

// Whether another thread wrote between the load and the store, and is now lost.
bool racy_add_lost(Word& target, Word before, Word after) {
  const Shared word(target);
  const Word now = word.load(std::memory_order_relaxed);
  return word.exchange(moved(now, before, after), std::memory_order_relaxed) != now;
}

// body(words in a cell), where the most common number is a constant: what loops over them then does not loop.
template <class Body>
void with_cell_words(std::size_t cell_floats, Body&& body) {
  using Common = std::integral_constant<std::size_t, 2>;
  const std::size_t words = cell_floats / 2;
  words == Common() ? body(Common()) : body(words);
}

// Asks for wide cells some cells before it is their turn, as those of a tile lie anywhere. Narrow ones stand close together.
class Ahead {
 public:
  Ahead(const Word* array, std::size_t cell_words, std::span<const Cell> support)
      : array_(array), cell_words_(cell_words), support_(support) {}

  // Once for each cell or stripe, in order.
  void reach(std::size_t place) {
    constexpr std::size_t kCells = 8;
    if (cell_words_ < kLineWords) return;
    for (const std::size_t end = std::min(place + kCells, support_.size()); asked_ < end; ++asked_) {
      const Word* const cell = array_ + support_[asked_] * cell_words_;
      for (std::size_t word = 0; word < cell_words_; word += kLineWords) __builtin_prefetch(cell + word);
    }
  }

 private:
  static constexpr std::size_t kLineWords = kCacheLine / sizeof(Word);

  const Word* array_;
  std::size_t cell_words_;
  std::span<const Cell> support_;
  std::size_t asked_ = 0;
};

// body(stripe, begin, end) for the places in the support of each stripe's cells, in order.
template <class Body>
void for_each_stripe(std::span<const Cell> support, Body&& body) {
  const auto stripe_of = [](Cell cell) { return cell / kStripeCells; };
  for (std::size_t begin = 0, end = 0; begin < support.size(); begin = end) {
    const std::size_t stripe = stripe_of(support[begin]);
    // All of the stripe's, most often: they are in order, so two of them tell.
    const Cell last = static_cast<Cell>((stripe + 1) * kStripeCells - 1);
    const std::size_t whole = begin + (last - support[begin]) + 1;
    if (whole <= support.size() && support[whole - 1] == last) end = whole;
    while (end < support.size() && stripe_of(support[end]) == stripe) ++end;
    body(stripe, begin, end);
  }
}

// Words that changed are listed first, without a branch, and written after: which of them change is close to
// a coin toss, and a mispredicted branch costs more than the write.
template <class Write>
void push_changed(Word* array, std::size_t cell_words, std::span<const Cell> support, const float* before,
                  const float* after, Write&& write) {
  struct Change {
    std::size_t local;
    std::size_t shared;
  };
  std::array<Change, 256> changes;
  std::size_t count = 0;
  const auto flush = [&] {
    for (std::size_t c = 0; c < count; ++c) {
      const auto [local, shared] = changes[c];
      write(array[shared], load_word(before + 2 * local), load_word(after + 2 * local));
    }
    count = 0;
  };
  std::size_t local = 0;
  for (const Cell cell : support) {
    for (std::size_t word = 0; word < cell_words; ++word, ++local) {
      changes[count] = {local, cell * cell_words + word};
      count += load_word(before + 2 * local) != load_word(after + 2 * local) ? 1 : 0;
      if (count == changes.size()) flush();
    }
  }
  flush();
}

}  // namespace

// Alone on its cache line.
class alignas(kCacheLine) Parameters::Guard : public SpinLock {};

Parameters::Parameters(std::size_t cells, std::size_t cell_floats)
    : cells_(cells),
      cell_floats_(cell_floats),
      memory_(allocate_pages(floats() * sizeof(float))),
      array_(reinterpret_cast<Word*>(memory_.get())),
      guards_(std::make_unique<Guard[]>(cells / kStripeCells + 1)) {
  assert(cell_floats % 4 == 0);
}

Parameters::~Parameters() = default;

void Parameters::pull(std::span<const Cell> support, float* local) const {
  with_cell_words(cell_floats_, [&](auto cell_words) {
    Ahead ahead(array_, cell_words, support);
    float* to = local;
    for (std::size_t place = 0; place < support.size(); ++place) {
      ahead.reach(place);
      Word* words = array_ + support[place] * cell_words;
      for (std::size_t i = 0; i < cell_words; i += 2, to += 4) {
        const Word pair[] = {Shared(words[i]).load(std::memory_order_relaxed),
                             Shared(words[i + 1]).load(std::memory_order_relaxed)};
        std::memcpy(to, pair, sizeof pair);
      }
    }
  });
}

void Parameters::push(std::span<const Cell> support, const float* before, const float* after, Add add) {
  const std::size_t cell_words = cell_floats_ / 2;
  switch (add) {
    case Add::kGuarded:
      return push_guarded(support, before, after);
    case Add::kLockFree:
      return push_changed(array_, cell_words, support, before, after, fetch_add);
    case Add::kRacy:
      return push_changed(array_, cell_words, support, before, after, racy_add);
  }
}

Parameters::Losses Parameters::push_and_count(std::span<const Cell> support, const float* before,
                                              const float* after) {
  Losses losses;
  push_changed(array_, cell_floats_ / 2, support, before, after, [&](Word& target, Word from, Word to) {
    ++losses.written;
    if (racy_add_lost(target, from, to)) ++losses.lost;
  });
  return losses;
}

void Parameters::push_guarded(std::span<const Cell> support, const float* before, const float* after) {
  Ahead ahead(array_, cell_floats_ / 2, support);
  for_each_stripe(support, [&](std::size_t stripe, std::size_t begin, std::size_t end) {
    ahead.reach(end);
    const float* from = before + begin * cell_floats_;
    const float* to = after + begin * cell_floats_;
    if (std::memcmp(from, to, (end - begin) * cell_floats_ * sizeof(float)) == 0) return;
    const std::scoped_lock lock(guards_[stripe]);
    push_alone(support.subspan(begin, end - begin), from, to);
  });
}

void Parameters::exchange(std::span<const Cell> support, float* before, float* after) {
  for_each_stripe(support, [&](std::size_t stripe, std::size_t begin, std::size_t end) {
    const std::span<const Cell> part = support.subspan(begin, end - begin);
    float* from = before + begin * cell_floats_;
    float* to = after + begin * cell_floats_;
    const std::size_t bytes = part.size() * cell_floats_ * sizeof(float);
    if (std::memcmp(from, to, bytes) == 0) {
      pull(part, from);
      std::memcpy(to, from, bytes);
      return;
    }
    const std::scoped_lock lock(guards_[stripe]);
    with_cell_words(cell_floats_, [&](auto cell_words) {
      for (const Cell cell : part) {
        for (std::size_t word = 0; word < cell_words; word += 2, from += 4, to += 4) {
          const Quad now = add_alone(&array_[cell * cell_words + word], load_quad(from), load_quad(to));
          std::memcpy(from, &now, sizeof now);
          std::memcpy(to, &now, sizeof now);
        }
      }
    });
  });
}

void Parameters::push_alone(std::span<const Cell> support, const float* before, const float* after) {
  with_cell_words(cell_floats_, [&](auto cell_words) {
    const float* from = before;
    const float* to = after;
    for (const Cell cell : support) {
      for (std::size_t word = 0; word < cell_words; word += 2, from += 4, to += 4)
        add_alone(&array_[cell * cell_words + word], load_quad(from), load_quad(to));
    }
  });
}

// Words that are floats in memory: while others may write, only atomic references touch them, as words or as floats.
float* Parameters::floats_of(Cell cell) const {
  return reinterpret_cast<float*>(array_) + cell * cell_floats_;
}

void Parameters::pull_owned(std::span<const Cell> support, float* local) const {
  for (const Cell cell : support) {
    float* const floats = floats_of(cell);
    for (std::size_t i = 0; i < cell_floats_; ++i)
      *local++ = std::atomic_ref(floats[i]).load(std::memory_order_relaxed);
  }
}

void Parameters::store_owned(std::span<const Cell> support, const float* before, const float* after) {
  for (const Cell cell : support) {
    float* const floats = floats_of(cell);
    for (std::size_t i = 0; i < cell_floats_; ++i, ++before, ++after) {
      if (std::bit_cast<std::uint32_t>(*before) != std::bit_cast<std::uint32_t>(*after))
        std::atomic_ref(floats[i]).store(*after, std::memory_order_relaxed);
    }
  }
}

void Parameters::touch(std::size_t part, std::size_t parts) {
  const std::size_t bytes = floats() * sizeof(float);
  const std::size_t page = page_size(bytes);
  for (std::size_t begin = part * page; begin < bytes; begin += parts * page)
    memory_.get()[begin] = std::byte{0};
}

std::span<float> Parameters::all() {
  return {floats_of(0), floats()};
}

std::span<const float> Parameters::all() const {
  return {reinterpret_cast<const float*>(array_), floats()};
}

void Parameters::write(std::span<const float> in) {
  assert(in.size() == floats());
  if (!in.empty()) std::memcpy(array_, in.data(), floats() * sizeof(float));
}

void Parameters::scale(std::size_t first, std::size_t begin, std::size_t end, float factor) {
  const std::span<float> floats = all().subspan(first * cell_floats_);
  const std::size_t stride = cell_floats_;
  if (end - begin == stride) {
    for (float& x : floats) x *= factor;
    return;
  }
  for (std::size_t cell = 0; cell < floats.size(); cell += stride)
    for (float& x : floats.subspan(cell + begin, end - begin)) x *= factor;
}

}  // namespace sounder
