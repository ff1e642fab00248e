// The processes below a group's directory, for trees that cannot say or kill by themselves.
// For this room only.
#pragma once

#include "cgroup/group.hpp"

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace pausa::cgroup {

// A file of a group; nullopt if the file or the whole group is gone (ENODEV after the open).
std::optional<std::string> read_group_file(int dir, const std::string& file);

std::vector<pid_t> processes_below(int dir);
// SIGKILL through pidfds, until a look finds nobody new. Nobody outside the group is ever hit: a
// pidfd is used only if the group still lists its number after it was opened.
void kill_below(int dir);
// Waits for the deaths of those below, one after the other.
bool wait_for_deaths(int dir, Deadline deadline);
// Directories below, the deepest last; relative to dir.
std::vector<std::string> groups_below(int dir);
// Milliseconds for poll(2), rounded up, at least 0.
int milliseconds_until(Deadline deadline);

}  // namespace pausa::cgroup
