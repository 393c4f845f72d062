#include "program/console.h"

#include <fmt/format.h>
#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "io/output.h"

namespace sounder {
namespace {

constexpr const char* kEraseLine = "\r\033[K";
constexpr const char* kStopped = "stopped; no file was written";

// Unlike fmt::print(), never throws, nor does SIGPIPE end the process: progress that nobody can read is no reason to end a run.
void write_error(const std::string& text) {
  constexpr timespec kNow{};
  sigset_t pipe;
  sigset_t before;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe, &before);
  std::fputs(text.c_str(), stderr);
  sigtimedwait(&pipe, nullptr, &kNow);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

// For the end of the process: waits for nobody to read it, nor for another thread that writes.
void tell_stopped() {
  const std::string text =
      fmt::format("{}sounder: {}\n", isatty(STDERR_FILENO) != 0 ? kEraseLine : "", kStopped);
  pollfd error{.fd = STDERR_FILENO, .events = POLLOUT, .revents = 0};
  if (poll(&error, 1, 0) < 1) return;
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, text.data(), text.size());
}

bool is_ignored(int signal) {
  struct sigaction action {};
  return sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

}  // namespace

// Blocked signals reach sigwait() even when they were ignored, as shells do it for background jobs.
Interrupts::Interrupts() {
  sigemptyset(&signals_);
  sigaddset(&signals_, SIGINT);
  sigaddset(&signals_, SIGTERM);
  if (!is_ignored(SIGHUP)) sigaddset(&signals_, SIGHUP);
  pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
  std::signal(SIGXFSZ, SIG_IGN);
  listener_ = std::jthread([this](const std::stop_token& ending) { listen(ending); });
}

Interrupts::~Interrupts() {
  listener_.request_stop();
  pthread_kill(listener_.native_handle(), SIGTERM);
}

void Interrupts::listen(const std::stop_token& ending) {
  for (int signal = 0; sigwait(&signals_, &signal) == 0 && !ending.stop_requested();) {
    if (signal == SIGHUP && stop_.stop_requested()) continue;
    const bool held = held_;
    if (!held) tell_stopped();
    if (!held || stop_.stop_requested()) std::_Exit(128 + signal);
    exit_code_ = 128 + signal;
    stop_.request_stop();
  }
}

ProgressLine::ProgressLine(bool quiet)
    : terminal_(!quiet && isatty(STDERR_FILENO) != 0), plain_(!quiet && !terminal_) {}

ProgressLine::~ProgressLine() {
  rewrite("");
}

void ProgressLine::rewrite(const std::string& text) {
  if (terminal_) write_error(kEraseLine + text);
}

void ProgressLine::append(const std::string& text) {
  if (plain_) write_error(text + '\n');
}

void say(std::string_view text) {
  write_file(kStandardOutput, text);
}

void say_beside(const Paths& outputs, std::string_view text) {
  if (std::ranges::find(outputs, kStandardOutput) == outputs.end()) return say(text);
  write_error(std::string(text));
}

void complain(const std::string& message) {
  write_error(fmt::format("sounder: {}\n", message));
}

int stopped(const Interrupts& interrupts) {
  complain(kStopped);
  return interrupts.exit_code();
}

}  // namespace sounder
