#include "sys/file_lock.hpp"

#include "support/temp_tree.hpp"
#include "sys/error.hpp"
#include "sys/fd.hpp"
#include "sys/hash.hpp"
#include "sys/path.hpp"
#include "sys/pause.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <doctest/doctest.h>

using namespace pausa;

TEST_SUITE("sys/unit") {
  TEST_CASE("a file lock is had when the other one lets go of it, and not before") {
    const test::TempTree tree;
    auto theirs = sys::open_dir(tree.path());
    const auto ours = sys::open_dir(tree.path());
    sys::lock_exclusively(theirs.get(), "lock");
    CHECK(::flock(ours.get(), LOCK_EX | LOCK_NB) < 0);
    // The child has the same open description: the lock goes with the last of the two.
    const pid_t child = ::fork();
    if (child == 0) {
      for (int i = 0; i < 10; ++i) sys::pause_briefly();
      ::_exit(0);
    }
    REQUIRE(child > 0);
    theirs.reset();
    sys::lock_exclusively(ours.get(), "lock");
    CHECK(::flock(sys::open_dir(tree.path()).get(), LOCK_EX | LOCK_NB) < 0);
    int status = 0;
    CHECK(::waitpid(child, &status, 0) == child);
  }

  TEST_CASE("a lock is had though its folder is removed again and again") {
    const test::TempTree tree;
    const std::string folder = tree.path() + "/a/b";
    const pid_t child = ::fork();
    if (child == 0) {
      for (;;) {
        (void)::unlink((folder + "/lock").c_str());
        (void)::rmdir(folder.c_str());
        (void)::rmdir((tree.path() + "/a").c_str());
        (void)::usleep(20);
      }
    }
    REQUIRE(child > 0);
    std::string said;
    try {
      for (int i = 0; i < 1000; ++i) (void)sys::lock_in_folder(folder, "lock", "lock it");
    } catch (const sys::Error& error) {
      said = error.what();
    }
    (void)::kill(child, SIGKILL);
    int status = 0;
    CHECK(::waitpid(child, &status, 0) == child);
    CHECK(said == "");

    CHECK(::symlink("nowhere", (tree.path() + "/link").c_str()) == 0);
    CHECK_THROWS_AS(sys::lock_in_folder(tree.path() + "/link", "lock", "lock it"), sys::Error);
  }

  TEST_CASE("a text's number is that of FNV-1a") {
    CHECK(sys::stable_hash("") == 0x811c9dc5U);
    CHECK(sys::stable_hash("a") == 0xe40c292cU);
    CHECK(sys::stable_hash("foobar") == 0xbf9cf968U);
  }
}
