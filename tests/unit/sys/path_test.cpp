#include "sys/path.hpp"

#include "support/temp_tree.hpp"
#include "sys/error.hpp"

#include <signal.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <doctest/doctest.h>

using namespace pausa;
using test::TempTree;

namespace {

bool exists(int dirfd, const char* path) {
  struct stat info {};
  return ::fstatat(dirfd, path, &info, AT_SYMLINK_NOFOLLOW) == 0;
}

int error_of(auto&& call) {
  try {
    call();
  } catch (const sys::Error& error) {
    return error.err();
  }
  return 0;
}

}  // namespace

TEST_SUITE("path/unit") {
  TEST_CASE("an absolute path, dots and links end at the root's descriptor") {
    const TempTree tree;
    tree.dir("root/etc");
    tree.file("root/etc/passwd", "inside");
    tree.file("victim", "outside");
    tree.link("root/absolute", "/etc/passwd");
    tree.link("root/dots", "../../../../etc/passwd");
    tree.link("root/up", "../victim");
    const auto root = sys::open_at(tree.fd(), "root", O_PATH | O_DIRECTORY);
    for (const char* path : {"/etc/passwd", "../../etc/passwd", "absolute", "dots"}) {
      CAPTURE(path);
      const auto fd = sys::open_in_root(root.get(), path, O_RDONLY);
      CHECK(sys::read_all(fd.get(), 100, path) == "inside");
    }
    CHECK(error_of([&] { sys::open_in_root(root.get(), "up", O_RDONLY); }) == ENOENT);
    CHECK_FALSE(sys::try_open_in_root(root.get(), "up", O_RDONLY));
    CHECK_FALSE(sys::try_open_in_root(root.get(), "etc/passwd/x", O_RDONLY));
  }

  TEST_CASE("a magic link is refused inside a root") {
    const auto proc = sys::open_at(AT_FDCWD, "/proc", O_PATH | O_DIRECTORY);
    CHECK(error_of([&] { sys::open_in_root(proc.get(), "self/root", O_PATH); }) == ELOOP);
  }

  TEST_CASE("directories are made inside the root, through its links") {
    const TempTree tree;
    tree.dir("root/real");
    tree.dir("victim");
    tree.link("root/escape", "../../victim");
    tree.link("root/var", "/real");
    const auto root = sys::open_at(tree.fd(), "root", O_PATH | O_DIRECTORY);
    sys::make_dirs_in_root(root.get(), "/escape/a/b", 0755);
    CHECK_FALSE(exists(tree.fd(), "victim/a"));
    CHECK(exists(tree.fd(), "root/victim/a/b"));
    const auto made = sys::make_dirs_in_root(root.get(), "var//x/./y", 0755);
    CHECK(exists(tree.fd(), "root/real/x/y"));
    sys::create_file_at(made.get(), "file", "", 0600);
    CHECK(exists(tree.fd(), "root/real/x/y/file"));
  }

  TEST_CASE("links that go in circles or lead to a file make no directory") {
    const TempTree tree;
    tree.link("root/a", "b/x");
    tree.link("root/b", "a/x");
    tree.file("root/file", "");
    tree.link("root/to_file", "file");
    const auto root = sys::open_at(tree.fd(), "root", O_PATH | O_DIRECTORY);
    CHECK(error_of([&] { sys::make_dirs_in_root(root.get(), "a/c", 0755); }) == ELOOP);
    CHECK(error_of([&] { sys::make_dirs_in_root(root.get(), "file/c", 0755); }) == ENOTDIR);
    CHECK(error_of([&] { sys::make_dirs_in_root(root.get(), "to_file", 0755); }) == ENOTDIR);
  }

  TEST_CASE("make_dirs_at gives the last directory and keeps what exists") {
    const TempTree tree;
    tree.dir("a");
    const auto made = sys::make_dirs_at(tree.fd(), "a/b//c", 0755);
    sys::create_file_at(made.get(), "here", "", 0600);
    CHECK(exists(tree.fd(), "a/b/c/here"));
    const auto again = sys::make_dirs_at(AT_FDCWD, tree.path() + "/a/b/c", 0755);
    CHECK(sys::list_dir(again.get()) == std::vector<std::string>{"here"});
  }

  TEST_CASE("a file is read up to a limit, and only if it is a regular one") {
    const TempTree tree;
    tree.file("five", "12345");
    CHECK(sys::read_file_at(tree.fd(), "five", 5) == "12345");
    CHECK(error_of([&] { sys::read_file_at(tree.fd(), "five", 4); }) == EFBIG);
    CHECK_FALSE(sys::read_file_at(tree.fd(), "none", 5));
    CHECK_FALSE(sys::read_file_at(tree.fd(), "five/none", 5));
    REQUIRE(::mkfifoat(tree.fd(), "fifo", 0600) == 0);
    CHECK_THROWS_AS(sys::read_file_at(tree.fd(), "fifo", 5), sys::Error);
    CHECK_THROWS_AS(sys::read_file_at(AT_FDCWD, "/dev/zero", 5), sys::Error);
    CHECK(sys::read_file_at(AT_FDCWD, "/proc/self/stat", 1 << 16)
              ->starts_with(std::to_string(::getpid())));
  }

  TEST_CASE("a replaced file has the new text and mode, and nothing else is left") {
    const TempTree tree;
    tree.dir("d");
    const auto dir = sys::open_at(tree.fd(), "d", O_RDONLY | O_DIRECTORY);
    sys::replace_file_at(dir.get(), "pod.json", "one", 0644);
    const auto old = sys::open_at(dir.get(), "pod.json", O_RDONLY);
    sys::replace_file_at(dir.get(), "pod.json", "second", 0600);
    CHECK(sys::read_file_at(dir.get(), "pod.json", 100) == "second");
    CHECK(sys::read_all(old.get(), 100, "pod.json") == "one");  // a reader keeps its version
    struct stat info {};
    REQUIRE(::fstatat(dir.get(), "pod.json", &info, 0) == 0);
    CHECK((info.st_mode & 07777) == 0600);
    tree.dir("d/taken");
    CHECK_THROWS_AS(sys::replace_file_at(dir.get(), "taken", "x", 0600), sys::Error);
    CHECK(sys::list_dir(dir.get()) == std::vector<std::string>{"pod.json", "taken"});
  }

  TEST_CASE("write_file_at never makes a file") {
    const TempTree tree;
    CHECK(error_of([&] { sys::write_file_at(tree.fd(), "none", "x"); }) == ENOENT);
    tree.file("some", "longer");
    sys::write_file_at(tree.fd(), "some", "x");
    CHECK(sys::read_file_at(tree.fd(), "some", 10) == "x");
  }

  TEST_CASE("every descriptor is close-on-exec") {
    const TempTree tree;
    tree.file("f", "");
    const auto made = sys::make_dirs_at(tree.fd(), "x/y", 0755);
    const auto file = sys::open_at(tree.fd(), "f", O_RDONLY);
    const auto inside = sys::open_in_root(tree.fd(), "f", O_RDONLY);
    const auto nested = sys::make_dirs_in_root(tree.fd(), "x/z", 0755);
    for (const int fd : {made.get(), file.get(), inside.get(), nested.get(), tree.fd()})
      CHECK((::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
  }
}

TEST_SUITE("remove_tree/unit") {
  TEST_CASE("a tree is removed, what its links point to is not") {
    const TempTree tree;
    tree.dir("t/a/b/c/d");
    tree.file("t/a/b/file", "");
    tree.dir("t/.removing-0/inner/deep");  // a name that the removal itself uses
    tree.file("keep/precious", "x");
    tree.link("t/a/link", "../../keep");
    tree.link("t/dangling", "nowhere");
    REQUIRE(::mkfifoat(tree.fd(), "t/a/fifo", 0600) == 0);
    sys::remove_tree_at(tree.fd(), "t");
    CHECK(sys::list_dir(tree.fd()) == std::vector<std::string>{"keep"});
    CHECK(exists(tree.fd(), "keep/precious"));
  }

  TEST_CASE("a link, a file and nothing at all are trees too") {
    const TempTree tree;
    tree.dir("keep/x");
    tree.link("link", "keep");
    tree.file("file", "");
    for (const char* name : {"link", "file", "none"}) sys::remove_tree_at(tree.fd(), name);
    CHECK(sys::list_dir(tree.fd()) == std::vector<std::string>{"keep"});
    CHECK(exists(tree.fd(), "keep/x"));
  }

  TEST_CASE("50,000 nested directories need few descriptors and little memory") {
    const TempTree tree("/dev/shm");  // ext4 takes 0.1 ms to make a directory
    {
      auto here = sys::open_at(tree.fd(), ".", O_RDONLY | O_DIRECTORY);
      for (int depth = 0; depth < 50'000; ++depth) {
        REQUIRE(::mkdirat(here.get(), "d", 0755) == 0);
        here.reset(::openat(here.get(), "d", O_PATH | O_CLOEXEC));
        REQUIRE(here);
      }
    }
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
    rlimit few = before;
    few.rlim_cur = 32;
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &few) == 0);
    rusage start{};
    rusage end{};
    (void)::getrusage(RUSAGE_SELF, &start);
    const int failure = error_of([&] { sys::remove_tree_at(tree.fd(), "d"); });
    (void)::getrusage(RUSAGE_SELF, &end);
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
    CHECK(failure == 0);
    CHECK(sys::list_dir(tree.fd()).empty());
#ifndef __SANITIZE_ADDRESS__                        // which keeps what was freed
    CHECK(end.ru_maxrss - start.ru_maxrss < 2048);  // KiB
#endif
  }

  TEST_CASE("a directory that turns into a link while it is removed leads nowhere") {
    const TempTree tree;
    tree.file("victim/sub/precious", "x");
    tree.link("swap", tree.path() + "/victim");
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0)
      for (;;) (void)::renameat2(tree.fd(), "swap", tree.fd(), "t/a", RENAME_EXCHANGE);
    for (int round = 0; round < 300; ++round) {
      try {
        tree.dir("t/a/sub/deep");
        sys::remove_tree_at(tree.fd(), "t");
      } catch (const sys::Error&) {
        // Refused: as good as removed elsewhere.
      }
      struct stat info {};
      if (::fstatat(tree.fd(), "swap", &info, AT_SYMLINK_NOFOLLOW) != 0)
        tree.link("swap", tree.path() + "/victim");
    }
    (void)::kill(child, SIGKILL);
    (void)::waitpid(child, nullptr, 0);
    CHECK(exists(tree.fd(), "victim/sub/precious"));
  }

  TEST_CASE("who removes a tree and who removes its parts are not in each other's way") {
    const TempTree tree;
    for (int round = 0; round < 20; ++round) {
      for (int i = 0; i < 100; ++i)
        tree.dir("t/" + std::to_string(i % 4) + "/a/b" + std::to_string(i) + "/c");
      const pid_t child = ::fork();
      if (child == 0) {
        try {
          for (int i = 0; i < 4; ++i) sys::remove_tree_at(tree.fd(), "t/" + std::to_string(i));
          ::_exit(0);
        } catch (const std::exception&) {
          ::_exit(1);
        }
      }
      CHECK_NOTHROW(sys::remove_tree_at(tree.fd(), "t"));
      int status = -1;
      CHECK(::waitpid(child, &status, 0) == child);
      CHECK(status == 0);
    }
  }

  TEST_CASE("many entries in one directory go in one call") {
    const TempTree tree;
    for (int i = 0; i < 3000; ++i) {
      const std::string name = "t/sub/d" + std::to_string(i);
      if (i % 3 == 0) tree.dir(name + "/inner");
      if (i % 3 == 1) tree.dir(name);
      if (i % 3 == 2) tree.file(name, "x");
    }
    sys::remove_tree_at(tree.fd(), "t");
    CHECK(sys::list_dir(tree.fd()).empty());
  }

  TEST_CASE("a mount inside is left alone and named" * doctest::skip(::geteuid() != 0)) {
    const TempTree tree;
    tree.dir("t/a/mounted");
    tree.dir("t/b/c/d");
    const std::string at = tree.path() + "/t/a/mounted";
    REQUIRE(::mount("none", at.c_str(), "tmpfs", 0, "size=64k") == 0);
    tree.file("t/a/mounted/precious", "x");
    CHECK(error_of([&] { sys::remove_tree_at(tree.fd(), "t"); }) == EBUSY);
    CHECK_FALSE(exists(tree.fd(), "t/b"));  // the rest is gone all the same
    CHECK(exists(tree.fd(), "t/a/mounted/precious"));
    REQUIRE(::umount2(at.c_str(), MNT_DETACH) == 0);
    sys::remove_tree_at(tree.fd(), "t");
    CHECK(sys::list_dir(tree.fd()).empty());
  }

  TEST_CASE("a user removes own directories whatever their mode" *
            doctest::skip(::geteuid() != 0)) {
    const TempTree tree;
    REQUIRE(::fchmod(tree.fd(), 0777) == 0);
    const int failure = test::as_user(65534, [&] {
      (void)::umask(022);
      sys::make_dirs_at(tree.fd(), "t/closed/sealed/inner/deep", 0755);
      sys::create_file_at(tree.fd(), "t/closed/sealed/file", "", 0400);
      if (::fchmodat(tree.fd(), "t/closed/sealed/inner", 0, 0) != 0) return 2;
      if (::fchmodat(tree.fd(), "t/closed/sealed", 0555, 0) != 0) return 3;
      if (::fchmodat(tree.fd(), "t/closed", 0, 0) != 0) return 4;
      sys::remove_tree_at(tree.fd(), "t");
      return 0;
    });
    CHECK(failure == 0);
    CHECK(sys::list_dir(tree.fd()).empty());
  }
}
