#include "infra/sandbox.hpp"

#include "infra/enter.hpp"
#include "infra/protocol.hpp"
#include "infra/sandbox_plan.hpp"
#include "sys/error.hpp"
#include "sys/namespace.hpp"
#include "sys/process.hpp"
#include "sys/socket.hpp"

#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <csignal>
#include <cstddef>
#include <utility>

namespace pausa::infra {
namespace {

using Clock = std::chrono::steady_clock;

void write_file(const std::string& path, const std::string& text) {
  const sys::UniqueFd fd(sys::check(::open(path.c_str(), O_WRONLY | O_CLOEXEC), "open ", path));
  // One write: the kernel reads maps and offsets as a whole (user_namespaces(7)).
  sys::check(::write(fd.get(), text.data(), text.size()), "write ", path);
}

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

Sandbox clone_infra(const SandboxRequest& request, const EnterPlan& plan) {
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
  Sandbox sandbox{sys::UniqueFd(pidfd), static_cast<pid_t>(pid), {}, sys::UniqueFd()};
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

// A sandbox that will not be: killed, and reaped if that comes within the time. A tear-down step:
// what brought us here is the error to tell.
void discard(const Sandbox& sandbox) noexcept {
  try {
    (void)sys::send_signal(sandbox.pidfd.get(), SIGKILL);
    if (sys::wait_dead(sandbox.pidfd.get(), std::chrono::seconds(2)))
      (void)sys::reap(sandbox.pidfd.get());
  } catch (...) {}
}

}  // namespace

SandboxBirth::SandboxBirth(SandboxRequest request) : request_(std::move(request)) {
  const SandboxPlan plan(request_);
  note_clock_offset(request_);
  auto [ours, theirs] = sys::socket_pair(SOCK_SEQPACKET);
  sandbox_ = clone_infra(request_, plan.flat(theirs.get()));
  theirs.reset();  // from here on the end of the stream means that the child has died
  reports_ = std::move(ours);
  if (!request_.map_users) return;
  try {
    request_.map_users(sandbox_.pid);
  } catch (...) {
    discard(sandbox_);
    throw;
  }
  const char go = 1;
  (void)sys::send_packet(reports_.get(), &go, sizeof go);  // a child that is gone has reported why
}

SandboxBirth::~SandboxBirth() {
  if (sandbox_.pidfd) discard(sandbox_);
}

Sandbox SandboxBirth::finish() {
  const auto report = receive_report(reports_.get(), Clock::now() + request_.deadline);
  if (!report) throw sys::Error("create infra: it ended without a word");
  if (report->err != 0 || Stage{report->stage} != Stage::ready)
    throw report_error(*report, request_);
  sandbox_.id = sys::identify(sandbox_.pid);
  sandbox_.leash = std::move(reports_);
  return std::move(sandbox_);
}

void let_go(sys::UniqueFd leash) noexcept {
  const char word = 1;
  if (leash) (void)sys::send_packet(leash.get(), &word, sizeof word);  // dead: others hear of it
}

Sandbox create_sandbox(const SandboxRequest& request) {
  Sandbox sandbox = SandboxBirth(request).finish();
  let_go(std::move(sandbox.leash));
  return sandbox;
}

void write_user_maps(pid_t pid, const UserMaps& maps) {
  const std::string folder = "/proc/" + std::to_string(pid) + "/";
  if (maps.deny_setgroups) write_file(folder + "setgroups", "deny");
  write_file(folder + "gid_map", maps.gid_map);
  write_file(folder + "uid_map", maps.uid_map);
}

}  // namespace pausa::infra
