// CHILD ZONE: plain system calls only (docs/architecture.md). All signals are blocked here, and
// stay so: the first thing that infra does is to block them itself.
#include "infra/enter.hpp"

#include "sys/mount.hpp"
#include "sys/socket.hpp"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/if.h>
#include <linux/rtnetlink.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace pausa::infra {
namespace {

[[noreturn]] void fail(const EnterPlan& plan, Stage stage, size_t detail = 0) noexcept {
  const Report report{static_cast<uint32_t>(stage), errno, static_cast<uint32_t>(detail), 0};
  (void)sys::send_packet(plan.report, &report, sizeof report);
  ::_exit(127);
}

void must(const EnterPlan& plan, Stage stage, long rc, size_t detail = 0) noexcept {
  if (rc < 0) fail(plan, stage, detail);
}

// Before the maps: to the v1 files we are still the user who made the cgroups.
void join_cgroups(const EnterPlan& plan) noexcept {
  for (size_t i = 0; i < plan.tasks_count; ++i)
    must(plan, Stage::cgroup, ::write(plan.tasks[i], "0", 1), i);
}

void become_root_of_user_namespace(const EnterPlan& plan) noexcept {
  char go = 0;
  long size;
  do {
    size = ::recv(plan.report, &go, 1, 0);
  } while (size < 0 && errno == EINTR);
  if (size == 0) errno = EOWNERDEAD;  // the parent died, or gave up
  must(plan, Stage::maps, size == 1 ? 0 : -1);
  // Raw calls: glibc's would signal other threads, of which the parent may have had some. setgroups
  // may be denied for good (user_namespaces(7)); infra has no use for groups either way.
  (void)::syscall(SYS_setgroups, 0, nullptr);
  must(plan, Stage::ids, ::syscall(SYS_setresgid, 0, 0, 0));
  must(plan, Stage::ids, ::syscall(SYS_setresuid, 0, 0, 0));
}

void bring_up_loopback(const EnterPlan& plan) noexcept {
  // Any socket takes interface requests; AF_UNIX exists where AF_INET may not.
  const int socket = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  must(plan, Stage::loopback, socket);
  ifreq request{};
  request.ifr_name[0] = 'l';
  request.ifr_name[1] = 'o';
  must(plan, Stage::loopback, ::ioctl(socket, SIOCGIFFLAGS, &request));
  request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP);
  must(plan, Stage::loopback, ::ioctl(socket, SIOCSIFFLAGS, &request));
  (void)::close(socket);  // a socket that was only asked has nothing to fail with
}

// What members say to each other goes through TCP in pieces of 64 KiB, unless the interface takes
// larger ones; a stream of theirs is several times faster for it (Linux 5.19 for IPv6, 6.3 for
// IPv4). Older kernels refuse the one and know nothing of the other: they stay with 64 KiB.
void widen_loopback() noexcept {
  constexpr uint32_t largest = 8 * 65535;     // GSO_MAX_SIZE, which lo starts out able to take
  constexpr uint16_t gso_ipv4_max_size = 63;  // IFLA_GSO_IPV4_MAX_SIZE, not in Linux 6.1's headers
  struct Size {
    rtattr kind;
    uint32_t bytes;
  };
  struct {
    nlmsghdr head;
    ifinfomsg link;
    Size ipv6, ipv4;
  } request{};
  request.head.nlmsg_len = sizeof request;
  request.head.nlmsg_type = RTM_SETLINK;
  request.head.nlmsg_flags = NLM_F_REQUEST;
  request.link.ifi_index = 1;  // LOOPBACK_IFINDEX, in every network namespace
  request.ipv6 = {{sizeof(Size), IFLA_GSO_MAX_SIZE}, largest};
  request.ipv4 = {{sizeof(Size), gso_ipv4_max_size}, largest};
  const int socket = ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (socket < 0) return;
  (void)::send(socket, &request, sizeof request, 0);
  (void)::close(socket);
}

// A tmpfs with the two directories, attached on top of the old root and with us inside.
void make_root(const EnterPlan& plan) noexcept {
  must(plan, Stage::propagation, ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr));
  const int fs = sys::fs_open("tmpfs");
  must(plan, Stage::root_mount, fs);
  must(plan, Stage::root_mount, sys::fs_set(fs, "source", "pausa"));
  must(plan, Stage::root_mount, sys::fs_set(fs, "size", "4k"));
  must(plan, Stage::root_mount, sys::fs_set(fs, "nr_inodes", "1024"));
  must(plan, Stage::root_mount, sys::fs_set(fs, "mode", "0755"));
  must(plan, Stage::root_mount, sys::fs_create(fs));
  const int root = sys::fs_mount(fs, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
  must(plan, Stage::root_mount, root);
  (void)::umask(0);
  must(plan, Stage::root_mount, ::mkdirat(root, "proc", 0555));
  must(plan, Stage::root_mount, ::mkdirat(root, "root", 0755));
  must(plan, Stage::root_mount, ::mkdirat(root, "tmpfs", 0755));
  for (size_t i = 0; i < plan.tmpfs_count; ++i)
    must(plan, Stage::root_mount, ::mkdirat(root, plan.tmpfs[i].path, 0755));
  must(plan, Stage::root_mount, sys::move_mount(root, AT_FDCWD, "/"));
  must(plan, Stage::root_mount, ::fchdir(root));
}

