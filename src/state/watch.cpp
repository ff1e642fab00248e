#include "state/watch.hpp"

#include "sys/error.hpp"
#include "sys/path.hpp"

#include <fcntl.h>
#include <sys/inotify.h>
#include <unistd.h>

namespace pausa::state {

Watch::Watch(Paths paths)
    : paths_(std::move(paths)),
      inotify_(sys::check(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC), "inotify")) {
  (void)sys::make_dirs_at(AT_FDCWD, paths_.run_pods(), 0700);
  add_path(paths_.run_pods(), IN_CREATE | IN_MOVED_TO | IN_DELETE);
}

void Watch::add(const PodKey& key) {
  add_path(paths_.run_dir(key), IN_MOVED_TO | IN_DELETE | IN_DELETE_SELF);
}

void Watch::add_folder(const std::string& path) {
  add_path(path, IN_MOVED_TO | IN_DELETE | IN_DELETE_SELF);
}

void Watch::add_path(const std::string& path, std::uint32_t events) {
  if (::inotify_add_watch(inotify_.get(), path.c_str(), events | IN_ONLYDIR) >= 0) return;
  if (errno == ENOENT) return;
  sys::Error error(errno, "watch " + path);
  if (error.err() == ENOSPC) error.advise("raise /proc/sys/fs/inotify/max_user_watches");
  throw error;
}

bool Watch::clear() noexcept {
  alignas(inotify_event) char events[4096];
  bool any = false;
  while (::read(inotify_.get(), events, sizeof events) > 0) any = true;
  return any;
}

}  // namespace pausa::state
