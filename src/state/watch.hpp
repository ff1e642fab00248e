// Tells a command that waits when pods come, change or go, without asking again and again:
// inotify(7) on the folder of all pods and on those of the pods of interest. What is true then
// stands in the records. Owns its descriptor. Not for child zones.
#pragma once

#include "state/paths.hpp"
#include "sys/fd.hpp"

namespace pausa::state {

class Watch {
 public:
  // Makes the folder of all pods if need be. Throws sys::Error; ENOSPC there means that the user's
  // inotify watches are used up.
  explicit Watch(Paths paths);

  // Readable when something has changed since the last clear().
  int fd() const noexcept { return inotify_.get(); }
  // The pod's own folder, if there is one. Its coming is seen in any case: add again then, since
  // the folder is a new one. The order that misses nothing: clear, add, read, wait.
  void add(const PodKey& key);
  // What is put into this folder, or leaves it.
  void add_folder(const std::string& path);
  // Forgets what has happened so far; whether anything had.
  bool clear() noexcept;

 private:
  void add_path(const std::string& path, std::uint32_t events);

  Paths paths_;
  sys::UniqueFd inotify_;
};

}  // namespace pausa::state
