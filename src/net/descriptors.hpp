// How many descriptors forwarding may take. Private to the room.
#pragma once

#include <sys/resource.h>

#include <algorithm>

namespace pausa::net {

// Of all that this process may have, seven eighths: a new descriptor is the lowest free number, so
// what is left is for the rest of the supervisor.
inline int most_descriptors() {
  static const int most = [] {
    rlimit limit{};
    (void)::getrlimit(RLIMIT_NOFILE, &limit);
    const auto all = std::min<rlim_t>(limit.rlim_cur, 1U << 20U);
    return static_cast<int>(all - all / 8);
  }();
  return most;
}

}  // namespace pausa::net
