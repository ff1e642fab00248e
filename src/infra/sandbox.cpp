#include "infra/sandbox.hpp"

#include "infra/enter.hpp"
#include "infra/protocol.hpp"
#include "sys/error.hpp"
#include "sys/namespace.hpp"
#include "sys/process.hpp"
#include "sys/socket.hpp"

#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <string_view>

namespace pausa::infra {
namespace {

using Clock = std::chrono::steady_clock;

void write_file(const std::string& path, const std::string& text) {
  const sys::UniqueFd fd(sys::check(::open(path.c_str(), O_WRONLY | O_CLOEXEC), "open ", path));
  // One write: the kernel reads maps and offsets as a whole (user_namespaces(7)).
  sys::check(::write(fd.get(), text.data(), text.size()), "write ", path);
}

// ---- sysctls: only those of a namespace that the sandbox gets as its own

bool starts_with_any(std::string_view text, std::initializer_list<std::string_view> prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [&](std::string_view prefix) { return text.starts_with(prefix); });
}

// Components that are names, one after the other: nothing that leads up, out, or nowhere.
bool is_plain_path(std::string_view path) {
  if (path.find('\0') != std::string_view::npos) return false;
  for (;;) {
    const std::size_t slash = path.find('/');
    const std::string_view name = path.substr(0, slash);
    if (name.empty() || name == "." || name == "..") return false;
    if (slash == std::string_view::npos) return true;
    path.remove_prefix(slash + 1);
  }
}

bool belongs_to_sandbox(std::string_view path, const SandboxRequest& request) {
  if (!is_plain_path(path)) return false;
  if (path.starts_with("net/")) return request.new_net;
  if (starts_with_any(path, {"kernel/shm", "kernel/msg", "fs/mqueue/"}) || path == "kernel/sem")
    return request.new_ipc;
  if (path == "kernel/domainname") return request.new_uts;
  return false;
}

// The texts that the child's flat plan points into.
struct Texts {
  std::vector<std::string> sysctl_paths;
  std::vector<SysctlWrite> sysctls;
  std::vector<std::string> tmpfs_paths;
  std::vector<TmpfsMount> tmpfs;
  std::vector<std::string> file_paths;
  std::vector<FileWrite> files;
  std::vector<const char*> argv;

