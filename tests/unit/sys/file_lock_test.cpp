#include "sys/file_lock.hpp"

#include "support/temp_tree.hpp"
#include "sys/fd.hpp"
#include "sys/hash.hpp"
#include "sys/path.hpp"
#include "sys/pause.hpp"

#include <fcntl.h>
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

  TEST_CASE("a text's number is that of FNV-1a") {
    CHECK(sys::stable_hash("") == 0x811c9dc5U);
    CHECK(sys::stable_hash("a") == 0xe40c292cU);
    CHECK(sys::stable_hash("foobar") == 0xbf9cf968U);
  }
}
