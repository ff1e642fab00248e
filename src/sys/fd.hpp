// The owner of a file descriptor. Passing a UniqueFd by value transfers the descriptor, passing an
// int lends it for the call. May be used in child zones (no allocation, nothing throws).
#pragma once

#include <unistd.h>

#include <utility>

namespace pausa::sys {

class UniqueFd {
 public:
  explicit UniqueFd(int fd = -1) noexcept : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(other.release()) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept { return reset(other.release()); }
  UniqueFd(const UniqueFd&) = delete;
  UniqueFd& operator=(const UniqueFd&) = delete;
  ~UniqueFd() { reset(); }

  int get() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }
  [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }
  UniqueFd& reset(int fd = -1) noexcept {
    const int old = std::exchange(fd_, fd);
    if (old >= 0) (void)::close(old);  // never retried: Linux frees the number even on EINTR
    return *this;
  }

 private:
  int fd_;
};

}  // namespace pausa::sys
