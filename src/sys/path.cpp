#include "sys/path.hpp"

#include "sys/error.hpp"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

namespace pausa::sys {
namespace {

constexpr int dir_flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
constexpr int most_links = 40;  // as many as the kernel follows (path_resolution(7))

// glibc 2.36 has no wrapper. EAGAIN: a rename or mount raced with a ".." below a confined root.
int openat2_retrying(int dirfd, const char* path, open_how how) {
  how.flags |= O_CLOEXEC;
  for (int attempt = 0;; ++attempt) {
    const long fd = ::syscall(SYS_openat2, dirfd, path, &how, sizeof how);
    if (fd >= 0) return static_cast<int>(fd);
    if (errno != EINTR && (errno != EAGAIN || attempt == 1000)) return -1;
  }
}

int open_confined(int rootfd, const std::string& path, std::uint64_t flags, mode_t mode) {
  open_how how{};
  how.flags = flags;
  how.mode = mode;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  return openat2_retrying(rootfd, path.empty() ? "." : path.c_str(), how);
}

bool is_absence(int err) {
  return err == ENOENT || err == ENOTDIR;
}

// "a//b/./c" is {a, b, c}. ".." stays: what it means is the resolver's business.
std::vector<std::string> split(std::string_view path) {
  std::vector<std::string> parts;
  while (!path.empty()) {
    const std::size_t end = std::min(path.find('/'), path.size());
    const std::string_view part = path.substr(0, end);
    if (!part.empty() && part != ".") parts.emplace_back(part);
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return parts;
}

void write_whole(int fd, std::string_view text, const std::string& path) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    check(written, "write ", path);
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

std::string read_link_at(int dirfd, const std::string& name) {
  std::string target(PATH_MAX, '\0');
  const ssize_t size =
      check(::readlinkat(dirfd, name.c_str(), target.data(), target.size()), "read link ", name);
  target.resize(static_cast<std::size_t>(size));
  return target;
}

}  // namespace

UniqueFd open_dir(const std::string& path) {
  return open_at(AT_FDCWD, path, dir_flags);
}

UniqueFd open_at(int dirfd, const std::string& path, int flags, mode_t mode) {
  return UniqueFd(check(::openat(dirfd, path.c_str(), flags | O_CLOEXEC, mode), "open ", path));
}

UniqueFd try_open_at(int dirfd, const std::string& path, int flags, mode_t mode) {
  UniqueFd fd(::openat(dirfd, path.c_str(), flags | O_CLOEXEC, mode));
  if (!fd && !is_absence(errno)) check(-1, "open ", path);
  return fd;
}

UniqueFd open_in_root(int rootfd, std::string_view path, std::uint64_t flags, mode_t mode) {
  const std::string text(path);
  return UniqueFd(check(open_confined(rootfd, text, flags, mode), "open ", text, " in the root"));
}

UniqueFd try_open_in_root(int rootfd, std::string_view path, std::uint64_t flags, mode_t mode) {
  const std::string text(path);
  UniqueFd fd(open_confined(rootfd, text, flags, mode));
  if (!fd && !is_absence(errno)) check(-1, "open ", text, " in the root");
  return fd;
}

UniqueFd make_dirs_at(int dirfd, std::string_view path, mode_t mode) {
  UniqueFd here = open_at(dirfd, path.starts_with('/') ? "/" : ".", dir_flags);
  for (const std::string& part : split(path)) {
    if (::mkdirat(here.get(), part.c_str(), mode) != 0 && errno != EEXIST)
      check(-1, "make directory ", part, " of ", path);
    here = UniqueFd(check(::openat(here.get(), part.c_str(), dir_flags), "open directory ", part,
                          " of ", path));
  }
  return here;
}

UniqueFd make_dirs_in_root(int rootfd, std::string_view path, mode_t mode) {
  std::vector<std::string> parts = split(path);
  std::string done = "/";
  int links = 0;
  for (std::size_t i = 0; i < parts.size();) {
    const std::string next = done + parts[i] + "/";
    UniqueFd fd(open_confined(rootfd, next, O_PATH | O_DIRECTORY, 0));
    if (!fd && errno != ENOENT) check(-1, "open directory ", next, " in the root");
    if (!fd) {
      // The parent was resolved inside the root and the last name is never followed by mkdirat.
      const UniqueFd parent = open_in_root(rootfd, done, O_PATH | O_DIRECTORY);
      if (::mkdirat(parent.get(), parts[i].c_str(), mode) != 0) {
        if (errno != EEXIST) check(-1, "make directory ", next, " in the root");
        struct stat info {};
        check(::fstatat(parent.get(), parts[i].c_str(), &info, AT_SYMLINK_NOFOLLOW), "stat ", next);
        if (S_ISLNK(info.st_mode)) {
          if (++links > most_links) throw Error(ELOOP, "make directory " + next + " in the root");
          const std::string target = read_link_at(parent.get(), parts[i]);
          std::vector<std::string> detour = split(target);
          if (target.starts_with('/')) done = "/";
          detour.insert(detour.end(), parts.begin() + static_cast<std::ptrdiff_t>(i) + 1,
                        parts.end());
          parts = std::move(detour);
          i = 0;
          continue;
        }
      }
    }
    done = next;
    ++i;
  }
  return open_in_root(rootfd, done, O_RDONLY | O_DIRECTORY);
}

std::string read_all(int fd, std::size_t max_bytes, std::string_view what) {
  std::string text;
  for (;;) {
    const std::size_t had = text.size();
    const std::size_t room = std::min<std::size_t>(std::max<std::size_t>(4096, had), 1U << 20U);
    text.resize(had + room);
    ssize_t count = 0;
    do count = ::read(fd, text.data() + had, room);
    while (count < 0 && errno == EINTR);
    check(count, "read ", what);
    text.resize(had + static_cast<std::size_t>(count));
    if (text.size() > max_bytes)
      throw Error(EFBIG, "read " + std::string(what) + ": more than " + std::to_string(max_bytes) +
                             " bytes");
    if (count == 0) return text;
  }
}

std::optional<std::string> read_file_at(int dirfd, const std::string& path, std::size_t max_bytes) {
  const UniqueFd fd = try_open_at(dirfd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  if (!fd) return std::nullopt;
  struct stat info {};
  check(::fstat(fd.get(), &info), "stat ", path);
  if (!S_ISREG(info.st_mode)) throw Error("read " + path + ": not a regular file");
  const auto size = static_cast<std::size_t>(info.st_size);
  if (size == 0 || size > max_bytes) return read_all(fd.get(), max_bytes, path);
  // One read for a file that says how long it is. Those of sysfs exaggerate.
  std::string text(size, '\0');
  const ssize_t count = check(::read(fd.get(), text.data(), size), "read ", path);
  text.resize(static_cast<std::size_t>(count));
  if (text.size() < size) text += read_all(fd.get(), max_bytes - text.size(), path);
  return text;
}

void write_file_at(int dirfd, const std::string& path, std::string_view text) {
  const UniqueFd fd = open_at(dirfd, path, O_WRONLY | O_TRUNC | O_NOCTTY);
  write_whole(fd.get(), text, path);
}

void create_file_at(int dirfd, const std::string& path, std::string_view text, mode_t mode) {
  const UniqueFd fd = open_at(dirfd, path, O_WRONLY | O_CREAT | O_TRUNC | O_NOCTTY, mode);
  check(::fchmod(fd.get(), mode), "chmod ", path);
  write_whole(fd.get(), text, path);
}

void replace_file_at(int dirfd, const std::string& name, std::string_view text, mode_t mode) {
  static unsigned serial = 0;
  const std::string temporary =
      "." + name + "." + std::to_string(::getpid()) + "." + std::to_string(++serial);
  // A leftover of this name can only come from a dead process that had our pid.
  (void)::unlinkat(dirfd, temporary.c_str(), 0);
  const UniqueFd fd = open_at(dirfd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode);
  try {
    check(::fchmod(fd.get(), mode), "chmod ", name);
    write_whole(fd.get(), text, name);
    check(::renameat(dirfd, temporary.c_str(), dirfd, name.c_str()), "replace ", name);
  } catch (...) {
    (void)::unlinkat(dirfd, temporary.c_str(), 0);
    throw;
  }
}

std::vector<std::string> list_dir(int dirfd) {
  UniqueFd own = open_at(dirfd, ".", dir_flags);
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(::fdopendir(own.get()), ::closedir);
  if (!dir) check(-1, "list directory");
  (void)own.release();  // closedir closes it
  std::vector<std::string> names;
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(dir.get());
    if (entry == nullptr) break;
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  if (errno != 0) check(-1, "list directory");
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace pausa::sys
