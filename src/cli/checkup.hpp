// What pausa needs of this machine, each tried for real, for `doctor`.
#pragma once

#include "state/paths.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace pausa::cli {

struct Finding {
  enum class Level : std::uint8_t {
    ok,
    note,     // something optional is not there
    warning,  // a part of what a manifest may ask for will be refused
    blocked   // no pod can run
  };
  Level level = Level::ok;
  std::string subject;  // "namespace time"
  std::string text;     // what was found
  std::string fix;      // the command or the line that mends it; empty for ok
};

const char* level_name(Finding::Level level);

// Takes some milliseconds; leaves nothing behind.
std::vector<Finding> check_machine(const state::Paths& paths);

}  // namespace pausa::cli
