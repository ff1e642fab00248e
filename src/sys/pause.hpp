// For the few things that tell nobody when they change (a file lock, a socket that is not there
// yet): how long to wait before the next look. Whoever loops on it has a deadline.
#pragma once

#include <time.h>

namespace pausa::sys {

// Two milliseconds; less when a signal comes.
inline void pause_briefly() noexcept {
  constexpr timespec moment{0, 2'000'000};
  (void)::nanosleep(&moment, nullptr);
}

}  // namespace pausa::sys
