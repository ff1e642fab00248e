// The time of day, for people.
#pragma once

#include "pod/lifecycle.hpp"

#include <chrono>

namespace pausa::supervisor {

inline pod::WallTime wall_now() {
  return std::chrono::system_clock::now().time_since_epoch();
}

}  // namespace pausa::supervisor
