#include "state/paths.hpp"

#include <unistd.h>

#include <cstdlib>

namespace pausa::state {
namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

// Relative roots would change their meaning with the working directory of each command.
std::string absolute(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  if (path.empty() || path.front() == '/') return path;
  char* cwd = ::getcwd(nullptr, 0);
  std::string full = std::string(cwd != nullptr ? cwd : "") + "/" + path;
  std::free(cwd);
  return full;
}

}  // namespace

Paths Paths::from_environment() {
  Paths paths;
  paths.root = absolute(environment("PAUSA_ROOT"));
  paths.run_root = absolute(environment("PAUSA_RUNROOT"));
  const bool root = ::geteuid() == 0;
  if (paths.root.empty()) {
    const std::string data = environment("XDG_DATA_HOME");
    paths.root = root            ? "/var/lib/pausa"
                 : !data.empty() ? data + "/pausa"
                                 : environment("HOME") + "/.local/share/pausa";
  }
  if (paths.run_root.empty()) {
    const std::string runtime = environment("XDG_RUNTIME_DIR");
    paths.run_root = root               ? "/run/pausa"
                     : !runtime.empty() ? runtime + "/pausa"
                                        : "/tmp/pausa-" + std::to_string(::geteuid());
  }
  return paths;
}

}  // namespace pausa::state
