// CHILD ZONE. See the header.
#include "security/apply.hpp"

#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace pausa::security {
namespace {

bool done(long rc) noexcept {
  return rc >= 0;
}

}  // namespace

bool new_session_keyring() noexcept {
  if (done(::syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, nullptr))) return true;
  // EPERM: an outer seccomp filter refuses keyctl, as it does inside most containers.
  return errno == ENOSYS || errno == EDQUOT || errno == EPERM;
}

bool set_oom_score_adj(const char* text) noexcept {
  const long fd =
      ::syscall(SYS_openat, AT_FDCWD, "/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC, 0);
  if (fd < 0) return false;
  std::size_t length = 0;
  while (text[length] != '\0') ++length;
  const bool written = done(::syscall(SYS_write, fd, text, length));
  const int err = errno;
  (void)::syscall(SYS_close, fd);  // nothing is buffered: the write has told all there is
  errno = err;
  return written;
}

bool set_rlimits(const Confinement& confinement) noexcept {
  for (std::size_t i = 0; i < confinement.rlimit_count; ++i) {
    const Rlimit& wanted = confinement.rlimits[i];
    // struct rlimit64 of the kernel: two 64-bit words on every architecture.
    std::uint64_t pair[2] = {wanted.soft, wanted.hard};
    if (done(::syscall(SYS_prlimit64, 0, wanted.resource, pair, nullptr))) continue;
    if (errno != EPERM) return false;
    std::uint64_t inherited[2] = {};
    if (!done(::syscall(SYS_prlimit64, 0, wanted.resource, nullptr, inherited))) return false;
    if (pair[1] > inherited[1]) pair[1] = inherited[1];
    if (pair[0] > pair[1]) pair[0] = pair[1];
    if (!done(::syscall(SYS_prlimit64, 0, wanted.resource, pair, nullptr))) return false;
  }
  return true;
}

void set_umask(mode_t mask) noexcept {
  (void)::syscall(SYS_umask, mask);
}

bool bound_caps(std::uint64_t keep) noexcept {
  for (unsigned long cap = 0; cap < 64; ++cap) {
    const long held = ::syscall(SYS_prctl, PR_CAPBSET_READ, cap, 0L, 0L, 0L);
    if (held < 0) break;  // EINVAL: past the kernel's last capability
    if (held == 0 || (keep >> cap & 1) != 0) continue;
    if (!done(::syscall(SYS_prctl, PR_CAPBSET_DROP, cap, 0L, 0L, 0L))) return false;
  }
  return true;
}

bool hold_caps(std::uint64_t set) noexcept {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {};
  if (!done(::syscall(SYS_capget, &header, data))) return false;
  for (unsigned word = 0; word < _LINUX_CAPABILITY_U32S_3; ++word) {
    const auto wanted = static_cast<std::uint32_t>(set >> (32 * word));
    data[word].permitted &= wanted;
    data[word].effective = data[word].permitted;
    data[word].inheritable = 0;
  }
  // Lowering inheritable lowers ambient with it; the kernel keeps ambient within both others.
  return done(::syscall(SYS_capset, &header, data));
}

bool set_ids(const Confinement& confinement) noexcept {
  if (!confinement.keep_groups &&
      !done(::syscall(SYS_setgroups, confinement.group_count, confinement.groups)))
    return false;
  const auto gid = confinement.gid;
  if (!done(::syscall(SYS_setresgid, gid, gid, gid))) return false;
  const auto uid = confinement.uid;
  return done(::syscall(SYS_setresuid, uid, uid, uid));
}

bool set_no_new_privs() noexcept {
  return done(::syscall(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L));
}

bool load_filter(const Confinement& confinement) noexcept {
  if (confinement.filter == nullptr) return true;
  const sock_fprog program{static_cast<unsigned short>(confinement.filter_length),
                           const_cast<sock_filter*>(confinement.filter)};
  return done(::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, confinement.filter_flags, &program));
}

}  // namespace pausa::security
