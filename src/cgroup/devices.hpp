// Which device nodes the processes of a group may open or make: everything is denied but a list.
// v1 takes the list as text in the devices hierarchy; v2 takes a small BPF program on the group's
// directory (bpf(2), BPF_PROG_TYPE_CGROUP_DEVICE), which ends with the group.
#pragma once

#include "sys/fd.hpp"

#include <string>
#include <vector>

namespace pausa::cgroup {

struct Device {
  char type = 'c';  // 'c' or 'b'
  unsigned major = 0;
  int minor = -1;  // -1: every minor

  bool operator==(const Device&) const = default;
};

enum class DeviceControl { none, v1, bpf };

// null, zero, full, random, urandom, tty, console, ptmx and every pts: what each container has.
const std::vector<Device>& container_devices();

// What goes to devices.allow, one write each ("c 1:3 rwm").
std::string v1_rule(const Device& device);

// The v2 filter for a list, ready to be attached any number of times (to load it takes 0.3 ms, to
// attach it 0.02). An empty owner, with errno, when this kernel does not take it from us.
sys::UniqueFd load_filter(const std::vector<Device>& allowed);
// Attaches it to a v2 group, unless the group has a filter already. Throws sys::Error.
void attach_filter(int group_dir, int filter);

}  // namespace pausa::cgroup
