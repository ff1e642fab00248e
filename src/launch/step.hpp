// The launch of one process into a pod, as flat data: a list of steps, executed after clone by one
// interpreter (child.cpp), printed by `--explain`. All pointers lead into memory that the parent
// owns (launch/plan.hpp) and that outlives the launch.
//
// Three processes walk the list, each from where its maker stopped: the *joiner* (cloned by us) up
// to `fork`, which makes a middle process inside the pod's PID namespace; the middle one makes the
// *member* and ends, so that infra inherits it; the member goes on to `exec`.
#pragma once

#include "rootfs/mount_step.hpp"
#include "security/apply.hpp"

#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace pausa::launch {

enum class Op : std::uint8_t {
  cgroup_tasks,  // write "0" to fd, a v1 `tasks` file
  unshare,       // flags
  setns,         // fd, flags
  mount,         // one rootfs step
  userns_root,   // uid and gid 0 of the user namespace just joined
  keyring,       // a new session keyring
  oom_score,     // path: the text for /proc/self/oom_score_adj
  limits,        // resource limits and umask
  stdio,         // the plan's descriptors become 0, 1 and 2
  terminal,      // a new pty of the container's devpts becomes 0, 1 and 2; its master is reported
  close_fds,     // all but stdio, the report socket and the fork step's fd
  seccomp,
  bound_caps,   // flags: the capabilities that stay in the bounding set
  hold_caps,    // flags: those that stay permitted and effective
  fork,         // flags: CLONE_NEWPID or 0; fd: a nested PID namespace to be born in, or -1
  wait_go,      // until the parent has put the member on record
  session,      // setsid, with the terminal as controlling terminal (flags 1); signals as at birth
  working_dir,  // chdir to path
  identity,     // groups, gid, uid
  no_new_privs,
  exec  // the first of `list` that exists, with argv and envp
};

struct Step {
  Op op = Op::exec;
  int fd = -1;
  std::uint64_t flags = 0;
  const char* path = nullptr;
  const char* const* list = nullptr;
  const rootfs::MountStep* mount = nullptr;
  const char* what = nullptr;  // for people: "join the pod's network, IPC and UTS namespaces"
};

// Descriptors stand here by role, at whatever numbers (above 2) the parent has them.
struct Plan {
  const Step* steps = nullptr;
  std::size_t step_count = 0;
  int* slots = nullptr;  // for the mount steps
  int report = -1;       // CLOEXEC SEQPACKET socket: reports go out, the go byte comes in
  int stdin_fd = -1;     // -1: /dev/null of the container
  int stdout_fd = -1;
  int stderr_fd = -1;
  const char* const* argv = nullptr;
  const char* const* envp = nullptr;
  const security::Confinement* confinement = nullptr;
};
static_assert(std::is_trivially_destructible_v<Plan> && std::is_trivially_destructible_v<Step>);

// What a child says. step: the index of the step that failed, or one of the marks below.
struct Report {
  static constexpr std::int32_t member_made = -1;    // pid: as seen in the pod; a pidfd comes along
  static constexpr std::int32_t terminal_made = -2;  // the pty's master comes along
  std::int32_t step = 0;
  std::int32_t error = 0;  // errno
  std::int32_t pid = 0;
  std::int32_t detail =
      0;  // exec: 1 if the file exists, so that its interpreter is what is missing
};
static_assert(sizeof(Report) == 16);

// CHILD ZONE. Walks the plan; ends by execve or _exit.
[[noreturn]] void run_joiner(const Plan& plan) noexcept;

}  // namespace pausa::launch
