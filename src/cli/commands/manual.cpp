#include "cli/commands/commands.hpp"
#include "cli/help.hpp"
#include "sys/path.hpp"

#include <fcntl.h>

namespace pausa::cli {

// For the build: writes the manual pages into a folder.
int run_manual(const Arguments& arguments) {
  if (arguments.size() != 1) throw UsageError("__man is for the build of pausa: __man FOLDER");
  const auto folder = sys::make_dirs_at(AT_FDCWD, arguments[0], 0755);
  constexpr mode_t mode = 0644;
  sys::create_file_at(folder.get(), "pausa.1", manual_page(commands()), mode);
  for (const auto& command : commands())
    if (!command.hidden)
      sys::create_file_at(folder.get(), "pausa-" + std::string(command.name) + ".1",
                          manual_page(command), mode);
  return exit_ok;
}

}  // namespace pausa::cli
