// The pipe between a container and its log, on the supervisor's side. Not for child zones.
#pragma once

#include "sys/fd.hpp"

#include <cstddef>

namespace pausa::log {

// Makes the pipe as large as the user's quota lets it, at most `want` bytes: beyond
// /proc/sys/fs/pipe-user-pages-soft (64 MiB a user by default) F_SETPIPE_SZ fails with EPERM, then
// smaller sizes are tried. Returns the size it has now. Either end will do. Never throws: a small
// pipe is slower, not wrong.
std::size_t grow_pipe(int pipe, std::size_t want = std::size_t{1} << 20) noexcept;

// Readiness of one pipe as a descriptor that can be switched off. A pipe that stays in the loop's
// epoll set wakes the loop at every write(2) of the container, also while the loop waits for its
// batch timer; shut, the pipe is in no wait list at all. The loop waits for fd() to be readable.
class Gate {
 public:
  // Borrows the pipe, which must outlive the gate. Starts open. Throws sys::Error.
  explicit Gate(int pipe);

  int fd() const noexcept { return epoll_.get(); }
  // Readable from now on whenever the pipe is, also if it was so before (works below an
  // edge-triggered epoll too).
  void open();
  void shut() noexcept;

 private:
  sys::UniqueFd epoll_;
  int pipe_;
  bool open_ = false;
};

}  // namespace pausa::log
