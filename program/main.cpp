#include <fmt/format.h>

#include <exception>
#include <new>
#include <system_error>
#include <variant>

#include "io/error.h"
#include "program/commands.h"
#include "program/console.h"
#include "program/flags.h"

namespace sounder {

int run(const HelpFlags& flags, Interrupts&) {
  say(flags.text);
  return 0;
}

}  // namespace sounder

int main(int argc, char** argv) {
  using namespace sounder;
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
    complain(error.what());
    return kFailure;
  }
}
