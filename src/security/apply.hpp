// The steps by which a process gives up what it must not keep, one function a step, so that the
// launch can call them in its own order and report which one failed. CHILD ZONE: they run between
// clone and exec, on plain data that the parent laid out; no allocation, no exception, no glibc
// call that trusts a cached thread id or signals other threads (glibc's setuid family does).
//
// Every step returns false with errno set when it could not be done, and that is fatal: a member
// that is less confined than its manifest says must not run. What is fine to go without says so.
//
// The order, and why:
//
//   joiner, on the host's side of the PID namespace
//     new_session_keyring   before anything could look into the old one
//     set_oom_score_adj     while the host's procfs is reachable
//     set_rlimits           raising needs CAP_SYS_RESOURCE
//     set_umask
//     load_filter           here if no_new_privs is off: seccomp(2) then wants CAP_SYS_ADMIN
//     bound_caps(bounding)  wants CAP_SETPCAP
//     hold_caps(bounding | needed_by_set_ids)
//   member, visible in the pod
//     set_ids               wants CAP_SETGID, CAP_SETUID; empties the sets of a non-root uid
//     hold_caps(effective)
//     set_no_new_privs
//     load_filter           here if no_new_privs is on: the later, the fewer calls it must allow
//     execve
//
// A filter that is loaded early must allow the calls that are still to come: refused_after_filter()
// in security/seccomp.hpp checks this beforehand. At exec the kernel sets permitted and effective
// of a root process to inheritable | bounding and those of any other uid to nothing, so the sets
// stay as applied (capabilities(7), "Transformation of capabilities during execve()").
#pragma once

#include <linux/capability.h>
#include <linux/filter.h>
#include <sys/resource.h>
#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace pausa::security {

struct Rlimit {
  int resource;  // RLIMIT_*
  std::uint64_t soft;
  std::uint64_t hard;
};

// All pointers lead into memory that the parent owns and keeps until the exec.
struct Confinement {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  const std::uint32_t* groups = nullptr;  // complete, with gid first
  std::size_t group_count = 0;
  bool keep_groups = false;  // the user namespace denies setgroups(2): single-id rootless maps

  std::uint64_t bounding = 0;   // security::CapSet bits
  std::uint64_t effective = 0;  // equal to bounding for uid 0, zero for any other
  bool no_new_privs = false;

  const sock_filter* filter = nullptr;  // null: unconfined
  std::size_t filter_length = 0;
  unsigned filter_flags = 0;  // SECCOMP_FILTER_FLAG_*

  mode_t umask = 022;
  const Rlimit* rlimits = nullptr;
  std::size_t rlimit_count = 0;
  const char* oom_score_adj = nullptr;  // decimal text; null: as inherited
};
static_assert(std::is_trivially_destructible_v<Confinement>);
static_assert(std::is_trivially_copyable_v<Confinement>);

// What set_ids needs beyond the container's own set; gone again with the next hold_caps.
inline constexpr std::uint64_t needed_by_set_ids =
    std::uint64_t{1} << CAP_SETUID | std::uint64_t{1} << CAP_SETGID;

// An empty session keyring of the process's own (keyrings(7)). Without keyrings, or beyond the
// user's key quota, the caller's ring is not replaced and the step still counts as done: the
// filter denies keyctl(2) to the container anyway.
bool new_session_keyring() noexcept;

// Writes the text to /proc/self/oom_score_adj. EACCES means that lowering needs
// CAP_SYS_RESOURCE: whether that matters is the caller's decision.
bool set_oom_score_adj(const char* text) noexcept;

// A hard limit above the inherited one needs CAP_SYS_RESOURCE; without it the request is clamped
// to what is inherited.
bool set_rlimits(const Confinement& confinement) noexcept;

void set_umask(mode_t mask) noexcept;

// Takes everything out of the bounding set that is not in keep, up to the kernel's last one.
bool bound_caps(std::uint64_t keep) noexcept;

// Sets permitted and effective to the part of set that is permitted now, inheritable and ambient
// to nothing.
bool hold_caps(std::uint64_t set) noexcept;

// setgroups, then setresgid, then setresuid, each for good.
bool set_ids(const Confinement& confinement) noexcept;

bool set_no_new_privs() noexcept;

// Does nothing when there is no filter.
bool load_filter(const Confinement& confinement) noexcept;

}  // namespace pausa::security
