// Which device nodes the processes of a group may open or make: everything is denied but a list.
// v1 takes the list as text in the devices hierarchy; v2 takes a small BPF program on the group's
// directory (bpf(2), BPF_PROG_TYPE_CGROUP_DEVICE), which ends with the group.
#pragma once

#include "cgroup/limits.hpp"

#include <string>
#include <vector>

namespace pausa::cgroup {

struct Device {
  char type = 'c';  // 'c' or 'b'
  unsigned major = 0;
  int minor = -1;  // -1: every minor
};

enum class DeviceControl { none, v1, bpf };

// null, zero, full, random, urandom, tty, console, ptmx and every pts: what each container has.
const std::vector<Device>& container_devices();

// What goes to devices.allow, one write each ("c 1:3 rwm").
std::string v1_rule(const Device& device);

// Whether this kernel takes such a program from us. Costs one bpf(2).
bool can_filter_by_bpf() noexcept;
// Attaches the filter to a v2 group, unless it has one already. Throws sys::Error.
void filter_by_bpf(int group_dir, const std::vector<Device>& allowed);

}  // namespace pausa::cgroup
