// A throw-away directory that a test fills with files, directories and links, and that is removed
// with all that grew in it. as_user runs a piece of a test as somebody else.
#pragma once

#include "sys/error.hpp"
#include "sys/path.hpp"

#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <string_view>

namespace pausa::test {

class TempTree {
 public:
  // below: where, when the kind of file system matters (/dev/shm is a tmpfs).
  explicit TempTree(const std::string& below = "/tmp") : path_(below + "/pausa-test-XXXXXX") {
    if (::mkdtemp(path_.data()) == nullptr) throw sys::Error(errno, "make " + path_);
    fd_ = sys::open_dir(path_);
  }
  TempTree(const TempTree&) = delete;
  TempTree& operator=(const TempTree&) = delete;
  ~TempTree() {
    try {
      sys::remove_tree_at(AT_FDCWD, path_);
    } catch (const std::exception& error) {
      (void)::dprintf(STDERR_FILENO, "left behind: %s\n", error.what());
    }
  }

  const std::string& path() const { return path_; }
  int fd() const { return fd_.get(); }

  void dir(std::string_view path) const { sys::make_dirs_at(fd(), path, 0755); }
  void file(const std::string& path, std::string_view text) const {
    make_parent(path);
    sys::create_file_at(fd(), path, text, 0644);
  }
  void link(const std::string& path, const std::string& target) const {
    make_parent(path);
    sys::check(::symlinkat(target.c_str(), fd(), path.c_str()), "link ", path);
  }
  std::string read(const std::string& path) const {
    return sys::read_file_at(fd(), path, 1U << 20U).value_or("");
  }

 private:
  void make_parent(std::string_view path) const {
    const std::size_t slash = path.rfind('/');
    if (slash != std::string_view::npos) dir(path.substr(0, slash));
  }

  std::string path_;
  sys::UniqueFd fd_;
};

// What `call` returned in a child that became this user; 255 when it threw.
template <typename Call>
int as_user(uid_t user, Call call) {
  const pid_t child = sys::check(::fork(), "fork");
  if (child == 0) {
    if (::setgroups(0, nullptr) != 0 || ::setresgid(user, user, user) != 0 ||
        ::setresuid(user, user, user) != 0)
      ::_exit(254);
    // A change of user closes /proc/self to its own process (proc(5), dumpable).
    (void)::prctl(PR_SET_DUMPABLE, 1);
    try {
      ::_exit(call());
    } catch (const std::exception& error) {
      (void)::dprintf(STDERR_FILENO, "as user: %s\n", error.what());
      ::_exit(255);
    }
  }
  int status = 0;
  sys::check(::waitpid(child, &status, 0), "wait");
  return WIFEXITED(status) ? WEXITSTATUS(status) : 253;
}

}  // namespace pausa::test
