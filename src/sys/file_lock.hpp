// flock(2) with an end: the lock belongs to the open description, so it is free when the last
// descriptor of that is closed, whoever is killed.
#pragma once

#include "sys/fd.hpp"

#include <string>
#include <string_view>

namespace pausa::sys {

// Waits for the exclusive lock of what fd has open. Throws Error (ETIMEDOUT) when somebody has held
// it for half a minute; what: "lock the leases".
void lock_exclusively(int fd, std::string_view what);

// The same for the file `name` in a folder, both made where they are missing. Who has the lock may
// remove the folder. Held until the descriptor is closed.
UniqueFd lock_in_folder(const std::string& folder, const std::string& name, std::string_view what);

}  // namespace pausa::sys
