#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <exception>
#include <new>
#include <string_view>
#include <system_error>
#include <variant>

#include "io/error.h"
#include "program/commands.h"
#include "program/console.h"
#include "program/flags.h"

namespace sounder {
namespace {

// oneTBB starts its threads one by one, when there is work for them, and says so when the system has no more: mostly on one
// of those, where nobody can catch it.
bool wants_threads(const std::exception& error) {
  return std::string_view(error.what()).starts_with("pthread_create has failed");
}

// Several threads may come to this end at once; the first one says so and ends the process.
[[noreturn]] void end_without_threads(const std::exception& error) {
  static std::atomic<bool> begun = false;
  while (begun.exchange(true)) pause();
  complain(
      fmt::format("the system refuses another thread ({}): take fewer --threads, or raise its limits "
                  "(ulimit -u, ulimit -v)",
                  error.what()));
  std::_Exit(kUserError);
}

// For what nobody caught.
[[noreturn]] void give_up() {
  try {
    if (const std::exception_ptr error = std::current_exception()) std::rethrow_exception(error);
  } catch (const std::exception& error) {
    if (wants_threads(error)) end_without_threads(error);
    complain(error.what());
  } catch (...) {
  }
  std::abort();
}

}  // namespace

int run(const HelpFlags& flags, Interrupts&) {
  say(flags.text);
  return 0;
}

}  // namespace sounder

int main(int argc, char** argv) {
  using namespace sounder;
  std::set_terminate(give_up);
  try {
    Interrupts interrupts;
    const Flags flags = parse_flags(argc, argv);
    return std::visit([&](const auto& command) { return run(command, interrupts); }, flags);
  } catch (const InputError& error) {
    complain(error.what());
    return kUserError;
  } catch (const std::bad_alloc&) {
    complain("not enough memory");
    return kUserError;
  } catch (const std::system_error& error) {
    complain(fmt::format("the system refuses: {}", error.what()));
    return kUserError;
  } catch (const std::exception& error) {
    if (wants_threads(error)) end_without_threads(error);
    complain(error.what());
    return kFailure;
  }
}
