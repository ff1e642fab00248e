#include "cgroup/limits.hpp"

#include <algorithm>
#include <cmath>

namespace pausa::cgroup {
namespace {

constexpr std::int64_t period_us = 100'000;
// Below a millisecond the kernel refuses the quota (sched-bwc), so a tiny limit is 10m.
constexpr std::int64_t least_quota_us = 1'000;

std::int64_t quota_of(std::int64_t milli) {
  return std::max(least_quota_us, milli * (period_us / 1000));
}

std::string number_v2(std::int64_t value) {
  return value == no_limit ? "max" : std::to_string(value);
}

}  // namespace

const char* name_of(Controller controller) {
  switch (controller) {
    case Controller::cpu:
      return "cpu";
    case Controller::cpuacct:
      return "cpuacct";
    case Controller::memory:
      return "memory";
    case Controller::pids:
      return "pids";
    case Controller::devices:
      return "devices";
    case Controller::freezer:
      return "freezer";
  }
  return "";
}

std::int64_t shares_of(std::int64_t milli) {
  constexpr std::int64_t least = 2;
  constexpr std::int64_t most = 262'144;
  if (milli >= most * 1000 / 1024) return most;
  return std::max(least, milli * 1024 / 1000);
}

std::int64_t weight_of(std::int64_t shares) {
  // A straight line through the ends would make 1024 shares a weight of 39, below the 100 that a
  // group has by default. This is the parabola through all three points, in logarithms: with
  // x = log2(shares), log10(weight) is 0 at 1, 2 at 10 and 4 at 18.
  const double x = std::log2(static_cast<double>(std::clamp<std::int64_t>(shares, 2, 262'144)));
  const double exponent = (x - 1) * (2.0 / 9.0 + (x - 10) / 612.0);
  // The three points are exact on paper only.
  const double weight = std::ceil(std::pow(10.0, exponent) - 1e-6);
  return std::clamp<std::int64_t>(static_cast<std::int64_t>(weight), 1, 10'000);
}

std::vector<Setting> settings_v1(const Limits& limits) {
  std::vector<Setting> settings;
  if (limits.memory_bytes) {
    const std::string bytes = std::to_string(*limits.memory_bytes);
    settings.push_back({Controller::memory, "memory.limit_in_bytes", bytes});
    // Memory and swap together: what may not be used as memory is not to go to the swap instead.
    // The file is there only where the kernel counts swap (swapaccount).
    settings.push_back({Controller::memory, "memory.memsw.limit_in_bytes", bytes, true});
  }
  if (limits.cpu_shares_milli) {
    const std::string shares = std::to_string(shares_of(*limits.cpu_shares_milli));
    settings.push_back({Controller::cpu, "cpu.shares", shares});
  }
  if (limits.cpu_milli) {
    const bool none = *limits.cpu_milli == no_limit;
    settings.push_back({Controller::cpu, "cpu.cfs_period_us", std::to_string(period_us)});
    settings.push_back({Controller::cpu, "cpu.cfs_quota_us",
                        std::to_string(none ? no_limit : quota_of(*limits.cpu_milli))});
  }
  if (limits.pids) settings.push_back({Controller::pids, "pids.max", number_v2(*limits.pids)});
  return settings;
}

std::vector<Setting> settings_v2(const Limits& limits) {
  std::vector<Setting> settings;
  if (limits.memory_bytes) {
    const bool none = *limits.memory_bytes == no_limit;
    settings.push_back({Controller::memory, "memory.max", number_v2(*limits.memory_bytes)});
    settings.push_back({Controller::memory, "memory.swap.max", none ? "max" : "0", true});
  }
  if (limits.oom_ends_all) settings.push_back({Controller::memory, "memory.oom.group", "1", true});
  if (limits.cpu_shares_milli) {
    const std::int64_t weight = weight_of(shares_of(*limits.cpu_shares_milli));
    settings.push_back({Controller::cpu, "cpu.weight", std::to_string(weight)});
  }
  if (limits.cpu_milli) {
    const bool none = *limits.cpu_milli == no_limit;
    const std::string quota = none ? "max" : std::to_string(quota_of(*limits.cpu_milli));
    settings.push_back({Controller::cpu, "cpu.max", quota + " " + std::to_string(period_us)});
  }
  if (limits.pids) settings.push_back({Controller::pids, "pids.max", number_v2(*limits.pids)});
  return settings;
}

std::vector<Controller> needed_for(const Limits& limits) {
  std::vector<Controller> needed;
  if (limits.cpu_milli || limits.cpu_shares_milli) needed.push_back(Controller::cpu);
  if (limits.memory_bytes) needed.push_back(Controller::memory);
  if (limits.pids) needed.push_back(Controller::pids);
  return needed;
}

}  // namespace pausa::cgroup
