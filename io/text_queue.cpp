#include "io/text_queue.h"

#include <utility>

namespace sounder {
namespace {

constexpr std::size_t kAhead = 2;  // pieces for each other thread

}  // namespace

TextQueue::Worker::Worker(TextQueue& queue) : queue_(queue) {
  const Lock lock(queue.mutex_);
  ++queue.workers_;
}

TextQueue::Worker::~Worker() {
  queue_.stop();
  const Lock lock(queue_.mutex_);
  --queue_.workers_;
  if (queue_.reader_ == this) queue_.reader_ = nullptr;
}

std::unique_ptr<TextQueue::Text> TextQueue::Worker::next(std::unique_ptr<Text> used) {
  Lock lock(queue_.mutex_);
  if (used) queue_.idle_.push_back(std::move(used));
  return queue_.next(*this, lock);
}

std::unique_ptr<TextQueue::Text> TextQueue::next(const Worker& worker, Lock& lock) {
  while (true) {
    if (should_read(worker)) {
      reader_ = &worker;
      read(lock);
    } else if (!ready_.empty()) {
      std::unique_ptr<Text> text = std::move(ready_.front());
      ready_.pop_front();
      return text;
    } else if (ended_) {
      return nullptr;
    } else {
      changed_.wait(lock);
    }
  }
}

// Another thread takes over only when it would have to wait.
bool TextQueue::should_read(const Worker& worker) const {
  if (ended_ || reading_ || read_ - finished_ >= kMostPieces * workers_) return false;
  return ready_.empty() || (reader_ == &worker && ready_.size() <= kAhead * (workers_ - 1));
}

void TextQueue::read(Lock& lock) {
  std::unique_ptr<Text> text;
  if (!idle_.empty()) {
    text = std::move(idle_.back());
    idle_.pop_back();
  }
  reading_ = true;
  lock.unlock();
  if (!text) text = std::make_unique<Text>();
  bool more = false;
  try {
    more = texts_.next(text->piece);
  } catch (...) {
    text->unreadable = std::current_exception();
  }
  lock.lock();
  reading_ = false;
  ended_ = ended_ || !more;
  if (more || text->unreadable) {
    text->number = read_++;
    ready_.push_back(std::move(text));
  }
  changed_.notify_all();
}

void TextQueue::finished(std::size_t number) {
  const Lock lock(mutex_);
  finished_ = number;
  changed_.notify_all();
}

void TextQueue::stop() {
  const Lock lock(mutex_);
  ended_ = true;
  changed_.notify_all();
}

}  // namespace sounder
