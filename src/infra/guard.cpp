// pausa-guard: the parent of a pod's supervisor. It waits; when the supervisor ends other than by
// exit(0) it starts the next one, which adopts the pod from infra. It exits 0 after a supervisor
// that did (the pod is done), 1 when it cannot start one at all, 2 on wrong use.
//
//   pausa-guard SUPERVISOR-PID ARGV0 [ARG…]     descriptor 3: the program to start
//
// SUPERVISOR-PID is a child already (the process that execs the guard forked it), or 0: start one
// now. The environment is passed on. Freestanding, see infra/bare.hpp.
#include "infra/respawn.hpp"

#include <linux/close_range.h>

namespace pausa::infra {
namespace {

using bare::call;

constexpr int64_t shortest_pause = 5 * millisecond;
constexpr int64_t longest_pause = 1'000 * millisecond;
constexpr int64_t short_life = 1'000 * millisecond;
// Who is killed is back at once, unless it goes on and on (short of memory, say).
constexpr int most_free_kills = 10;
constexpr int64_t longest_kill_pause = 100 * millisecond;
// A program that cannot run will not run later; a machine that is short of memory may recover.
constexpr int most_refused_starts = 4;
constexpr int most_failed_starts = 600;  // ten minutes of pauses

void pause_for(int64_t ns) noexcept {
  const timespec length{ns / 1'000'000'000, ns % 1'000'000'000};
  (void)call(SYS_nanosleep, &length, nullptr);
}

// Doubles with every use, from 5 ms to 1 s.
class Backoff {
 public:
  void wait(int64_t most) noexcept {
    pause_for(next_ < most ? next_ : most);
    next_ = next_ * 2 < longest_pause ? next_ * 2 : longest_pause;
  }
  void reset() noexcept { next_ = shortest_pause; }

 private:
  int64_t next_ = shortest_pause;
};

bool is_refusal(long rc) noexcept {
  return rc == -EACCES || rc == -EPERM || rc == -ENOEXEC || rc == -ENOENT || rc == -EBADF ||
         rc == -EINVAL;
}

struct Death {
  int code;
  int status;
};

// Reaps whoever ends (orphans of the pod's host side come here too) until the supervisor does.
Death wait_for(int32_t supervisor) noexcept {
  for (;;) {
    siginfo_t info{};
    const long rc = call(SYS_waitid, P_ALL, 0, &info, WEXITED | __WALL, nullptr);
    if (rc == -ECHILD) return {CLD_KILLED, SIGKILL};  // never was our child, or is gone
    if (rc == 0 && info.si_pid == supervisor) return {info.si_code, info.si_status};
  }
}

[[noreturn]] void guard(int32_t supervisor, const char* const* argv,
                        const char* const* environment) noexcept {
  Backoff backoff;
  int failed_starts = 0;
  int kills = 0;
  // A supervisor that was handed to us counts as one that has lived.
  int64_t started = now_ns() - short_life;
  for (;;) {
    if (supervisor > 0) {
      const Death death = wait_for(supervisor);
      if (death.code == CLD_EXITED && death.status == 0) bare::exit_program(0);
      const bool killed = death.code == CLD_KILLED && death.status == SIGKILL;
      if (now_ns() - started >= short_life) {
        backoff.reset();
        kills = 0;
      } else if (!killed) {
        backoff.wait(longest_pause);
      } else if (++kills > most_free_kills) {
        backoff.wait(longest_kill_pause);
      }
    }
    started = now_ns();
    const long pid = start_program(argv, environment, false);
    supervisor = pid > 0 ? static_cast<int32_t>(pid) : 0;
    if (pid > 0) {
      failed_starts = 0;
    } else {
      const int most = is_refusal(pid) ? most_refused_starts : most_failed_starts;
      if (++failed_starts >= most) bare::exit_program(1);
      backoff.wait(longest_pause);
    }
  }
}

}  // namespace
}  // namespace pausa::infra

extern "C" [[noreturn]] void bare_main(const long* stack) noexcept {
  using namespace pausa;
  const long argc = stack[0];
  const auto* argv = reinterpret_cast<const char* const*>(stack + 1);
  const char* const* environment = argv + argc + 1;
  if (argc < 3) bare::exit_program(2);
  const int32_t supervisor = infra::parse_pid(argv[1]);
  if (supervisor < 0) bare::exit_program(2);
  bare::block_all_signals();
  bare::take_child_signals();
  (void)bare::call(SYS_prctl, PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  (void)bare::call(SYS_prctl, PR_SET_NAME, "pausa-guard", 0, 0, 0);
  (void)bare::call(SYS_fcntl, infra::program_fd, F_SETFD, FD_CLOEXEC);
  (void)bare::call(SYS_close_range, infra::program_fd + 1, ~0U, 0);
  infra::guard(supervisor, argv + 2, environment);
}
