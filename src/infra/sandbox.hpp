// A pod's sandbox: new namespaces with pausa-infra as their first process. This is the parent's
// side; what the child does in which order stands in infra/enter.cpp.
//
// Infra gets a mount namespace of its own whose root is a read-only tmpfs of three directories:
// /proc, a procfs of the pod's PID namespace, mounted before any member exists; /root, empty, the
// place where a joiner attaches a member's file system; and /tmpfs, with one file system in memory
// for each that the members share (/dev/shm, volumes, the files of /etc). A joiner does setns(2)
// into it and unshare(CLONE_NEWNS): the copy holds nothing of the host's, costs the same however
// many mounts the host has, and its procfs can be cloned by open_tree(2) on every kernel that we
// support. (Handing out a detached procfs instead would need Linux 6.15, where open_tree clones
// detached mounts.)
//
// Nothing here is named on the host but what the caller made: the process, and its namespaces with
// it. The sandbox dies with the process. Errors are sys::Error; after one, nothing is left. All
// descriptors are borrowed. Blocks the calling thread's signals while it clones. Not for child
// zones.
#pragma once

#include "sys/fd.hpp"
#include "sys/process.hpp"

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace pausa::infra {

// What the pod's clocks show more than the host's (time_namespaces(7)). Needs CAP_SYS_ADMIN and a
// single-threaded caller.
struct TimeOffsets {
  std::chrono::nanoseconds monotonic{};
  std::chrono::nanoseconds boottime{};
};

struct SandboxRequest {
  // False: the host's (hostPID, hostNetwork, hostIPC; with a host's UTS namespace no hostname).
  // With new_pid false infra is nobody's reaper: it refuses to register members.
  bool new_pid = true;
  bool new_net = true;
  bool new_ipc = true;
  bool new_uts = true;

  // Not empty: the sandbox is in a new user namespace, and this writes the maps of the process
  // given (write_user_maps, or newuidmap). It may throw.
  std::function<void(pid_t)> map_users;
  std::optional<TimeOffsets> time_offsets;
  std::string hostname;  // empty: leave it
  std::string label;     // infra's argv[1], for people who read ps(1)

  // {"net/ipv4/ip_unprivileged_port_start", "0"}: the path under /proc/sys. Refused when the
  // namespace that it belongs to is not the sandbox's own.
  std::vector<std::pair<std::string, std::string>> sysctls;

  // File systems in memory that live as long as the pod, at /tmpfs/NAME.
  struct Tmpfs {
    std::string name;     // one path component
    std::string options;  // mount(8)'s: "size=64m,mode=1777"
    bool no_exec = true;
  };
  std::vector<Tmpfs> tmpfs;
  // Files in them: {"etc/hosts", text}.
  std::vector<std::pair<std::string, std::string>> files;

  // Borrowed: cgroup v1 `tasks` files open for writing, and a cgroup v2 directory (-1: none).
  std::vector<int> tasks_fds;
  int cgroup_fd = -1;

  // Borrowed: the program pausa-infra, listen_for_infra of client.hpp, create_table of table.hpp.
  int infra_exe_fd = -1;
  int listen_fd = -1;
  int table_fd = -1;

  std::chrono::milliseconds deadline{10'000};
};

struct Sandbox {
  sys::UniqueFd pidfd;  // our child: reap it when it dies, if we still live
  pid_t pid = 0;
  sys::ProcessId id;
  // Infra ends when this is closed, so that it cannot outlive who made it unknown to anybody;
  // let_go() lets it live, once its id is on record.
  sys::UniqueFd leash;
};
void let_go(sys::UniqueFd leash) noexcept;

// A sandbox on its way. The namespaces exist and have a pid from the start, so that the caller can
// put a network into them while infra joins its cgroups and comes up. Given up, and gone, unless
// finish() was called.
class SandboxBirth {
 public:
  // Clones, and writes the user namespace's maps.
  explicit SandboxBirth(SandboxRequest request);
  SandboxBirth(const SandboxBirth&) = delete;
  SandboxBirth& operator=(const SandboxBirth&) = delete;
  ~SandboxBirth();

  pid_t pid() const noexcept { return sandbox_.pid; }
  int pidfd() const noexcept { return sandbox_.pidfd.get(); }

  // Waits until infra serves its socket, with its privileges dropped. Once.
  Sandbox finish();

  const SandboxRequest& request() const noexcept { return request_; }

 private:
  SandboxRequest request_;
  Sandbox sandbox_;
  sys::UniqueFd reports_;
};

// One paragraph a step: what it does, by which call, and a shell command that does the same.
std::string explain(const SandboxRequest& request);

// Both steps at once, and it is let go.
Sandbox create_sandbox(const SandboxRequest& request);

// The texts of /proc/PID/uid_map and gid_map (user_namespaces(7)).
struct UserMaps {
  std::string uid_map;
  std::string gid_map;
  bool deny_setgroups = false;  // required when an unprivileged process writes gid_map
};
void write_user_maps(pid_t pid, const UserMaps& maps);

}  // namespace pausa::infra
