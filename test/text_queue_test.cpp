#include "io/text_queue.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "test/support.h"

using namespace sounder;
using namespace sounder::test;

namespace {

// Lines of one character, four a piece, and how often they were read.
struct Source {
  explicit Source(std::size_t pieces) : text(8 * pieces, '\n') {
    for (std::size_t i = 0; i < text.size(); i += 2) text[i] = static_cast<char>('a' + i % 26);
  }
  ReadBytes read() {
    return [this](std::span<char> to) {
      ++reads;
      const std::size_t count = text.copy(to.data(), to.size(), place);
      place += count;
      return count;
    };
  }

  std::string text;
  std::size_t place = 0;
  std::atomic<std::size_t> reads = 0;
};

constexpr std::size_t kPieceBytes = 8;

}  // namespace

TEST_CASE("text queue: every piece goes to one thread, numbered in the order of the text") {
  for (const std::size_t threads : kThreadSweep) {
    CAPTURE(threads);
    Source source(200);
    TextQueue queue(source.read(), kPieceBytes);
    std::mutex mutex;
    std::map<std::size_t, std::string> found;
    std::size_t finished = 0;
    const auto work = [&] {
      TextQueue::Worker worker(queue);
      for (std::unique_ptr<TextQueue::Text> text; (text = worker.next(std::move(text)));) {
        const std::lock_guard lock(mutex);
        CHECK(found.emplace(text->number, text->piece.text()).second);
        while (found.contains(finished)) ++finished;
        queue.finished(finished);
      }
    };
    {
      std::vector<std::jthread> workers;
      for (std::size_t t = 0; t < threads; ++t) workers.emplace_back(work);
    }
    std::string whole;
    for (const auto& [number, text] : found) whole += text;
    CHECK(found.size() == 200);
    CHECK(whole == source.text);
  }
}

TEST_CASE("text queue: one thread alone reads nothing ahead") {
  Source source(10);
  TextQueue queue(source.read(), kPieceBytes);
  TextQueue::Worker worker(queue);
  std::unique_ptr<TextQueue::Text> text;
  for (std::size_t number = 0; number < 10; ++number) {
    text = worker.next(std::move(text));
    REQUIRE(text);
    queue.finished(number + 1);
    CHECK(text->number == number);
    CHECK(source.reads == number + 1);
  }
}

TEST_CASE("text queue: behind a thread that does not finish, a bounded number of pieces pile up") {
  constexpr std::size_t kMost = 2 * TextQueue::kMostPieces;
  Source source(1000);
  TextQueue queue(source.read(), kPieceBytes);
  TextQueue::Worker slow(queue);
  const std::unique_ptr<TextQueue::Text> held = slow.next(nullptr);
  std::atomic<std::size_t> taken = 1;
  std::jthread quick([&] {
    TextQueue::Worker worker(queue);
    for (std::unique_ptr<TextQueue::Text> text; (text = worker.next(std::move(text)));) {
      if (++taken > kMost) queue.finished(text->number + 1);
    }
  });
  while (taken < kMost) std::this_thread::yield();
  std::this_thread::sleep_for(std::chrono::milliseconds(20));  // in which it could go too far
  CHECK(taken == kMost);
  CHECK(source.reads == kMost);
  queue.finished(kMost);
  quick.join();
  CHECK(taken == 1000);
}

TEST_CASE("text queue: a thread that gives up ends it for those that wait") {
  Source source(1000);
  TextQueue queue(source.read(), kPieceBytes);
  std::optional<TextQueue::Worker> lost(std::in_place, queue);
  const std::unique_ptr<TextQueue::Text> held = lost->next(nullptr);
  std::size_t taken = 0;
  std::jthread other([&] {
    TextQueue::Worker worker(queue);
    for (std::unique_ptr<TextQueue::Text> text; (text = worker.next(std::move(text)));) ++taken;
  });
  lost.reset();
  other.join();
  CHECK(taken <= 2 * TextQueue::kMostPieces);
}

TEST_CASE("text queue: what reading throws comes behind the text before it, and is the end") {
  std::size_t reads = 0;
  const ReadBytes read = [&](std::span<char> to) {
    if (++reads == 3) throw InputError({"f"}, "cut short");
    std::ranges::fill(to, '\n');
    return to.size();
  };
  TextQueue queue(read, kPieceBytes);
  TextQueue::Worker worker(queue);
  for (std::size_t number = 0; number < 3; ++number) {
    const std::unique_ptr<TextQueue::Text> text = worker.next(nullptr);
    REQUIRE(text);
    CHECK((text->unreadable != nullptr) == (number == 2));
    queue.finished(number + 1);
  }
  CHECK_FALSE(worker.next(nullptr));
}