// What the members share in memory: they bind it out of a copy of this mount namespace.
void mount_shared(const EnterPlan& plan) noexcept {
  for (size_t i = 0; i < plan.tmpfs_count; ++i) {
    const TmpfsMount& shared = plan.tmpfs[i];
    unsigned long flags = MS_NOSUID | MS_NODEV;
    if (shared.no_exec) flags |= MS_NOEXEC;
    must(plan, Stage::shared_mount, ::mount("tmpfs", shared.path, "tmpfs", flags, shared.options),
         i);
  }
  for (size_t i = 0; i < plan.files_count; ++i) {
    const FileWrite& file = plan.files[i];
    const int fd = ::open(file.path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    must(plan, Stage::shared_file, fd, i);
    const ssize_t written = ::write(fd, file.text, file.length);
    if (written >= 0 && static_cast<size_t>(written) != file.length) errno = ENOSPC;
    must(plan, Stage::shared_file, static_cast<size_t>(written) == file.length ? 0 : -1, i);
    (void)::close(fd);  // a tmpfs has nothing left to say
  }
}

// While the old root's /proc is still there: in a user namespace the kernel mounts a new procfs
// only where a fully visible one can be seen already (mount_too_revealing, fs/namespace.c).
void mount_proc(const EnterPlan& plan) noexcept {
  constexpr unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
  if (::mount("proc", "proc", "proc", flags, nullptr) == 0) return;
  // The host's PID namespace is not ours to mount from inside a user namespace, only to show.
  const bool may_bind = !plan.new_pid && errno == EPERM;
  must(plan, Stage::proc_mount,
       may_bind ? ::mount("/proc", "proc", nullptr, MS_BIND | MS_REC, nullptr) : -1);
}

// Through the new procfs: the host's may be mounted read-only. Which network and IPC namespace an
// entry speaks for is decided by who opens it.
void write_sysctls(const EnterPlan& plan) noexcept {
  for (size_t i = 0; i < plan.sysctls_count; ++i) {
    const SysctlWrite& sysctl = plan.sysctls[i];
    const int fd = ::open(sysctl.path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    must(plan, Stage::sysctl, fd, i);
    const ssize_t written = ::write(fd, sysctl.value, sysctl.length);
    if (written >= 0 && static_cast<size_t>(written) != sysctl.length) errno = EINVAL;
    must(plan, Stage::sysctl, static_cast<size_t>(written) == sysctl.length ? 0 : -1, i);
    (void)::close(fd);  // sysctls take effect in write
  }
}

void leave_old_root(const EnterPlan& plan) noexcept {
  // pivot_root(2), NOTES: with "." twice the old root ends up on top of the new one.
  must(plan, Stage::pivot, sys::pivot_root(".", "."));
  must(plan, Stage::pivot, ::umount2(".", MNT_DETACH));
  must(plan, Stage::pivot, ::chdir("/"));
  constexpr unsigned long flags = MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC;
  must(plan, Stage::root_seal, ::mount(nullptr, "/", nullptr, flags, nullptr));
}

// Infra's numbers are 3, 4 and 5. The sources may stand on them, so all move out of the way first.
void place_descriptors(EnterPlan& plan) noexcept {
  // Infra keeps up to 1536 descriptors of the pod beside its connections.
  constexpr rlim_t wanted = 2048;
  rlimit limit{};
  if (::prlimit(0, RLIMIT_NOFILE, nullptr, &limit) == 0 && limit.rlim_cur < wanted) {
    limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
    (void)::prlimit(0, RLIMIT_NOFILE, &limit, nullptr);  // with fewer, the store is smaller
  }
  constexpr int above = 16;
  for (int* fd : {&plan.report, &plan.exe, &plan.listener, &plan.table}) {
    const int moved = ::fcntl(*fd, F_DUPFD_CLOEXEC, above);
    must(plan, Stage::descriptors, moved);
    *fd = moved;
  }
  must(plan, Stage::descriptors, ::dup3(plan.listener, listen_fd_number, 0));
  must(plan, Stage::descriptors, ::dup3(plan.table, table_fd_number, 0));
  must(plan, Stage::descriptors, ::dup3(plan.report, report_fd_number, 0));
  must(plan, Stage::descriptors,
       ::syscall(SYS_close_range, report_fd_number + 1, ~0U, CLOSE_RANGE_CLOEXEC));
}

}  // namespace

void enter_sandbox_in_child(const EnterPlan& given) noexcept {
  EnterPlan plan = given;
  join_cgroups(plan);
  if (plan.new_user) become_root_of_user_namespace(plan);
  if (plan.hostname != nullptr)
    must(plan, Stage::hostname, ::sethostname(plan.hostname, plan.hostname_length));
  if (plan.new_net) {
    bring_up_loopback(plan);
    widen_loopback();
  }
  make_root(plan);
  mount_proc(plan);
  mount_shared(plan);
  write_sysctls(plan);
  leave_old_root(plan);
  must(plan, Stage::session, ::setsid());
  place_descriptors(plan);
  const char* const environment[] = {nullptr};
  (void)::syscall(SYS_execveat, plan.exe, "", plan.argv, environment, AT_EMPTY_PATH);
  fail(plan, Stage::exec);
}

}  // namespace pausa::infra
