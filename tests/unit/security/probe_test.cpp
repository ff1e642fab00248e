// The built-in filter in the kernel: calls with arguments that the kernel would refuse for another
// reason, so that EPERM and ENOSYS can only come from the filter.
#include "security/apply.hpp"
#include "security/caps.hpp"
#include "security/seccomp.hpp"
#include "unit/security/child.hpp"

#include <errno.h>
#include <linux/sched.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <doctest/doctest.h>

#include <cstring>
#include <string>
#include <vector>

using namespace pausa;
using namespace pausa::security;

namespace {

struct Probe {
  const char* name;
  long number;
  unsigned long args[6];
  int refused_with;  // by the filter; 0: let through
};

constexpr unsigned long bad = ~0UL;  // as a descriptor, a pointer or a flag word
constexpr unsigned long high = 1UL << 32;

const Probe probes[] = {
    {"mount", SYS_mount, {bad, bad, bad, 0, 0}, EPERM},
    {"umount2", SYS_umount2, {bad, bad}, EPERM},
    {"pivot_root", SYS_pivot_root, {bad, bad}, EPERM},
    {"unshare", SYS_unshare, {bad}, EPERM},
    {"unshare user", SYS_unshare, {CLONE_NEWUSER}, EPERM},
    {"setns", SYS_setns, {bad, 0}, EPERM},
    {"fsopen", SYS_fsopen, {bad, bad}, EPERM},
    {"fsmount", SYS_fsmount, {bad, bad, 0}, EPERM},
    {"fsconfig", SYS_fsconfig, {bad, 0}, EPERM},
    {"fspick", SYS_fspick, {bad, bad, 0}, EPERM},
    {"open_tree", SYS_open_tree, {bad, bad, bad}, EPERM},
    {"move_mount", SYS_move_mount, {bad, bad, bad, bad, bad}, EPERM},
    {"mount_setattr", SYS_mount_setattr, {bad, bad, bad, bad, 0}, EPERM},
    {"clone user", SYS_clone, {CLONE_NEWUSER | CLONE_SIGHAND}, EPERM},
    {"clone mount", SYS_clone, {CLONE_NEWNS | CLONE_SIGHAND}, EPERM},
    {"clone net", SYS_clone, {CLONE_NEWNET | CLONE_SIGHAND}, EPERM},
    {"clone pid", SYS_clone, {CLONE_NEWPID | CLONE_SIGHAND}, EPERM},
    {"clone3", SYS_clone3, {0, 0}, ENOSYS},
    {"keyctl", SYS_keyctl, {bad}, EPERM},
    {"add_key", SYS_add_key, {bad, bad, 0, 0, 0}, EPERM},
    {"request_key", SYS_request_key, {bad, bad, 0, 0}, EPERM},
    {"bpf", SYS_bpf, {bad, 0, 0}, EPERM},
    {"perf_event_open", SYS_perf_event_open, {bad, 0, 0, 0, 0}, EPERM},
    {"userfaultfd", SYS_userfaultfd, {bad}, EPERM},
    {"io_uring_setup", SYS_io_uring_setup, {0, bad}, EPERM},
    {"io_uring_enter", SYS_io_uring_enter, {bad}, EPERM},
    {"io_uring_register", SYS_io_uring_register, {bad, bad}, EPERM},
    {"open_by_handle_at", SYS_open_by_handle_at, {bad, bad, 0}, EPERM},
    {"reboot", SYS_reboot, {0, 0, 0}, EPERM},
    {"kexec_load", SYS_kexec_load, {0, bad, 0, bad}, EPERM},
    {"init_module", SYS_init_module, {bad, 0, bad}, EPERM},
    {"finit_module", SYS_finit_module, {bad, bad, bad}, EPERM},
    {"delete_module", SYS_delete_module, {bad, 0}, EPERM},
    {"swapon", SYS_swapon, {bad, bad}, EPERM},
    {"swapoff", SYS_swapoff, {bad}, EPERM},
    {"acct", SYS_acct, {bad}, EPERM},
    {"settimeofday", SYS_settimeofday, {bad, 0}, EPERM},
    {"clock_settime", SYS_clock_settime, {bad, bad}, EPERM},
    {"sethostname", SYS_sethostname, {bad, 1}, EPERM},
    {"setdomainname", SYS_setdomainname, {bad, 1}, EPERM},
    {"syslog", SYS_syslog, {99, 0, 0}, EPERM},
    {"quotactl", SYS_quotactl, {bad, bad, 0, 0}, EPERM},
    {"fanotify_init", SYS_fanotify_init, {bad, bad}, EPERM},
    {"pidfd_getfd", SYS_pidfd_getfd, {bad, 0, 0}, EPERM},
    {"process_madvise", SYS_process_madvise, {bad, 0, 0, 0, 0}, EPERM},
    {"mbind", SYS_mbind, {1, 0, bad, 0, 0, bad}, EPERM},
    {"set_mempolicy", SYS_set_mempolicy, {bad, 0, 0}, EPERM},
    {"move_pages", SYS_move_pages, {0, 1, bad, bad, bad, bad}, EPERM},
    {"AF_ALG", SYS_socket, {AF_ALG, SOCK_SEQPACKET, 0}, EPERM},
    {"AF_ALG, high bit", SYS_socket, {AF_ALG | high, SOCK_SEQPACKET, 0}, EPERM},
    {"AF_VSOCK", SYS_socket, {AF_VSOCK, SOCK_STREAM, 0}, EPERM},
    {"TIOCSTI", SYS_ioctl, {bad, 0x5412, 0}, EPERM},
    {"TIOCSTI, high bit", SYS_ioctl, {bad, 0x5412 | high, 0}, EPERM},
    {"TIOCLINUX", SYS_ioctl, {bad, 0x541c, 0}, EPERM},
    {"personality", SYS_personality, {0x0040000}, EPERM},
    {"no such number", 700, {}, ENOSYS},
    {"personality, the question", SYS_personality, {0xffffffff}, 0},
    {"ioctl", SYS_ioctl, {bad, 0x5401, 0}, 0},
    {"AF_INET", SYS_socket, {AF_INET, 99, 0}, 0},
    {"AF_UNIX", SYS_socket, {AF_UNIX, 99, 0}, 0},
    {"AF_NETLINK", SYS_socket, {AF_NETLINK, 99, 0}, 0},
    {"clone thread", SYS_clone, {CLONE_THREAD}, 0},  // without CLONE_SIGHAND: EINVAL
    {"ptrace", SYS_ptrace, {bad, 0, 0, 0}, 0},
    {"process_vm_readv", SYS_process_vm_readv, {0, bad, 1, bad, 1, bad}, 0},
    {"chroot", SYS_chroot, {bad}, 0},
    {"openat", SYS_openat, {bad, bad, 0}, 0},
    {"openat2", SYS_openat2, {bad, bad, bad, 0}, 0},
    {"mknodat", SYS_mknodat, {bad, bad, 0, 0}, 0},
    {"execve", SYS_execve, {bad, 0, 0}, 0},
    {"setresuid", SYS_setresuid, {bad, bad, bad}, 0},
    {"capget", SYS_capget, {bad, 0}, 0},
    {"prctl", SYS_prctl, {0x7fffffff, 0, 0, 0, 0}, 0},
    {"seccomp", SYS_seccomp, {bad, 0, 0}, 0},
    {"futex", SYS_futex, {bad, 1, 1, 0, 0, 0}, 0},
    {"pidfd_open", SYS_pidfd_open, {bad, 0}, 0},
    {"getpid", SYS_getpid, {}, 0},
};
constexpr std::size_t count = std::size(probes);

// errno of each probe, in a child that holds these capabilities; 0 for success.
std::vector<int> ask(const Filter* filter) {
  const test::Outcome outcome = test::in_child([&](int out) {
    if (filter != nullptr) {
      Confinement c;
      c.filter = filter->program.data();
      c.filter_length = filter->program.size();
      c.filter_flags = filter->flags;
      if (!set_no_new_privs() || !load_filter(c)) return 1;
    }
    int errors[count] = {};
    for (std::size_t i = 0; i < count; ++i) {
      const auto& a = probes[i].args;
      errno = 0;
      if (filter == nullptr && std::strcmp(probes[i].name, "unshare user") == 0) continue;
      errors[i] = ::syscall(probes[i].number, a[0], a[1], a[2], a[3], a[4], a[5]) < 0 ? errno : 0;
    }
    return ::write(out, errors, sizeof errors) == sizeof errors ? 0 : 2;
  });
  REQUIRE(outcome.exited(0));
  std::vector<int> errors(count);
  REQUIRE(outcome.output.size() == count * sizeof(int));
  std::memcpy(errors.data(), outcome.output.data(), outcome.output.size());
  return errors;
}

}  // namespace

