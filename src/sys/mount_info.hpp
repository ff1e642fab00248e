// What /proc/self/mountinfo says of a mount. Not for child zones.
#pragma once

#include <optional>
#include <string>

namespace pausa::sys {

struct MountInfo {
  std::string point;
  bool shared = false;  // mounts made below it spread to its peers
  bool slave = false;   // those of its master's spread to it
};

// The mount that an open file is reached by; nullopt when it is in another namespace.
std::optional<MountInfo> mount_of(int fd);

}  // namespace pausa::sys
