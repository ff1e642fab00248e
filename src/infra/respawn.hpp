// What pausa-guard and pausa-uplink have in common: a child that is started again when it ends, and
// pauses that grow. Part of the freestanding binaries.
#pragma once

#include "infra/bare.hpp"

#include <linux/fcntl.h>
#include <linux/prctl.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

namespace pausa::infra {

constexpr int program_fd = 3;  // the program to start
constexpr int64_t millisecond = 1'000'000;

inline int64_t now_ns() noexcept {
  timespec now{};
  (void)bare::call(SYS_clock_gettime, CLOCK_BOOTTIME, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

inline int32_t parse_pid(const char* text) noexcept {
  int64_t pid = 0;
  if (*text == '\0') return -1;
  for (; *text != '\0'; ++text) {
    if (*text < '0' || *text > '9') return -1;
    pid = pid * 10 + (*text - '0');
    if (pid > INT32_MAX) return -1;
  }
  return static_cast<int32_t>(pid);
}

// The new child's pid, or -errno when the program could not be executed. A pipe that closes on exec
// tells the two apart, whatever the program's own exit code will be. dies_with_us: when we end, the
// kernel kills it.
inline long start_program(const char* const* argv, const char* const* environment,
                          bool dies_with_us) noexcept {
  using bare::call;
  int ends[2] = {};
  if (const long rc = call(SYS_pipe2, ends, O_CLOEXEC); rc < 0) return rc;
  const long parent = call(SYS_getpid);
  const long pid = call(SYS_clone, SIGCHLD, 0, 0, 0, 0);
  if (pid == 0) {
    bare::close_fd(ends[0]);
    const uint64_t none = 0;
    (void)call(SYS_rt_sigprocmask, SIG_SETMASK, &none, nullptr, sizeof none);
    if (dies_with_us) {
      (void)call(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
      if (call(SYS_getppid) != parent) bare::exit_program(127);  // it has died before
    }
    const auto failure =
        static_cast<int>(call(SYS_execveat, program_fd, "", argv, environment, AT_EMPTY_PATH));
    (void)call(SYS_write, ends[1], &failure, sizeof failure);
    bare::exit_program(127);
  }
  bare::close_fd(ends[1]);
  int failure = 0;
  if (pid > 0 && call(SYS_read, ends[0], &failure, sizeof failure) == sizeof failure) {
    (void)call(SYS_wait4, pid, nullptr, __WALL, nullptr);
    bare::close_fd(ends[0]);
    return failure;
  }
  bare::close_fd(ends[0]);
  return pid;
}

}  // namespace pausa::infra
