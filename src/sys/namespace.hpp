// The kernel's eight namespace kinds, and their identity: the inode of /proc/PID/ns/KIND
// (namespaces(7)). Two processes share a namespace if and only if the inodes are equal.
#pragma once

#include "sys/fd.hpp"

#include <sched.h>
#include <sys/types.h>

#include <array>
#include <cstdint>
#include <string_view>

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

namespace pausa::sys {

struct NamespaceKind {
  std::string_view name;  // as under /proc/PID/ns
  int clone_flag;
};

inline constexpr std::array<NamespaceKind, 8> namespace_kinds{{{"mnt", CLONE_NEWNS},
                                                               {"net", CLONE_NEWNET},
                                                               {"pid", CLONE_NEWPID},
                                                               {"ipc", CLONE_NEWIPC},
                                                               {"uts", CLONE_NEWUTS},
                                                               {"user", CLONE_NEWUSER},
                                                               {"cgroup", CLONE_NEWCGROUP},
                                                               {"time", CLONE_NEWTIME}}};

// Inodes in the order of namespace_kinds; 0 where the process is gone or may not be looked at.
using NamespaceInodes = std::array<std::uint64_t, namespace_kinds.size()>;
NamespaceInodes namespace_inodes(pid_t pid);

// A network namespace that nobody is in; it lives as long as it is held. It belongs to the caller's
// user namespace, and the caller stays where it is. Throws sys::Error.
UniqueFd make_network_namespace();
// The user namespace to which a namespace belongs (ioctl_ns(2)); it must be ours or below ours.
UniqueFd owner_of_namespace(int ns);

}  // namespace pausa::sys