TEST_SUITE("security/unit") {
  TEST_CASE("the kernel refuses under the built-in filter what it should, and nothing else") {
    const Filter filter = compile(default_profile(), default_caps);
    const std::vector<int> errors = ask(&filter);
    for (std::size_t i = 0; i < count; ++i) {
      CAPTURE(probes[i].name);
      if (probes[i].refused_with != 0) {
        CHECK(errors[i] == probes[i].refused_with);
      } else {
        CHECK(errors[i] != EPERM);
        CHECK(errors[i] != ENOSYS);
      }
    }
  }

  TEST_CASE("without the filter the kernel has other answers to the same calls") {
    if (::geteuid() != 0 || !host_caps().has(CAP_SYS_ADMIN)) {
      MESSAGE("skipped: needs root, since others get EPERM from the kernel itself");
      return;
    }
    const std::vector<int> errors = ask(nullptr);
    for (std::size_t i = 0; i < count; ++i) {
      const std::string name = probes[i].name;
      // A new user namespace would be made; io_uring may be switched off; one number is no call.
      if (name == "unshare user" || name.starts_with("io_uring") || name == "no such number")
        continue;
      CAPTURE(name);
      CHECK(errors[i] != EPERM);
    }
  }

#if defined(__x86_64__)
  TEST_CASE("the 32-bit entry of the kernel is no way around the filter") {
    const auto by_int80 = [](long number, long first, long second) {
      long result = 0;
      // A 64-bit program may enter by int 0x80; the kernel then tells the filter AUDIT_ARCH_I386.
      asm volatile("int $0x80"
                   : "=a"(result)
                   : "a"(number), "b"(first), "c"(second), "d"(0L)
                   : "memory", "r8", "r9", "r10", "r11");
      return result;
    };
    const test::Outcome outcome = test::in_child([&](int) {
      constexpr long getpid = 20, mount = 21, socketcall = 102, socket = 359, unshare = 310;
      const long pid = by_int80(getpid, 0, 0);
      const Filter filter = compile(default_profile(), default_caps);
      Confinement c;
      c.filter = filter.program.data();
      c.filter_length = filter.program.size();
      if (!set_no_new_privs() || !load_filter(c)) return 1;
      if (by_int80(getpid, 0, 0) != pid) return 2;
      if (by_int80(mount, -1, -1) != -EPERM) return 3;
      if (by_int80(socketcall, 1, -1) != -EPERM) return 4;
      if (by_int80(socket, AF_ALG, SOCK_SEQPACKET) != -EPERM) return 5;
      if (by_int80(unshare, CLONE_NEWUSER, 0) != -EPERM) return 6;
      return 0;
    });
    if (WIFSIGNALED(outcome.status) && WTERMSIG(outcome.status) == SIGSEGV) {
      MESSAGE("skipped: this kernel has no 32-bit entry");
      return;
    }
    CHECK(outcome.exited(0));
  }
#endif
}
