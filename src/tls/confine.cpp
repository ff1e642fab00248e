#include "tls/confine.hpp"

#include "sys/call_filter.hpp"

#include <errno.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>

namespace pausa::tls {
namespace {

constexpr unsigned nobody = 65534;
constexpr rlim_t most_memory = rlim_t{256} << 20U;  // addresses, not pages
constexpr rlim_t most_cpu_seconds = 10;

// AddressSanitizer reserves terabytes of addresses and asks for calls of its own.
#ifdef __SANITIZE_ADDRESS__
constexpr bool sanitized = true;
#else
constexpr bool sanitized = false;
#endif

// What OpenSSL asks for once it is set up, and the loop.
constexpr std::array allowed_calls{
    SYS_read,           SYS_write,           SYS_recvfrom,      SYS_sendto,       SYS_ppoll,
#ifdef SYS_poll
    SYS_poll,
#endif
    SYS_close,          SYS_shutdown,        SYS_brk,           SYS_mmap,         SYS_munmap,
    SYS_mremap,         SYS_mprotect,        SYS_madvise,       SYS_futex,        SYS_getrandom,
    SYS_getpid,         SYS_gettid,          SYS_clock_gettime, SYS_gettimeofday, SYS_rt_sigreturn,
    SYS_rt_sigprocmask, SYS_restart_syscall, SYS_exit_group};

void limit(__rlimit_resource_t resource, rlim_t most) noexcept {
  const rlimit both{most, most};
  (void)::setrlimit(resource, &both);
}

}  // namespace

bool confine() noexcept {
  (void)::syscall(SYS_close_range, 3U, ~0U, 0U);
  // Without root, or in a user namespace without this id, we stay who we are.
  (void)::syscall(SYS_setgroups, 0, nullptr);
  (void)::syscall(SYS_setresgid, nobody, nobody, nobody);
  (void)::syscall(SYS_setresuid, nobody, nobody, nobody);
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  const std::array<__user_cap_data_struct, 2> none{};
  (void)::syscall(SYS_capset, &header, none.data());
  (void)::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  if (!sanitized) limit(RLIMIT_AS, most_memory);
  limit(RLIMIT_CPU, most_cpu_seconds);
  limit(RLIMIT_FSIZE, 0);
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_NPROC, 0);
  // Refused calls fail: a library that asks for a file gets none and goes on.
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         (sanitized || sys::allow_only(allowed_calls, EPERM) == 0);
}

}  // namespace pausa::tls
