#include "sys/probe.hpp"

#include "sys/namespace.hpp"

#include <sched.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include <cerrno>
#include <utility>

using namespace pausa::sys;

TEST_SUITE("sys/unit") {
  TEST_CASE("a probe of a namespace leaves the prober where it is") {
    const auto before = namespace_inodes(::getpid());
    for (const auto& kind : namespace_kinds) {
      (void)probe_namespace(kind.clone_flag, false);
      (void)probe_namespace(kind.clone_flag, true);
    }
    CHECK(namespace_inodes(::getpid()) == before);
  }

  TEST_CASE("a namespace that no kernel has is refused with an errno") {
    CHECK(probe_namespace(CLONE_PARENT, false) == EINVAL);
  }

  TEST_CASE("an overlay cannot lie on a file system that takes no layers") {
    CHECK(probe_overlay("/proc", false) != 0);
    CHECK(probe_overlay("/nonexistent", false) == ENOENT);
  }

  TEST_CASE("a program is found in PATH when it is executable") {
    CHECK(find_program("sh").ends_with("/sh"));
    CHECK(find_program("no-such-program-anywhere").empty());
    CHECK(find_program("passwd.d").empty());
  }

  TEST_CASE("the running kernel has a version") {
    CHECK(kernel_version() >= std::pair(5, 0));
  }

  TEST_CASE("the kernel that runs these tests has pidfds and seccomp") {
    CHECK(probe_pidfd() == 0);
    CHECK(probe_seccomp() == 0);
  }
}
