#include "sys/file_lock.hpp"

#include "sys/error.hpp"
#include "sys/pause.hpp"

#include <errno.h>
#include <sys/file.h>

#include <chrono>
#include <string>

namespace pausa::sys {

void lock_exclusively(int fd, std::string_view what) {
  constexpr std::chrono::seconds patience(30);
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (::flock(fd, LOCK_EX | LOCK_NB) < 0) {
    if (errno != EINTR && errno != EWOULDBLOCK) check(-1, what);
    if (std::chrono::steady_clock::now() >= deadline)
      throw Error(ETIMEDOUT, std::string(what) + ": another process holds it");
    pause_briefly();
  }
}

}  // namespace pausa::sys