  explicit Texts(const SandboxRequest& request) {
    for (const auto& [path, value] : request.sysctls) {
      if (!belongs_to_sandbox(path, request))
        throw sys::Error("sysctl " + path + ": not of a namespace that is the pod's own");
      if (value.find_first_of(std::string_view("\0\n", 2)) != std::string::npos)
        throw sys::Error("sysctl " + path + ": the value must be one line");
      sysctl_paths.push_back("proc/sys/" + path);
    }
    for (std::size_t i = 0; i < sysctl_paths.size(); ++i)
      sysctls.push_back({sysctl_paths[i].c_str(), request.sysctls[i].second.data(),
                         request.sysctls[i].second.size()});
    for (const auto& shared : request.tmpfs) {
      if (shared.name.find('/') != std::string::npos || !is_plain_path(shared.name))
        throw sys::Error("shared memory " + shared.name + ": not a name");
      tmpfs_paths.push_back("tmpfs/" + shared.name);
    }
    for (std::size_t i = 0; i < tmpfs_paths.size(); ++i)
      tmpfs.push_back(
          {tmpfs_paths[i].c_str(), request.tmpfs[i].options.c_str(), request.tmpfs[i].no_exec});
    for (const auto& [path, text] : request.files) {
      if (!is_plain_path(path)) throw sys::Error("file " + path + ": not a plain path");
      file_paths.push_back("tmpfs/" + path);
    }
    for (std::size_t i = 0; i < file_paths.size(); ++i)
      files.push_back(
          {file_paths[i].c_str(), request.files[i].second.data(), request.files[i].second.size()});
    argv.push_back("pausa-infra");
    if (!request.label.empty()) argv.push_back(request.label.c_str());
    argv.push_back(nullptr);
  }
};

EnterPlan make_plan(const SandboxRequest& request, const Texts& texts) {
  EnterPlan plan{};
  plan.exe = request.infra_exe_fd;
  plan.listener = request.listen_fd;
  plan.table = request.table_fd;
  plan.tasks = request.tasks_fds.data();
  plan.tasks_count = request.tasks_fds.size();
  plan.hostname = request.hostname.empty() ? nullptr : request.hostname.c_str();
  plan.hostname_length = request.hostname.size();
  plan.sysctls = texts.sysctls.data();
  plan.sysctls_count = texts.sysctls.size();
  plan.tmpfs = texts.tmpfs.data();
  plan.tmpfs_count = texts.tmpfs.size();
  plan.files = texts.files.data();
  plan.files_count = texts.files.size();
  plan.argv = texts.argv.data();
  plan.new_user = static_cast<bool>(request.map_users);
  plan.new_net = request.new_net;
  plan.new_pid = request.new_pid;
  return plan;
}

// ---- the sentence

const char* stage_text(Stage stage) {
  switch (stage) {
    case Stage::maps:
      return "wait for the user namespace's maps";
    case Stage::cgroup:
      return "join cgroup";
    case Stage::ids:
      return "become root of the user namespace";
    case Stage::hostname:
      return "set hostname ";
    case Stage::loopback:
      return "bring up loopback";
    case Stage::propagation:
      return "make mounts private";
    case Stage::root_mount:
      return "mount an empty root";
    case Stage::proc_mount:
      return "mount /proc";
    case Stage::sysctl:
      return "set sysctl ";
    case Stage::shared_mount:
      return "mount shared memory ";
    case Stage::shared_file:
      return "write ";
    case Stage::pivot:
      return "leave the host's root";
    case Stage::root_seal:
      return "make the root read-only";
    case Stage::session:
      return "start a session";
    case Stage::descriptors:
      return "place descriptors";
    case Stage::exec:
      return "execute pausa-infra";
    case Stage::infra_table:
      return "map the exit table";
    case Stage::infra_events:
      return "wait for events";
    case Stage::infra_privileges:
      return "drop privileges";
    case Stage::infra_seccomp:
      return "load the seccomp filter";
    case Stage::ready:
      break;
  }
  return "reach an unknown stage";
}

sys::Error report_error(const Report& report, const SandboxRequest& request) {
  const Stage stage{report.stage};
  std::string doing = stage_text(stage);
  if (stage == Stage::hostname) doing += request.hostname;
  if (stage == Stage::sysctl && report.detail < request.sysctls.size())
    doing += request.sysctls[report.detail].first;
  if (stage == Stage::shared_mount && report.detail < request.tmpfs.size())
    doing += request.tmpfs[report.detail].name;
  if (stage == Stage::shared_file && report.detail < request.files.size())
    doing += request.files[report.detail].first;
  sys::Error error(report.err, "create infra: " + doing);
  if (stage == Stage::proc_mount && report.err == EPERM)
    error.advise("a new procfs needs a /proc here that nothing is mounted over");
  if (stage == Stage::sysctl && report.err == ENOENT)
    error.advise("this kernel has no such setting in a namespace");
  return error;
}

sys::Error clone_error(int err, const SandboxRequest& request) {
  sys::Error error(err, "create infra: make namespaces");
  if (err == ENOSPC || err == EUSERS)
    error.advise("raise the limits user.max_*_namespaces (sysctl)");
  if (err == EPERM && request.map_users)
    error.advise(
        "user namespaces may be switched off: sysctl kernel.unprivileged_userns_clone, "
        "kernel.apparmor_restrict_unprivileged_userns");
  else if (err == EPERM)
    error.advise("this needs CAP_SYS_ADMIN, or a user namespace");
  if (err == EAGAIN) error.advise("the limit of processes is reached (ulimit -u, pids.max)");
  return error;
}

// ---- steps

class SignalsBlocked {
 public:
  SignalsBlocked() noexcept {
    sigset_t all;
    ::sigfillset(&all);
    (void)::sigprocmask(SIG_SETMASK, &all, &before_);  // cannot fail with these arguments
  }
  ~SignalsBlocked() { (void)::sigprocmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_{};
};

// While this lives, children are born into a new time namespace: clone3 cannot make one by itself
// (CLONE_NEWTIME shares its bit with the exit signal, clone(2)).
class TimeNamespace {
 public:
  explicit TimeNamespace(const std::optional<TimeOffsets>& offsets) {
    if (!offsets) return;
    own_.reset(
        sys::check(::open("/proc/self/ns/time", O_RDONLY | O_CLOEXEC), "open the time namespace"));
    sys::check(::unshare(CLONE_NEWTIME), "make a time namespace");
    try {
      write_file("/proc/self/timens_offsets",
                 line("monotonic", offsets->monotonic) + line("boottime", offsets->boottime));
    } catch (...) {
      (void)leave();
      throw;
    }
  }
  TimeNamespace(const TimeNamespace&) = delete;
  TimeNamespace& operator=(const TimeNamespace&) = delete;
  ~TimeNamespace() { (void)leave(); }

  // 0, or -1 with errno: then our next children would be born there too.
  int leave() noexcept {
    if (!own_) return 0;
    const sys::UniqueFd own = std::move(own_);
    return ::setns(own.get(), CLONE_NEWTIME);
  }

 private:
  static std::string line(const char* clock, std::chrono::nanoseconds offset) {
    // Nanoseconds are never negative there; the seconds carry the sign (time_namespaces(7)).
    const auto seconds = std::chrono::floor<std::chrono::seconds>(offset);
    return std::string(clock) + " " + std::to_string(seconds.count()) + " " +
           std::to_string((offset - seconds).count()) + "\n";
  }

