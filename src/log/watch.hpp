// Tells a follower that a log may have new lines, or a container a new instance. Needs /proc.
// Owns an inotify descriptor; the directories are borrowed for add() only. Not for child zones.
#pragma once

#include "sys/fd.hpp"

namespace pausa::log {

class Watcher {
 public:
  Watcher();

  // Readable when something has changed since the last clear().
  int fd() const noexcept { return inotify_.get(); }
  // A directory of an instance (layout.hpp) or of a container. Add first, read then: what comes
  // in between is seen by the one or the other. Throws sys::Error; ENOSPC there means that the
  // user's inotify watches are used up.
  void add(int dir);
  // Forgets what has happened so far: clear, then read to the end, then wait for fd(). Returns
  // whether anything had changed.
  bool clear() noexcept;

 private:
  sys::UniqueFd inotify_;
};

}  // namespace pausa::log
