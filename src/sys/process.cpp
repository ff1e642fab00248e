#include "sys/process.hpp"

#include "sys/error.hpp"

#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <string_view>

namespace pausa::sys {
namespace {

struct Stat {
  char state;
  std::uint64_t start_time;
};

// proc(5): field 2, the name, may hold blanks and parentheses, so count from the last ')'.
std::optional<Stat> read_stat(pid_t pid) {
  const std::string path = "/proc/" + std::to_string(pid) + "/stat";
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return std::nullopt;
  std::array<char, 1024> buffer;
  const ssize_t size = ::read(fd.get(), buffer.data(), buffer.size());
  if (size <= 0) return std::nullopt;
  const std::string_view text(buffer.data(), static_cast<std::size_t>(size));
  const auto close = text.rfind(')');
  if (close == std::string_view::npos || close + 2 >= text.size()) return std::nullopt;
  Stat stat{text[close + 2], 0};
  std::size_t at = close + 2;
  for (int field = 3; field < 22; ++field) {
    at = text.find(' ', at);
    if (at == std::string_view::npos) return std::nullopt;
    ++at;
  }
  for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at)
    stat.start_time = stat.start_time * 10 + static_cast<std::uint64_t>(text[at] - '0');
  return stat;
}

// On kernels without pidfs all pidfds have one inode, which tells nothing.
std::uint64_t pidfd_inode(int pidfd) {
  constexpr decltype(statfs::f_type) pidfs_magic = 0x50494446;
  struct ::statfs system {};
  struct ::stat info {};
  if (::fstatfs(pidfd, &system) < 0 || system.f_type != pidfs_magic) return 0;
  return ::fstat(pidfd, &info) < 0 ? 0 : info.st_ino;
}

bool has_exited(int pidfd) {
  pollfd poll{pidfd, POLLIN, 0};  // pidfd_open(2): readable when the process has terminated
  return ::poll(&poll, 1, 0) > 0;
}

}  // namespace

bool ExitStatus::exited() const noexcept {
  return code == CLD_EXITED;
}

int ExitStatus::shell_code() const noexcept {
  return exited() ? status : 128 + status;
}

std::optional<std::uint64_t> start_time(pid_t pid) {
  const auto stat = read_stat(pid);
  if (!stat) return std::nullopt;
  return stat->start_time;
}

ProcessId identify(pid_t pid) {
  const UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  // After the pidfd exists the number cannot change its owner unnoticed.
  return {pid, start_time(pid).value_or(0), pidfd ? pidfd_inode(pidfd.get()) : 0};
}

ProcessId self_id() {
  return identify(::getpid());
}

bool alive(const ProcessId& id) {
  if (!id) return false;
  if (id.inode != 0) {
    // Four short calls; the text of /proc/PID/stat is made by the kernel at each reading.
    const UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, id.pid, 0)));
    struct ::stat info {};
    if (pidfd && ::fstat(pidfd.get(), &info) == 0)
      return info.st_ino == id.inode && !has_exited(pidfd.get());
    if (errno == ESRCH) return false;
  }
  const auto stat = read_stat(id.pid);
  return stat && stat->start_time == id.start_time && stat->state != 'Z' && stat->state != 'X';
}

bool is_stopped(const ProcessId& id) {
  if (!id) return false;
  const auto stat = read_stat(id.pid);
  return stat && stat->start_time == id.start_time && (stat->state == 'T' || stat->state == 't');
}

UniqueFd open_pidfd(pid_t pid) {
  return UniqueFd(check(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)), "pidfd_open ", pid));
}

pid_t pid_of(int pidfd) {
  const std::string path = "/proc/self/fdinfo/" + std::to_string(pidfd);
  const UniqueFd fd(check(::open(path.c_str(), O_RDONLY | O_CLOEXEC), "open ", path));
  std::array<char, 512> buffer;
  const ssize_t size = check(::read(fd.get(), buffer.data(), buffer.size()), "read ", path);
  const std::string_view text(buffer.data(), static_cast<std::size_t>(size));
  const auto at = text.find("\nPid:\t");
  if (at == std::string_view::npos) return 0;
  const long pid = std::strtol(buffer.data() + at + 6, nullptr, 10);
  return pid > 0 ? static_cast<pid_t>(pid) : 0;  // -1: reaped; 0: not of our PID namespace
}

std::optional<UniqueFd> open_process(const ProcessId& id) {
  if (!id) return std::nullopt;
  UniqueFd fd(static_cast<int>(::syscall(SYS_pidfd_open, id.pid, 0)));
  if (!fd) {
    if (errno == ESRCH || errno == EINVAL) return std::nullopt;
    check(-1, "pidfd_open ", id.pid);
  }
  if (id.inode != 0) {
    if (pidfd_inode(fd.get()) != id.inode || has_exited(fd.get())) return std::nullopt;
    return fd;
  }
  // Read after the pidfd exists: from now on the number cannot change its owner unnoticed.
  const auto stat = read_stat(id.pid);
  if (!stat || stat->start_time != id.start_time || stat->state == 'Z') return std::nullopt;
  return fd;
}

bool send_signal(int pidfd, int signal) {
  if (::syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0) == 0) return true;
  if (errno == ESRCH) return false;
  check(-1, "send signal ", signal);
  return false;
}

bool wait_dead(int pidfd, std::chrono::milliseconds timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  for (;;) {
    pollfd poll_fd{pidfd, POLLIN, 0};
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    const int ready = ::poll(&poll_fd, 1, left.count() < 0 ? 0 : static_cast<int>(left.count()));
    if (ready > 0) return true;
    if (ready == 0) return false;
    if (errno != EINTR) check(-1, "wait for a process");
  }
}

ExitStatus reap(int pidfd) {
  siginfo_t info{};
  int rc;
  do {
    rc = ::waitid(P_PIDFD, static_cast<id_t>(pidfd), &info, WEXITED | __WALL);
  } while (rc < 0 && errno == EINTR);
  check(rc, "reap a child");
  return {info.si_code, info.si_status};
}

const std::string& boot_id() {
  static const std::string id = [] {
    const UniqueFd fd(
        check(::open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC), "open boot_id"));
    std::array<char, 64> buffer;
    const ssize_t size = check(::read(fd.get(), buffer.data(), buffer.size()), "read boot_id");
    std::string text(buffer.data(), static_cast<std::size_t>(size));
    while (!text.empty() && text.back() == '\n') text.pop_back();
    return text;
  }();
  return id;
}

bool have_capability(int capability) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, 2> data{};
  if (::syscall(SYS_capget, &header, data.data()) != 0) return false;
  const auto index = static_cast<std::size_t>(capability) / 32;
  return (data[index].effective >> (capability % 32)) & 1U;
}

}  // namespace pausa::sys
