// What pausa-infra gives up before it serves anybody: its capabilities for good, and every system
// call but the few of its loop. Part of the freestanding binary.
#pragma once

#include "infra/bare.hpp"

#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/prctl.h>
#include <linux/seccomp.h>

namespace pausa::infra {

// 0 or -errno. The bounding set goes as far as we may shrink it (that needs CAP_SETPCAP); an empty
// permitted set and no_new_privs are what counts.
inline long drop_privileges() noexcept {
  (void)bare::call(SYS_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  for (int capability = 0; capability < 64; ++capability)
    if (bare::call(SYS_prctl, PR_CAPBSET_DROP, capability, 0, 0, 0) == -EINVAL) break;
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  const __user_cap_data_struct none[2] = {};
  if (const long rc = bare::call(SYS_capset, &header, none); rc < 0) return rc;
  return bare::call(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

// kill(2) is not in the list: it is allowed with signal 0 only, to ask whether a process exists.
constexpr uint32_t allowed_calls[] = {SYS_epoll_pwait,   SYS_waitid,     SYS_recvmsg,
                                      SYS_sendmsg,       SYS_accept4,    SYS_read,
                                      SYS_clock_gettime, SYS_close,      SYS_epoll_ctl,
                                      SYS_getsockopt,    SYS_exit_group, SYS_restart_syscall};
constexpr uint32_t allowed_count = sizeof allowed_calls / sizeof *allowed_calls;

#if defined(__x86_64__)
constexpr uint32_t audit_arch = AUDIT_ARCH_X86_64;
#else
constexpr uint32_t audit_arch = AUDIT_ARCH_AARCH64;
#endif

struct Filter {
  static constexpr uint32_t length = 4 + allowed_count + 5;
  sock_filter code[length];
};

constexpr Filter make_filter() noexcept {
  constexpr uint16_t load = BPF_LD | BPF_W | BPF_ABS;
  constexpr uint16_t jump_equal = BPF_JMP | BPF_JEQ | BPF_K;
  constexpr uint16_t give = BPF_RET | BPF_K;
  constexpr uint32_t allow_at = Filter::length - 2;
  constexpr uint32_t refuse_at = Filter::length - 1;
  Filter filter{};
  uint32_t at = 0;
  const auto put = [&](uint16_t code, uint32_t k, uint32_t if_true, uint32_t if_false) {
    // Jump targets count from the next instruction.
    const auto relative = [&](uint32_t to) {
      return static_cast<uint8_t>(to == 0 ? 0 : to - at - 1);
    };
    filter.code[at] = {code, relative(if_true), relative(if_false), k};
    ++at;
  };
  put(load, offsetof(seccomp_data, arch), 0, 0);
  put(jump_equal, audit_arch, 0, refuse_at);
  put(load, offsetof(seccomp_data, nr), 0, 0);
  for (const uint32_t number : allowed_calls) put(jump_equal, number, allow_at, 0);
  put(jump_equal, SYS_kill, 0, refuse_at);
  put(load, offsetof(seccomp_data, args) + sizeof(uint64_t), 0, 0);  // low half: little-endian
  put(jump_equal, 0, allow_at, refuse_at);
  put(give, SECCOMP_RET_KILL_PROCESS, 0, 0);
  put(give, SECCOMP_RET_ALLOW, 0, 0);
  put(give, SECCOMP_RET_KILL_PROCESS, 0, 0);
  return filter;
}

inline constexpr Filter seccomp_filter = make_filter();

inline long confine_calls() noexcept {
  const sock_fprog program{Filter::length, const_cast<sock_filter*>(seccomp_filter.code)};
  return bare::call(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
}

}  // namespace pausa::infra
