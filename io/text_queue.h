#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <vector>

#include "io/lines.h"

namespace sounder {

// Text that is handed out in pieces of whole lines to threads, which may be done with them in any order. One of them
// reads at a time, and it goes on, ahead of the others, until there is enough for all: what decompresses has its
// window in the cache of one core, and when cores take turns it takes three times as long.
class TextQueue {
 public:
  struct Text {
    std::size_t number = 0;  // of the piece, from 0
    LinePieces::Piece piece;
    std::exception_ptr unreadable;  // instead of text: what reading threw
  };

  TextQueue(ReadBytes read, std::size_t bytes) : texts_(std::move(read), bytes) {}

  // A thread that takes pieces, while it does so.
  class Worker {
   public:
    explicit Worker(TextQueue& queue);
    ~Worker();
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    // The next piece, or nothing when there are no more. Gives the room of one back. Waits while kMostPieces a thread
    // are out.
    std::unique_ptr<Text> next(std::unique_ptr<Text> used);

   private:
    TextQueue& queue_;
  };

  // All pieces before this number are done with. Any thread.
  void finished(std::size_t number);

  // There will be no more pieces.
  void stop();

  // So many are handed out or ready at most, for each thread, and not finished.
  static constexpr std::size_t kMostPieces = 8;

 private:
  using Lock = std::unique_lock<std::mutex>;

  std::unique_ptr<Text> next(const Worker& worker, Lock& lock);
  bool should_read(const Worker& worker) const;
  void read(Lock& lock);

  LinePieces texts_;  // of the thread that is reading

  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::deque<std::unique_ptr<Text>> ready_;
  std::vector<std::unique_ptr<Text>> idle_;
  const Worker* reader_ = nullptr;  // the last
  bool reading_ = false;
  bool ended_ = false;
  std::size_t workers_ = 0;
  std::size_t read_ = 0;
  std::size_t finished_ = 0;
};

}  // namespace sounder
