#include "sys/probe.hpp"

#include "sys/error.hpp"
#include "sys/fd.hpp"
#include "sys/mount.hpp"
#include "sys/namespace.hpp"
#include "sys/process.hpp"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace pausa::sys {
namespace {

// Runs the probe in a child; its errno is the exit code (all that Linux has fit in a byte).
template <typename Probe>
int in_child(Probe probe) {
  const pid_t child = ::fork();
  if (child < 0) return errno;
  if (child == 0) {
    errno = 0;
    const bool worked = probe();
    ::_exit(worked ? 0 : (errno != 0 ? errno : EIO));
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0)
    if (errno != EINTR) return errno;
  return WIFEXITED(status) ? WEXITSTATUS(status) : EINTR;
}

bool write_text(const char* path, const std::string& text) {
  const UniqueFd file(::open(path, O_WRONLY | O_CLOEXEC));
  return file && ::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

// A user namespace in which we are root, as an unprivileged user can have it.
bool become_root_inside() {
  const std::string user = std::to_string(::geteuid());
  const std::string group = std::to_string(::getegid());
  return ::unshare(CLONE_NEWUSER) == 0 && write_text("/proc/self/setgroups", "deny") &&
         write_text("/proc/self/uid_map", "0 " + user + " 1") &&
         write_text("/proc/self/gid_map", "0 " + group + " 1");
}

bool private_mounts(bool in_user_namespace) {
  return (!in_user_namespace || become_root_inside()) && ::unshare(CLONE_NEWNS) == 0 &&
         ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
}

}  // namespace

int probe_namespace(int clone_flag, bool in_user_namespace) {
  return in_child([=] {
    if (in_user_namespace && !become_root_inside()) return false;
    return (in_user_namespace && clone_flag == CLONE_NEWUSER) || ::unshare(clone_flag) == 0;
  });
}

int probe_inside(int clone_flags, bool in_user_namespace, const std::function<bool()>& trial) {
  return in_child([&] {
    return (!in_user_namespace || become_root_inside()) && ::unshare(clone_flags) == 0 && trial();
  });
}

int probe_overlay(const std::string& folder, bool in_user_namespace) {
  for (const char* name : {"/lower", "/upper", "/work"})
    if (::mkdir((folder + name).c_str(), 0700) != 0 && errno != EEXIST) return errno;
  return in_child([&] {
    if (!private_mounts(in_user_namespace)) return false;
    const int fs = fs_open("overlay");
    if (fs < 0) return false;
    if (in_user_namespace && fs_set(fs, "userxattr", nullptr) != 0) return false;
    return fs_set(fs, "lowerdir", (folder + "/lower").c_str()) == 0 &&
           fs_set(fs, "upperdir", (folder + "/upper").c_str()) == 0 &&
           fs_set(fs, "workdir", (folder + "/work").c_str()) == 0 && fs_create(fs) == 0 &&
           fs_mount(fs, 0) >= 0;
  });
}

int probe_mount_api(bool in_user_namespace) {
  return in_child([=] {
    if (!private_mounts(in_user_namespace)) return false;
    const int fs = fs_open("tmpfs");
    if (fs < 0 || fs_create(fs) != 0) return false;
    const int mount = fs_mount(fs, 0);
    return mount >= 0 && mount_set(mount, "", AT_EMPTY_PATH, MOUNT_ATTR_RDONLY) == 0;
  });
}

int probe_pidfd() {
  return in_child([] {
    const int self = static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0));
    return self >= 0 && ::syscall(SYS_pidfd_send_signal, self, 0, nullptr, 0) == 0;
  });
}

int probe_seccomp() {
  return in_child([] {
    sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    const sock_fprog program{1, &allow};
    return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0;
  });
}

std::string find_program(const std::string& name) {
  const char* path = std::getenv("PATH");
  std::string list = path != nullptr ? path : "";
  // A user's PATH often lacks these, where Debian has nft and its like.
  list += ":/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin";
  for (std::size_t begin = 0; begin <= list.size();) {
    const auto end = std::min(list.find(':', begin), list.size());
    const std::string file = list.substr(begin, end - begin) + "/" + name;
    struct ::stat status {};
    if (file.front() == '/' && ::stat(file.c_str(), &status) == 0 && S_ISREG(status.st_mode) &&
        ::access(file.c_str(), X_OK) == 0)
      return file;
    begin = end + 1;
  }
  return {};
}

std::pair<int, int> kernel_version() {
  utsname name{};
  int major = 0;
  int minor = 0;
  if (::uname(&name) == 0) (void)std::sscanf(name.release, "%d.%d", &major, &minor);
  return {major, minor};
}

}  // namespace pausa::sys
