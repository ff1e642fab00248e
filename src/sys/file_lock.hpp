// flock(2) with an end: the lock belongs to the open description, so it is free when the last
// descriptor of that is closed, whoever is killed.
#pragma once

#include <string_view>

namespace pausa::sys {

// Waits for the exclusive lock of what fd has open. Throws Error (ETIMEDOUT) when somebody has held
// it for half a minute; what: "lock the leases".
void lock_exclusively(int fd, std::string_view what);

}  // namespace pausa::sys
