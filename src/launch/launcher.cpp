#include "launch/launcher.hpp"

#include "sys/error.hpp"
#include "sys/process.hpp"
#include "sys/socket.hpp"

#include <errno.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstring>

namespace pausa::launch {
namespace {

// A signal handler of ours must not run in the child, which shares nothing but looks the same.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    (void)::sigfillset(&all);
    (void)::sigprocmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { (void)::sigprocmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_;
};

Failure describe(const Step& step, const Report& report) {
  Failure failure;
  failure.message = std::string(step.what) + ": " + std::strerror(report.error);
  if (step.mount != nullptr && step.mount->id_map >= 0 &&
      (report.error == EINVAL || report.error == EPERM))
    failure.message +=
        "; hostUsers: false needs idmapped mounts, which this kernel does not have for that file "
        "system: use ext4, xfs or btrfs, or a later kernel";
  if (step.op != Op::exec) return failure;
  failure.exit_code = report.error == ENOENT || report.error == ENOTDIR ? 127 : 126;
  if (report.detail == 1)
    failure.message =
        std::string(step.what) +
        ": the file is there, but the interpreter that it names (#! or ELF) is not in the image";
  else if (report.error == ENOEXEC)
    failure.message += "; is it a program for this machine's architecture, or a script without #!?";
  else if (report.error == ENOENT && step.list[1] != nullptr)
    failure.message += "; it is not in the container's PATH";
  return failure;
}

}  // namespace

Launch::Launch(std::unique_ptr<OwnedPlan> plan, int cgroup_fd) : plan_(std::move(plan)) {
  auto [ours, theirs] = sys::socket_pair(SOCK_SEQPACKET);
  const Plan flat = plan_->plan(theirs.get());
  int pidfd = -1;
  clone_args args{};
  args.flags = CLONE_PIDFD;
  args.pidfd = reinterpret_cast<std::uintptr_t>(&pidfd);
  args.exit_signal = SIGCHLD;
  if (cgroup_fd >= 0) {
    args.flags |= CLONE_INTO_CGROUP;
    args.cgroup = static_cast<std::uint64_t>(cgroup_fd);
  }
  const SignalsBlocked blocked;
  const long pid = ::syscall(SYS_clone3, &args, sizeof args);
  if (pid == 0) run_joiner(flat);
  sys::check(pid, "make a process for the container");
  joiner_.reset(pidfd);
  report_ = std::move(ours);
}

Launch::~Launch() {
  report_.reset();  // a member that waits for its go reads EOF and ends
  if (joiner_) {
    (void)::syscall(SYS_pidfd_send_signal, joiner_.get(), SIGKILL, nullptr, 0);
    reap_joiner();
  }
}

void Launch::reap_joiner() {
  if (!joiner_) return;
  try {
    (void)sys::reap(joiner_.get());
  } catch (const sys::Error&) {
    // Not our child any more: an earlier supervisor's.
  }
  joiner_.reset();
}

Launch::Stage Launch::advance() {
  while (stage_ == Stage::setting_up || stage_ == Stage::ready) {
    pollfd ready{report_.get(), POLLIN, 0};
    if (::poll(&ready, 1, 0) <= 0) break;
    Report report;
    int fd = -1;
    const long got = sys::receive_packet(report_.get(), &report, sizeof report, fd);
    sys::UniqueFd passenger(fd);
    if (got < 0 && errno == EINTR) continue;
    if (got == sizeof report)
      take(report, std::move(passenger));
    else
      finish();
  }
  return stage_;
}

void Launch::take(const Report& report, sys::UniqueFd passenger) {
  if (report.step == Report::member_made) {
    member_ = std::move(passenger);
    pod_pid_ = report.pid;
    stage_ = Stage::ready;
    reap_joiner();
  } else if (report.step == Report::terminal_made) {
    terminal_ = std::move(passenger);
  } else {
    const auto index = static_cast<std::size_t>(report.step);
    if (index < plan_->steps().size()) failure_ = describe(plan_->steps()[index], report);
    stage_ = Stage::failed;
    reap_joiner();
  }
}

// The last holder of the other end is gone: the member has exec'd, or somebody died unheard.
void Launch::finish() {
  if (stage_ == Stage::ready && gone_ahead_) {
    // Died between the go and execve: the kernel killed it. Whether it did shows in the exit table.
    stage_ = Stage::started;
    return;
  }
  failure_.message =
      "the container's first process died while it was set up (killed by the kernel: a memory or "
      "pids limit that is too small?)";
  stage_ = Stage::failed;
  reap_joiner();
}

bool Launch::wait_beyond(Stage from, std::chrono::milliseconds timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  while (advance() == from) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) return false;
    pollfd ready{report_.get(), POLLIN, 0};
    (void)::poll(&ready, 1, static_cast<int>(left.count()));
  }
  return true;
}

void Launch::go() {
  gone_ahead_ = true;
  const char byte = 1;
  (void)::send(report_.get(), &byte, 1, MSG_NOSIGNAL);  // if it died, the reports will say so
}

}  // namespace pausa::launch
