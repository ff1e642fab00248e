#include "unpack/confine.hpp"

#include "sys/call_filter.hpp"
#include "sys/error.hpp"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstdint>

namespace pausa::unpack {
namespace {

constexpr rlim_t most_memory = rlim_t{1} << 30U;  // a zstd window has up to 128 MiB
constexpr rlim_t most_descriptors = 64;

// Not CAP_MKNOD: a whiteout takes none (mknod(2), Linux 5.8), and a node would open the host.
constexpr std::array<unsigned, 6> kept_capabilities{
    CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER, CAP_FSETID, CAP_SETFCAP};

// What reading, writing a tree and the C library's memory need. Nothing that makes a descriptor of
// anything but a file, a process, or a program run.
constexpr std::array allowed_calls{
    SYS_read,
    SYS_pread64,
    SYS_write,
    SYS_writev,
    SYS_pwrite64,
    SYS_close,
    SYS_lseek,
    SYS_openat,
    SYS_openat2,
    SYS_newfstatat,
    SYS_fstat,
    SYS_statx,
    SYS_getdents64,
    SYS_mkdirat,
    SYS_mknodat,
    SYS_linkat,
    SYS_symlinkat,
    SYS_unlinkat,
    SYS_renameat2,
    SYS_fchown,
    SYS_fchownat,
    SYS_fchmod,
    SYS_fchmodat,
    SYS_fsetxattr,
    SYS_utimensat,
    SYS_ftruncate,
    SYS_fcntl,
    SYS_mmap,
    SYS_munmap,
    SYS_mremap,
    SYS_mprotect,
    SYS_madvise,
    SYS_brk,
    SYS_futex,
    SYS_getrandom,
    SYS_gettid,
    SYS_getpid,
    SYS_exit,
    SYS_exit_group,
    SYS_rt_sigreturn,
    SYS_rt_sigprocmask,
    SYS_clock_gettime,
#ifdef SYS_renameat
    SYS_renameat,
#endif
    SYS_sync_file_range,
};

void limit(int resource, rlim_t value) {
  struct ::rlimit limits {};
  sys::check(::getrlimit(static_cast<__rlimit_resource_t>(resource), &limits), "read a limit");
  if (limits.rlim_max < value) value = limits.rlim_max;
  limits = {value, value};
  sys::check(::setrlimit(static_cast<__rlimit_resource_t>(resource), &limits), "set a limit");
}

// Best effort: the root directory is all that there is, and this says it a second time.
void restrict_files(int root) {
  constexpr int refer_abi = 2;  // before it, hard links between directories are refused
  const long abi =
      ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (abi < refer_abi) return;
  constexpr std::uint64_t all = (std::uint64_t{1} << 14U) - 1;  // ABI 2's, execute to refer
  constexpr std::uint64_t denied = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_MAKE_BLOCK;
  landlock_ruleset_attr rules{};
  rules.handled_access_fs = all;
  const int ruleset = static_cast<int>(
      ::syscall(SYS_landlock_create_ruleset, &rules, sizeof rules.handled_access_fs, 0));
  if (ruleset < 0) return;
  landlock_path_beneath_attr beneath{};
  beneath.allowed_access = all & ~denied;
  beneath.parent_fd = root;
  if (root < 0 ||
      ::syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0) == 0)
    (void)::syscall(SYS_landlock_restrict_self, ruleset, 0);
  (void)::close(ruleset);
}

void drop_capabilities() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, 2> sets{};
  sys::check(::syscall(SYS_capget, &header, sets.data()), "read the capabilities");
  std::array<unsigned, 2> kept{};
  for (const unsigned capability : kept_capabilities)
    kept.at(capability / 32) |= 1U << capability % 32;
  for (std::size_t i = 0; i < sets.size(); ++i) {
    sets.at(i).permitted &= kept.at(i);
    sets.at(i).effective = sets.at(i).permitted;
    sets.at(i).inheritable = 0;
  }
  (void)::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  sys::check(::syscall(SYS_capset, &header, sets.data()), "drop the capabilities");
}

}  // namespace

void confine(int root) {
  (void)::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  sys::check(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "set no_new_privs");
  if (root > 3)
    sys::check(::close_range(3, static_cast<unsigned>(root) - 1, 0), "close descriptors");
  sys::check(::close_range(root < 0 ? 3 : static_cast<unsigned>(root) + 1, ~0U, 0),
             "close descriptors");
  if (root >= 0) {
    sys::check(::fchdir(root), "enter the layer's folder");
    sys::check(::chroot("."), "make the layer's folder the root");
  }
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_NOFILE, most_descriptors);
  limit(RLIMIT_AS, most_memory);
  restrict_files(root);
  drop_capabilities();
  sys::check(sys::allow_only(allowed_calls, ENOSYS), "load the seccomp filter");
}

}  // namespace pausa::unpack
