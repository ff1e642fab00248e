// The child's half of a new sandbox: from clone3 inside the new namespaces to the exec of
// pausa-infra. CHILD ZONE: takes one flat plan, allocates nothing, throws nothing; a failure leaves
// as a Report and the parent makes the sentence (infra/sandbox.hpp).
#pragma once

#include "infra/protocol.hpp"

#include <stddef.h>

#include <type_traits>

namespace pausa::infra {

struct SysctlWrite {
  const char* path;  // "proc/sys/…", relative to the new root
  const char* value;
  size_t length;
};

struct TmpfsMount {
  const char* path;     // "tmpfs/NAME", relative to the new root
  const char* options;  // mount(8)'s, for example "size=64m,mode=1777"
  bool no_exec;
};

struct FileWrite {
  const char* path;  // relative to the new root, in a tmpfs of the list
  const char* text;
  size_t length;
};

// Pointers into memory of the parent, which clone3 without CLONE_VM copied.
struct EnterPlan {
  int report;  // SEQPACKET: our reports go out, "maps written" comes in
  int exe;     // pausa-infra
  int listener;
  int table;
  const int* tasks;  // cgroup v1 `tasks` files, open for writing
  size_t tasks_count;
  const char* hostname;  // nullptr: leave it
  size_t hostname_length;
  const SysctlWrite* sysctls;
  size_t sysctls_count;
  const TmpfsMount* tmpfs;
  size_t tmpfs_count;
  const FileWrite* files;
  size_t files_count;
  const char* const* argv;
  bool new_user;
  bool new_net;
  bool new_pid;
};
static_assert(std::is_trivially_destructible_v<EnterPlan>);

[[noreturn]] void enter_sandbox_in_child(const EnterPlan& plan) noexcept;

}  // namespace pausa::infra
