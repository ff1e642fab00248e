// The system calls that a program of ours keeps which reads what others have written: a seccomp
// filter of an allow-list. Needs no_new_privs. Allocates and throws nothing.
#pragma once

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>

namespace pausa::sys {

#if defined(__x86_64__)
inline constexpr std::uint32_t native_audit_arch = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
inline constexpr std::uint32_t native_audit_arch = AUDIT_ARCH_AARCH64;
#else
#error "an architecture that is not known here"
#endif

// Another call fails with this errno, one of another architecture ends the process. 0, or -1 with
// errno.
template <std::size_t count>
int allow_only(const std::array<int, count>& calls, std::uint32_t refusal) noexcept {
  static_assert(count < 255, "a jump goes over 255 instructions at most");
  std::array<sock_filter, count + 6> code{};
  std::size_t at = 0;
  const auto put = [&](unsigned operation, std::uint32_t k, std::size_t yes, std::size_t no) {
    code[at++] = {static_cast<std::uint16_t>(operation), static_cast<std::uint8_t>(yes),
                  static_cast<std::uint8_t>(no), k};
  };
  put(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, arch), 0, 0);
  put(BPF_JMP | BPF_JEQ | BPF_K, native_audit_arch, 1, 0);
  put(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS, 0, 0);
  put(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr), 0, 0);
  for (std::size_t i = 0; i < count; ++i)
    put(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(calls[i]), count - i, 0);
  put(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | refusal, 0, 0);
  put(BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
  const sock_fprog program{static_cast<unsigned short>(at), code.data()};
  return static_cast<int>(::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program));
}

}  // namespace pausa::sys
