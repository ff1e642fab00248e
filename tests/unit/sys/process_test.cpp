#include "sys/process.hpp"

#include "sys/error.hpp"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include <chrono>

using namespace pausa;

namespace {

pid_t sleeping_child() {
  const pid_t child = sys::check(::fork(), "fork");
  if (child == 0) {
    ::pause();
    ::_exit(0);
  }
  return child;
}

}  // namespace

TEST_SUITE("sys/unit") {
  TEST_CASE("a process is known by more than its number") {
    const pid_t child = sleeping_child();
    const auto id = sys::identify(child);
    CHECK(sys::alive(id));
    CHECK(sys::open_process(id));

    auto by_time = id;  // as a kernel without pidfs knows it
    by_time.inode = 0;
    CHECK(sys::alive(by_time));
    CHECK(sys::open_process(by_time));
    by_time.start_time += 1;
    CHECK_FALSE(sys::alive(by_time));
    CHECK_FALSE(sys::open_process(by_time));

    if (id.inode != 0) {
      auto other = id;
      other.inode += 1;
      CHECK_FALSE(sys::alive(other));
      CHECK_FALSE(sys::open_process(other));
    }

    const auto pidfd = sys::open_pidfd(child);
    sys::send_signal(pidfd.get(), SIGKILL);
    REQUIRE(sys::wait_dead(pidfd.get(), std::chrono::seconds(20)));
    // Not reaped yet: dead all the same.
    by_time = id;
    by_time.inode = 0;
    for (const auto& dead : {id, by_time}) {
      CHECK_FALSE(sys::alive(dead));
      CHECK_FALSE(sys::open_process(dead));
    }
    sys::reap(pidfd.get());
    CHECK_FALSE(sys::alive(id));
  }

  TEST_CASE("no process is not alive") {
    CHECK_FALSE(sys::alive({}));
    CHECK_FALSE(sys::open_process({}));
  }
}
