#include "sys/file_lock.hpp"

#include "sys/error.hpp"
#include "sys/path.hpp"
#include "sys/pause.hpp"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

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

UniqueFd lock_in_folder(const std::string& folder, const std::string& name, std::string_view what) {
  constexpr std::chrono::seconds patience(2);  // by then the path leads nowhere: a dangling link
  const auto deadline = std::chrono::steady_clock::now() + patience;
  for (;;) try {
      const UniqueFd dir = make_dirs_at(AT_FDCWD, folder, 0700);
      UniqueFd file = open_at(dir.get(), name, O_RDWR | O_CREAT, 0600);
      lock_exclusively(file.get(), what);
      struct ::stat locked {
      }, there{};
      check(::fstat(file.get(), &locked), what);
      // Of a file that was removed meanwhile it is a lock of nothing.
      if (::stat((folder + "/" + name).c_str(), &there) == 0 && there.st_ino == locked.st_ino &&
          there.st_dev == locked.st_dev)
        return file;
    } catch (const Error& error) {
      // Its folder was.
      if (error.err() != ENOENT || std::chrono::steady_clock::now() >= deadline) throw;
    }
}

}  // namespace pausa::sys
