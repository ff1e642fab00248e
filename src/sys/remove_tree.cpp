#include "sys/error.hpp"
#include "sys/path.hpp"

#include <dirent.h>
#include <errno.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <memory>
#include <utility>

namespace pausa::sys {
namespace {

using Dir = std::unique_ptr<DIR, int (*)(DIR*)>;

// How a name inside the tree is opened: it is one component, hostile, and perhaps a mount point.
constexpr std::uint64_t inside = RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH;

int open_resolving(int dirfd, const char* name, std::uint64_t flags, std::uint64_t resolve) {
  open_how how{};
  how.flags = flags | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  how.resolve = resolve;
  long fd = -1;
  do fd = ::syscall(SYS_openat2, dirfd, name, &how, sizeof how);
  while (fd < 0 && (errno == EINTR || errno == EAGAIN));
  return static_cast<int>(fd);
}

// Root passes the mode bits. Anyone else first opens up a directory of theirs that denies them, to
// read it (0000), to unlink in it (0555) or to move it, which rewrites its "..".
int open_to_empty(int dirfd, const char* name, std::uint64_t resolve = inside) {
  const uid_t user = ::geteuid();
  if (user == 0) return open_resolving(dirfd, name, O_RDONLY, resolve);
  const UniqueFd handle(open_resolving(dirfd, name, O_PATH, resolve));
  struct stat info {};
  if (!handle || ::fstat(handle.get(), &info) != 0) return -1;
  if (info.st_uid == user && (info.st_mode & S_IRWXU) != S_IRWXU) {
    const std::string link = "/proc/self/fd/" + std::to_string(handle.get());
    if (::chmod(link.c_str(), S_IRWXU) != 0) return -1;
  }
  return open_resolving(dirfd, name, O_RDONLY, resolve);
}

class Remover {
 public:
  explicit Remover(std::string top_name) : top_name_(std::move(top_name)) {}

  // Empties the top directory. What lies deeper than its children is moved up into it, under
  // numbers, and emptied there, so that the depth of the tree costs neither stack nor descriptors.
  void empty(int top) {
    top_ = top;
    for_each(top, [this](const char* name) { remove_child(name); });
    for (; emptied_ < moved_; ++emptied_) remove_child(parked_name(emptied_).c_str());
  }
  // The first failure, if any.
  const std::optional<Error>& failure() const { return failure_; }

 private:
  static std::string parked_name(std::uint64_t number) {
    return ".removing-" + std::to_string(number);
  }
  void fail(int err, const std::string& doing) {
    if (!failure_) failure_.emplace(err, "remove " + top_name_ + ": " + doing);
  }

  template <typename Visit>
  void for_each(int dirfd, Visit visit) {
    UniqueFd own(::openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    const Dir dir(own ? ::fdopendir(own.get()) : nullptr, ::closedir);
    if (!dir) return fail(errno, "list");
    (void)own.release();  // closedir closes it
    for (;;) {
      errno = 0;
      const dirent* entry = ::readdir(dir.get());
      if (entry == nullptr) break;
      const std::string_view name = entry->d_name;
      if (name != "." && name != "..") visit(entry->d_name);
    }
    if (errno != 0) fail(errno, "list");
  }

  // True when the entry is gone, false when it is a directory that is not empty.
  bool remove_simple(int dirfd, const char* name) {
    if (::unlinkat(dirfd, name, 0) == 0 || errno == ENOENT) return true;
    // Linux says EISDIR, some file systems EPERM as POSIX wants it.
    if (errno != EISDIR && errno != EPERM) return fail(errno, name), true;
    const int first = errno;
    if (::unlinkat(dirfd, name, AT_REMOVEDIR) == 0 || errno == ENOENT) return true;
    if (errno == ENOTEMPTY || errno == EEXIST || errno == EACCES) return false;
    return fail(errno == ENOTDIR ? first : errno, name), true;
  }

  void remove_child(const char* name) {
    if (remove_simple(top_, name)) return;
    const UniqueFd child(open_to_empty(top_, name));
    if (!child) {
      if (errno != ENOENT) fail(errno == EXDEV ? EBUSY : errno, name);
      return;
    }
    for_each(child.get(), [&](const char* inner) {
      if (!remove_simple(child.get(), inner)) park(child.get(), inner);
    });
    // Not empty: somebody else is at work in there, or has parked something. The next round sees
    // it.
    if (::unlinkat(top_, name, AT_REMOVEDIR) != 0 && errno != ENOENT && errno != ENOTEMPTY &&
        errno != EEXIST)
      fail(errno, name);
  }

  // A name of the top that is taken costs nothing: an empty directory or a file there gives way and
  // was to be removed anyhow, anything else makes us take the next number.
  void park(int dirfd, const char* name) {
    if (::geteuid() != 0) (void)UniqueFd(open_to_empty(dirfd, name));
    for (;; ++moved_) {
      const std::string parked = parked_name(moved_);
      if (::renameat(dirfd, name, top_, parked.c_str()) == 0) break;
      if (errno == ENOENT) return;
      const bool taken =
          errno == EEXIST || errno == ENOTEMPTY || errno == ENOTDIR || errno == EISDIR;
      if (!taken) return fail(errno, name);
    }
    ++moved_;
  }

  std::string top_name_;
  int top_ = -1;
  std::uint64_t moved_ = 0;
  std::uint64_t emptied_ = 0;
  std::optional<Error> failure_;
};

}  // namespace

void remove_tree_at(int dirfd, const std::string& path) {
  // Someone may still be writing into the tree: a few rounds, each of which sees what is new.
  for (int round = 0; round < 8; ++round) {
    if (::unlinkat(dirfd, path.c_str(), 0) == 0 || errno == ENOENT) return;
    if (errno != EISDIR && errno != EPERM) check(-1, "remove ", path);
    if (::unlinkat(dirfd, path.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT) return;
    if (errno != ENOTEMPTY && errno != EEXIST && errno != EACCES) check(-1, "remove ", path);
    // The caller's own path, so resolved as usual. A mount point was refused by rmdir (EBUSY).
    const UniqueFd top(open_to_empty(dirfd, path.c_str(), 0));
    if (!top && errno == ENOENT) return;
    if (!top) throw Error(errno == EXDEV ? EBUSY : errno, "remove " + path);
    Remover remover(path);
    remover.empty(top.get());
    if (remover.failure()) throw Error(*remover.failure());
  }
  check(::unlinkat(dirfd, path.c_str(), AT_REMOVEDIR), "remove ", path);
}

}  // namespace pausa::sys
