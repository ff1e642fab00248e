#include "log/pipe.hpp"

#include "sys/error.hpp"

#include <fcntl.h>
#include <sys/epoll.h>

namespace pausa::log {

std::size_t grow_pipe(int pipe, std::size_t want) noexcept {
  const int now = ::fcntl(pipe, F_GETPIPE_SZ);
  if (now < 0) return 0;
  const auto present = static_cast<std::size_t>(now);
  for (std::size_t size = want; size > present; size /= 2) {
    const int set = ::fcntl(pipe, F_SETPIPE_SZ, static_cast<int>(size));
    if (set >= 0) return static_cast<std::size_t>(set);
  }
  return present;
}

Gate::Gate(int pipe) : epoll_(sys::check(::epoll_create1(EPOLL_CLOEXEC), "epoll")), pipe_(pipe) {
  open();
}

void Gate::open() {
  if (open_) return;
  epoll_event event{};
  event.events = EPOLLIN;
  sys::check(::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, pipe_, &event), "wait for a log pipe");
  open_ = true;
}

void Gate::shut() noexcept {
  if (!open_) return;
  (void)::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, pipe_, nullptr);
  open_ = false;
}

}  // namespace pausa::log
