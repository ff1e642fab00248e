#include "log/watch.hpp"

#include "sys/error.hpp"

#include <sys/inotify.h>
#include <unistd.h>

#include <string>

namespace pausa::log {

Watcher::Watcher() : inotify_(sys::check(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC), "inotify")) {}

void Watcher::add(int dir) {
  // inotify takes paths only; this one leads to the directory whatever it is called by now.
  const std::string path = "/proc/self/fd/" + std::to_string(dir);
  if (::inotify_add_watch(inotify_.get(), path.c_str(), IN_MODIFY | IN_CREATE | IN_DELETE_SELF) >=
      0)
    return;
  sys::Error error(errno, "watch log directory");
  if (error.err() == ENOSPC) error.advise("raise /proc/sys/fs/inotify/max_user_watches");
  throw error;
}

bool Watcher::clear() noexcept {
  alignas(inotify_event) char events[16 * 1024];
  bool any = false;
  while (::read(inotify_.get(), events, sizeof events) > 0) any = true;
  return any;
}

}  // namespace pausa::log
