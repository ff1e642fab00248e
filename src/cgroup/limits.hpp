// What a group may use, and the words in which cgroup v1 and v2 want it. Pure: no kernel call here.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace pausa::cgroup {

enum class Controller { cpu, cpuacct, memory, pids, devices, freezer };
const char* name_of(Controller controller);

// A field that is not set is left as it is (in a new group: no limit). no_limit takes one away.
constexpr std::int64_t no_limit = -1;
struct Limits {
  std::optional<std::int64_t> memory_bytes;
  std::optional<std::int64_t> cpu_milli;         // the quota, in thousandths of a CPU
  std::optional<std::int64_t> cpu_shares_milli;  // the request, a weight against the neighbours
  std::optional<std::int64_t> pids;
  // Out of memory ends all processes of the group instead of one (v2 only: memory.oom.group). For
  // a container's group; never for a pod's, which it would end as a whole.
  bool oom_ends_all = false;
};

// One write into a file of the group.
struct Setting {
  Controller controller;
  std::string file;
  std::string value;
  bool optional = false;  // fine if the kernel has no such file
};

// In the order in which they are to be written.
std::vector<Setting> settings_v1(const Limits& limits);
std::vector<Setting> settings_v2(const Limits& limits);
// The controllers without which these limits cannot be kept.
std::vector<Controller> needed_for(const Limits& limits);

// Kubernetes' request as v1 shares: 1000m is 1024, 2 is the least the kernel takes.
std::int64_t shares_of(std::int64_t milli);
// v1 shares as v2 weight, so that 2, 1024 and 262144 are 1, 100 and 10000 (least, default, most).
std::int64_t weight_of(std::int64_t shares);

}  // namespace pausa::cgroup
