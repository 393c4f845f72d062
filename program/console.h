#pragma once

#include <atomic>
#include <csignal>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>

#include "program/flags.h"

namespace sounder {

// Ctrl-C (SIGINT), SIGTERM and SIGHUP, turned into a stop token.
//
// Construct one in the main thread before there is any other: the signals are blocked in the threads started
// from then on, and a thread of its own waits for them. The process ends at once when a signal arrives that
// nobody holds, and at the second one, unless that is SIGHUP: a terminal that goes away may send several. A SIGHUP
// that is ignored from the beginning, as nohup has it, stays so. SIGXFSZ is ignored: a file that grows beyond the limit
// of the shell fails to be written, as on a full disk.
class Interrupts {
 public:
  // While one lives, a first signal only requests a stop.
  class Hold {
   public:
    explicit Hold(Interrupts& interrupts) : held_(interrupts.held_) { held_ = true; }
    ~Hold() { held_ = false; }
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;

   private:
    std::atomic<bool>& held_;
  };

  Interrupts();
  ~Interrupts();
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;

  std::stop_token token() const { return stop_.get_token(); }
  bool requested() const { return stop_.stop_requested(); }
  // As a shell reports it: 128 + the signal that requested the stop; 0 when none did.
  int exit_code() const { return exit_code_; }

 private:
  void listen(const std::stop_token& ending);

  sigset_t signals_;
  std::stop_source stop_;
  std::atomic<bool> held_ = false;
  std::atomic<int> exit_code_ = 0;
  std::jthread listener_;
};

// Progress on standard error: one line that is rewritten in place on a terminal, whole lines elsewhere,
// nothing when quiet. Not thread-safe.
class ProgressLine {
 public:
  explicit ProgressLine(bool quiet);
  ~ProgressLine();
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  // Only on a terminal: replaces what the line says.
  void rewrite(const std::string& text);
  // Only elsewhere: a line of its own.
  void append(const std::string& text);

 private:
  bool terminal_;
  bool plain_;
};

// Standard output; throws InputError when it cannot be written.
void say(std::string_view text);

// The same, but standard error where one of the `outputs` of the command takes standard output.
void say_beside(const Paths& outputs, std::string_view text);

// A line "sounder: message" on standard error.
void complain(const std::string& message);

// Thrown by what a signal stops in its midst.
struct Interrupted {};

// Says that the command was stopped with nothing to show for it. Returns its exit code.
int stopped(const Interrupts& interrupts);

}  // namespace sounder
