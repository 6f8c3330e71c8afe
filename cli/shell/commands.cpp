#include "cli/shell/commands.hpp"

namespace carafe::shell {

std::vector<command> all_commands() {
#define CARAFE_SHELL_CALL(name) name##_command(),
  return {CARAFE_SHELL_COMMANDS(CARAFE_SHELL_CALL)};
#undef CARAFE_SHELL_CALL
}

} // namespace carafe::shell
