// What a container must not see or change under /proc and /sys, though it is mounted there. The
// list is the union of what Docker, Podman, the kubelet and systemd-nspawn hide. A path that the
// kernel does not have is skipped. Values only; anyone may use them.
#pragma once

#include <string_view>

namespace pausa::security {

// Covered: a directory by an empty read-only one, a file by the null device.
inline constexpr std::string_view masked_paths[] = {
    "/proc/acpi",        "/proc/asound",
    "/proc/interrupts",  // timing of the host's keyboard and of other tenants
    "/proc/kallsyms",    "/proc/kcore",
    "/proc/keys",        "/proc/latency_stats",
    "/proc/sched_debug", "/proc/scsi",
    "/proc/timer_list",  "/proc/timer_stats",
    "/sys/dev/block",    "/sys/devices/virtual/powercap",
    "/sys/firmware",     "/sys/fs/selinux",
};

// Covered too, for every processor N that the host has.
inline constexpr std::string_view masked_cpu_prefix = "/sys/devices/system/cpu/cpu";
inline constexpr std::string_view masked_cpu_suffix = "/thermal_throttle";

// Bound over themselves and made read-only.
inline constexpr std::string_view read_only_paths[] = {
    "/proc/apm", "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger",
};

}  // namespace pausa::security
