// CHILD ZONE: clone to execve. A copied heap and perhaps a held malloc lock: plain system calls
// only. No allocation, throw, destructor or logging; the parent prepared all that Plan points to.
#include "launch/step.hpp"
#include "sys/socket.hpp"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

namespace pausa::launch {
namespace {

// Where close_fds moves what is still needed.
constexpr int report_fd = 3;
constexpr int nested_fd = 4;

// The plan and what changes on the way through it.
struct Walk {
  const Plan& plan;
  int report;
  int nested = -1;
  std::int32_t detail = 0;
};

[[noreturn]] void fail(const Walk& walk, std::size_t step) noexcept {
  const Report report{static_cast<std::int32_t>(step), errno, 0, walk.detail};
  (void)sys::send_packet(walk.report, &report, sizeof report);
  ::_exit(127);
}

int write_text(int fd, const char* text) noexcept {
  std::size_t size = 0;
  while (text[size] != '\0') ++size;
  return ::write(fd, text, size) == static_cast<ssize_t>(size) ? 0 : -1;
}

int take_stdio(const Plan& plan) noexcept {
  int in = plan.stdin_fd;
  if (in < 0) in = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (in < 0) return -1;
  if (::dup2(in, 0) < 0 || ::dup2(plan.stdout_fd, 1) < 0 || ::dup2(plan.stderr_fd, 2) < 0)
    return -1;
  return 0;
}

// The container's own devpts is new, so its first terminal is number 0.
int take_terminal(const Walk& walk, bool as_console) noexcept {
  const int master = ::open("/dev/pts/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (master < 0) return -1;
  int unlock = 0;
  if (::ioctl(master, TIOCSPTLCK, &unlock) < 0) return -1;
  // By the master, not by name: nobody can have put something else at /dev/pts/0 (Linux 4.13).
  const int peer = ::ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (peer < 0) return -1;
  if (walk.plan.confinement->uid != 0 &&
      ::fchown(peer, walk.plan.confinement->uid, static_cast<gid_t>(-1)) < 0)
    return -1;
  const int console =
      as_console
          ? ::open("/dev/console", O_CREAT | O_WRONLY | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC, 0600)
          : -1;
  if (console >= 0) {
    (void)::close(console);
    if (::mount("/dev/pts/0", "/dev/console", nullptr, MS_BIND, nullptr) < 0) return -1;
  }
  for (int fd = 0; fd < 3; ++fd)
    if (::dup2(peer, fd) < 0) return -1;
  const Report report{Report::terminal_made, 0, 0, 0};
  return sys::send_packet(walk.report, &report, sizeof report, master) < 0 ? -1 : 0;
}

int close_fds(Walk& walk, int nested) noexcept {
  // Both may sit at the other's number: lift them out of the way first.
  int high_nested = -1;
  if (nested >= 0) {
    high_nested = ::fcntl(nested, F_DUPFD_CLOEXEC, nested_fd + 1);
    if (high_nested < 0) return -1;
  }
  if (walk.report != report_fd) {
    if (::dup3(walk.report, report_fd, O_CLOEXEC) < 0) return -1;
    walk.report = report_fd;
  }
  unsigned first = report_fd + 1;
  if (high_nested >= 0) {
    if (::dup3(high_nested, nested_fd, O_CLOEXEC) < 0) return -1;
    walk.nested = nested_fd;
    first = nested_fd + 1;
  }
  return static_cast<int>(::syscall(SYS_close_range, first, ~0U, 0));
}

// The middle process: makes the member, tells of it, and ends. clone(2), since the filter that may
// be on already answers ENOSYS to clone3.
[[noreturn]] void make_member(Walk& walk, const Step& step, std::size_t index) noexcept;

int fork_member(Walk& walk, const Step& step, std::size_t index) noexcept {
  if ((step.flags & CLONE_PARENT) != 0) make_member(walk, step, index);
  const long middle = ::syscall(SYS_clone, SIGCHLD, nullptr, nullptr, nullptr, nullptr);
  if (middle < 0) return -1;
  if (middle == 0) {
    make_member(walk, step, index);
  }
  int status = 0;
  while (::waitpid(static_cast<pid_t>(middle), &status, 0) < 0)
    if (errno != EINTR) break;
  ::_exit(0);
}

// What is made from here on belongs to the namespace's root. Joining leaves us the ids that we had,
// which do not exist in there (user_namespaces(7)).
int become_userns_root() noexcept {
  if (::syscall(SYS_setgroups, 0, nullptr) < 0) return -1;
  if (::syscall(SYS_setresgid, 0, 0, 0) < 0) return -1;
  return static_cast<int>(::syscall(SYS_setresuid, 0, 0, 0));
}

int start_session(bool terminal) noexcept {
  if (::setsid() < 0) return -1;
  if (terminal && ::ioctl(0, TIOCSCTTY, 0) < 0) return -1;
  for (int number = 1; number < 65; ++number) {
    struct sigaction action {};
    action.sa_handler = SIG_DFL;
    (void)::sigaction(number, &action, nullptr);  // SIGKILL and SIGSTOP refuse, as they should
  }
  sigset_t none;
  (void)::sigemptyset(&none);
  return ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

int wait_go(const Walk& walk) noexcept {
  char go = 0;
  ssize_t got;
  do {
    got = ::recv(walk.report, &go, 1, 0);
  } while (got < 0 && errno == EINTR);
  if (got == 1) return 0;
  ::_exit(0);  // the parent has changed its mind or is gone: nobody listens to a report
}

int execute_program(Walk& walk, const Step& step) noexcept {
  int denied = 0;
  for (const char* const* file = step.list; *file != nullptr; ++file) {
    (void)::execve(*file, const_cast<char* const*>(walk.plan.argv),
                   const_cast<char* const*>(walk.plan.envp));
    if (errno == EACCES) denied = EACCES;  // as a shell: go on, and say so if nothing else is found
    if (errno == ENOENT && ::faccessat(AT_FDCWD, *file, F_OK, 0) == 0) {
      errno = ENOENT;
      walk.detail = 1;
      return -1;
    }
    if (errno != ENOENT && errno != ENOTDIR && errno != EACCES) return -1;
  }
  errno = denied != 0 ? denied : ENOENT;
  return -1;
}

int run_step(Walk& walk, const Step& step, std::size_t index, int nested) noexcept {
  const security::Confinement& confinement = *walk.plan.confinement;
  switch (step.op) {
    case Op::cgroup_tasks:
      return write_text(step.fd, "0");
    case Op::unshare:
      return ::unshare(static_cast<int>(step.flags));
    case Op::setns:
      return ::setns(step.fd, static_cast<int>(step.flags));
    case Op::mount:
      return rootfs::execute(*step.mount, walk.plan.slots);
    case Op::userns_root:
      return become_userns_root();
    case Op::keyring:
      return security::new_session_keyring() ? 0 : -1;
    case Op::oom_score:
      // Lowering needs CAP_SYS_RESOURCE; without it the member keeps what it inherited.
      return security::set_oom_score_adj(step.path) || errno == EACCES ? 0 : -1;
    case Op::limits:
      security::set_umask(confinement.umask);
      return security::set_rlimits(confinement) ? 0 : -1;
    case Op::stdio:
      return take_stdio(walk.plan);
    case Op::terminal:
      return take_terminal(walk, step.flags != 0);
    case Op::close_fds:
      return close_fds(walk, nested);
    case Op::seccomp:
      return security::load_filter(confinement) ? 0 : -1;
    case Op::bound_caps:
      return security::bound_caps(step.flags) ? 0 : -1;
    case Op::hold_caps:
      return security::hold_caps(step.flags) ? 0 : -1;
    case Op::fork:
      return fork_member(walk, step, index);
    case Op::wait_go:
      return wait_go(walk);
    case Op::session:
      return start_session(step.flags != 0);
    case Op::working_dir:
      return ::chdir(step.path);
    case Op::identity:
      return security::set_ids(confinement) ? 0 : -1;
    case Op::no_new_privs:
      return security::set_no_new_privs() ? 0 : -1;
    case Op::exec:
      return execute_program(walk, step);
  }
  errno = EINVAL;
  return -1;
}

[[noreturn]] void run_from(Walk& walk, std::size_t first) noexcept {
  int nested = -1;
  for (std::size_t i = 0; i < walk.plan.step_count; ++i)
    if (walk.plan.steps[i].op == Op::fork) nested = walk.plan.steps[i].fd;
  for (std::size_t i = first; i < walk.plan.step_count; ++i)
    if (run_step(walk, walk.plan.steps[i], i, nested) < 0) fail(walk, i);
  ::_exit(127);
}

void make_member(Walk& walk, const Step& step, std::size_t index) noexcept {
  if (walk.nested >= 0 && ::setns(walk.nested, CLONE_NEWPID) < 0) fail(walk, index);
  int pidfd = -1;
  // clone(2) puts the pidfd where CLONE_PARENT_SETTID would put the pid. The third and fourth
  // arguments differ in order between architectures, but both are unused here.
  const long member =
      ::syscall(SYS_clone, static_cast<unsigned long>(SIGCHLD) | CLONE_PIDFD | step.flags, nullptr,
                &pidfd, nullptr, nullptr);
  if (member < 0) fail(walk, index);
  if (member == 0) run_from(walk, index + 1);
  const Report report{Report::member_made, 0, static_cast<std::int32_t>(member), 0};
  if (sys::send_packet(walk.report, &report, sizeof report, pidfd) < 0) ::_exit(127);
  ::_exit(0);
}

}  // namespace

void run_joiner(const Plan& plan) noexcept {
  // Modes are exact until the member gets its own mask: the kernel takes the mask off mknod, too.
  (void)::umask(0);
  Walk walk{plan, plan.report};
  run_from(walk, 0);
}

}  // namespace pausa::launch
