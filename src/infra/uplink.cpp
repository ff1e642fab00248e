// pausa-uplink: keeps the network that the pods of a user without root share (supervisor/
// user_network.hpp): it holds the network namespace, starts pasta again when that ends, and ends
// with it when the last pod has gone.
//
//   pausa-uplink PASTA-PID pasta [ARG…]     descriptors, 3: the program pasta, 4: the network
//   namespace, 5: the reading end of a pipe, 6: the lock
//
// PASTA-PID is a child already (the process that execs this one started it), or 0: start one. Each
// pod has the writing end of the pipe, so that the kernel counts them, whoever is killed. Who joins
// opens it under the lock; so a pipe that has no writer under the lock will have none.
// Freestanding, see infra/bare.hpp.
#include "infra/respawn.hpp"

#include <linux/close_range.h>
#include <poll.h>

namespace pausa::infra {
namespace {

using bare::call;

constexpr int users_fd = 5;
constexpr int lock_fd = 6;
constexpr int64_t shortest_pause = 5 * millisecond;
constexpr int64_t longest_pause = 30'000 * millisecond;  // a machine may be offline for days
constexpr int64_t short_life = 1'000 * millisecond;

class Pasta {
 public:
  Pasta(const char* const* argv, const char* const* environment, int32_t pid) noexcept
      : argv_(argv), environment_(environment) {
    take(pid);
  }

  int fd() const noexcept { return fd_; }
  // How long until it is to be started; -1: it runs.
  int64_t pause() const noexcept {
    if (pid_ > 0) return -1;
    const int64_t left = next_start_ - now_ns();
    return left > 0 ? left : 0;
  }

  void start() noexcept {
    started_ = now_ns();
    const long pid = start_program(argv_, environment_, true);
    if (pid > 0)
      take(static_cast<int32_t>(pid));
    else
      wait_longer();
  }

  void reap() noexcept {
    (void)call(SYS_wait4, pid_, nullptr, __WALL, nullptr);
    bare::close_fd(fd_);
    fd_ = -1;
    pid_ = 0;
    if (now_ns() - started_ >= short_life) pause_ = 0;
    wait_longer();
  }

  void kill() noexcept {
    if (pid_ <= 0) return;
    (void)call(SYS_kill, pid_, SIGKILL);  // our child, not reaped: the number is its own
    (void)call(SYS_wait4, pid_, nullptr, __WALL, nullptr);
  }

 private:
  void take(int32_t pid) noexcept {
    pid_ = pid;
    if (pid > 0) fd_ = static_cast<int>(call(SYS_pidfd_open, pid, 0));
  }
  void wait_longer() noexcept {
    next_start_ = now_ns() + pause_;
    pause_ = pause_ == 0 ? shortest_pause : pause_ * 2;
    if (pause_ > longest_pause) pause_ = longest_pause;
  }

  const char* const* argv_;
  const char* const* environment_;
  int32_t pid_ = 0;
  int fd_ = -1;  // its pidfd
  int64_t pause_ = 0;
  int64_t next_start_ = 0;
  int64_t started_ = 0;
};

bool is_unused() noexcept {
  pollfd users{users_fd, 0, 0};
  const timespec now{};
  return call(SYS_ppoll, &users, 1, &now, nullptr, 8) == 1 && (users.revents & POLLHUP) != 0;
}

[[noreturn]] void keep(Pasta& pasta) noexcept {
  for (;;) {
    int64_t pause = pasta.pause();
    if (pause == 0) {
      pasta.start();
      continue;
    }
    pollfd watched[2] = {{users_fd, 0, 0}, {pasta.fd(), POLLIN, 0}};
    const timespec length{pause / 1'000'000'000, pause % 1'000'000'000};
    (void)call(SYS_ppoll, watched, 2, pause > 0 ? &length : nullptr, nullptr, 8);
    if ((watched[1].revents & POLLIN) != 0) pasta.reap();
    if ((watched[0].revents & POLLHUP) == 0) continue;
    // Whoever has the lock may be about to join, and then there is a writer again.
    while (call(SYS_flock, lock_fd, LOCK_EX) == -EINTR) {}
    if (is_unused()) {
      pasta.kill();
      bare::exit_program(0);
    }
    (void)call(SYS_flock, lock_fd, LOCK_UN);
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
  const int32_t pid = infra::parse_pid(argv[1]);
  if (pid < 0) bare::exit_program(2);
  bare::block_all_signals();
  bare::take_child_signals();
  (void)bare::call(SYS_prctl, PR_SET_NAME, "pausa-uplink", 0, 0, 0);
  for (int fd = infra::program_fd; fd <= infra::lock_fd; ++fd)
    (void)bare::call(SYS_fcntl, fd, F_SETFD, FD_CLOEXEC);
  (void)bare::call(SYS_close_range, infra::lock_fd + 1, ~0U, 0);
  infra::Pasta pasta(argv + 2, environment, pid);
  infra::keep(pasta);
}