  sys::UniqueFd own_;
};

// Infra writes host times into the table, so it must know how far its own clock is off.
void note_clock_offset(const SandboxRequest& request) {
  if (!request.time_offsets) return;
  const std::int64_t offset = request.time_offsets->boottime.count();
  constexpr off_t at = offsetof(Table, header) + offsetof(TableHeader, boottime_offset_ns);
  sys::check(::pwrite(request.table_fd, &offset, sizeof offset, at), "write the exit table");
}

Sandbox clone_infra(const SandboxRequest& request, EnterPlan plan) {
  TimeNamespace time(request.time_offsets);
  int pidfd = -1;
  clone_args args{};
  args.flags = CLONE_PIDFD | CLONE_NEWNS;
  if (request.new_pid) args.flags |= CLONE_NEWPID;
  if (request.new_net) args.flags |= CLONE_NEWNET;
  if (request.new_ipc) args.flags |= CLONE_NEWIPC;
  if (request.new_uts) args.flags |= CLONE_NEWUTS;
  if (request.map_users) args.flags |= CLONE_NEWUSER;
  if (request.cgroup_fd >= 0) {
    args.flags |= CLONE_INTO_CGROUP;
    args.cgroup = static_cast<std::uint64_t>(request.cgroup_fd);
  }
  args.pidfd = reinterpret_cast<std::uintptr_t>(&pidfd);
  args.exit_signal = SIGCHLD;
  long pid;
  int err;
  {
    const SignalsBlocked blocked;
    pid = ::syscall(SYS_clone3, &args, sizeof args);
    if (pid == 0) enter_sandbox_in_child(plan);
    err = errno;
  }
  if (pid < 0) throw clone_error(err, request);
  Sandbox sandbox{sys::UniqueFd(pidfd), static_cast<pid_t>(pid), 0};
  if (time.leave() < 0) {
    err = errno;
    (void)::syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, nullptr, 0);
    (void)sys::reap(pidfd);
    throw sys::Error(err, "create infra: return to the own time namespace");
  }
  return sandbox;
}

// The last report before the end of the stream; nullopt when there was none.
std::optional<Report> receive_report(int socket, Clock::time_point deadline) {
  std::optional<Report> last;
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    pollfd waiting{socket, POLLIN, 0};
    const int ready = ::poll(&waiting, 1, left < 0 ? 0 : static_cast<int>(left));
    if (ready < 0 && errno == EINTR) continue;
    sys::check(ready, "create infra: wait for its report");
    if (ready == 0) throw sys::Error(ETIMEDOUT, "create infra: wait for its report");
    Report report{};
    const ssize_t size = ::recv(socket, &report, sizeof report, MSG_DONTWAIT);
    if (size < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (size == sizeof report) {
      last = report;
      if (Stage{report.stage} == Stage::ready) return last;
      continue;
    }
    // End of the stream, or ECONNRESET when the child died with our message unread.
    return last;
  }
}

// A sandbox that will not be: killed, and reaped if that comes within the time.
std::optional<sys::ExitStatus> discard(const Sandbox& sandbox) noexcept {
  try {
    (void)sys::send_signal(sandbox.pidfd.get(), SIGKILL);
    if (sys::wait_dead(sandbox.pidfd.get(), std::chrono::seconds(2)))
      return sys::reap(sandbox.pidfd.get());
  } catch (const sys::Error&) {
    // A tear-down step: the error that brought us here is the one to tell.
  }
  return std::nullopt;
}

void await_infra(Sandbox& sandbox, const SandboxRequest& request, sys::UniqueFd reports) {
  if (request.map_users) {
    request.map_users(sandbox.pid);
    const char go = 1;
    // A child that is gone already says so by its report.
    (void)sys::send_packet(reports.get(), &go, sizeof go);
  }
  const auto report = receive_report(reports.get(), Clock::now() + request.deadline);
  if (!report) throw sys::Error("create infra: it ended without a word");
  if (report->err != 0 || Stage{report->stage} != Stage::ready)
    throw report_error(*report, request);
  sandbox.start_time = sys::identify(sandbox.pid).start_time;
}

}  // namespace

Sandbox create_sandbox(const SandboxRequest& request) {
  const Texts texts(request);
  EnterPlan plan = make_plan(request, texts);
  note_clock_offset(request);
  auto [ours, theirs] = sys::socket_pair(SOCK_SEQPACKET);
  plan.report = theirs.get();
  Sandbox sandbox = clone_infra(request, plan);
  theirs.reset();  // from here on the end of the stream means that the child has died
  try {
    await_infra(sandbox, request, std::move(ours));
  } catch (...) {
    (void)discard(sandbox);
    throw;
  }
  return sandbox;
}

void write_user_maps(pid_t pid, const UserMaps& maps) {
  const std::string folder = "/proc/" + std::to_string(pid) + "/";
  if (maps.deny_setgroups) write_file(folder + "setgroups", "deny");
  write_file(folder + "gid_map", maps.gid_map);
  write_file(folder + "uid_map", maps.uid_map);
}

}  // namespace pausa::infra
