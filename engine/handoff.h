#pragma once

#if defined(__SANITIZE_THREAD__)
#include <sanitizer/tsan_interface.h>
#endif

namespace sounder {

// oneTBB orders what a body did before what the bodies after it do, but the library is not built with
// ThreadSanitizer, which therefore cannot see that order. Bodies say it again here: one acquires on entry
// what those that have ended released. Bodies that overlap stay unordered, so races between them are still
// found. Costs nothing in other builds.
class Handoff {
 public:
  void acquire() {
#if defined(__SANITIZE_THREAD__)
    __tsan_acquire(this);
#endif
  }
  void release() {
#if defined(__SANITIZE_THREAD__)
    __tsan_release(this);
#endif
  }
};

// Acquires on construction and releases at the end of the scope.
class InOrder {
 public:
  explicit InOrder(Handoff& handoff) : handoff_(handoff) { handoff_.acquire(); }
  ~InOrder() { handoff_.release(); }
  InOrder(const InOrder&) = delete;
  InOrder& operator=(const InOrder&) = delete;

 private:
  Handoff& handoff_;
};

// The other side: releases on construction and acquires at the end of the scope. For whoever starts bodies
// and waits for them.
class Started {
 public:
  explicit Started(Handoff& handoff) : handoff_(handoff) { handoff_.release(); }
  ~Started() { handoff_.acquire(); }
  Started(const Started&) = delete;
  Started& operator=(const Started&) = delete;

 private:
  Handoff& handoff_;
};

}  // namespace sounder
