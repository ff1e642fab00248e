#include "supervisor/helper_child.hpp"

#include <fcntl.h>
#include <sys/resource.h>

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace pausa;
using Fds = std::vector<int>;

TEST_SUITE("supervisor/helper_child") {
  TEST_CASE("what the work returns or throws comes back") {
    CHECK(supervisor::do_in_child("work", Fds{}, [] { return std::string("done"); }) == "done");
    CHECK(supervisor::do_in_child("work", Fds{}, [] {}).empty());
    CHECK_THROWS_WITH_AS(
        (void)supervisor::do_in_child("work", Fds{}, [] { throw sys::Error("it is too hard"); }),
        "it is too hard", sys::Error);
    CHECK_THROWS_WITH_AS((void)supervisor::do_in_child("work", Fds{}, [] { ::_exit(3); }),
                         "work: its helper died", sys::Error);
  }

  TEST_CASE("who never ends is ended") {
    auto [ours, theirs] = sys::socket_pair(SOCK_STREAM);
    const auto hang = [&ours = ours] {
      ours.reset();
      for (;;) ::pause();
    };
    CHECK_THROWS_WITH_AS((void)supervisor::do_in_child("work", Fds{theirs.get()}, hang,
                                                       std::chrono::milliseconds(20)),
                         "work: its helper had not done it after 0 s, and was ended", sys::Error);
    // The child had the last copy of the other end, and it has been reaped.
    theirs.reset();
    char byte = 0;
    CHECK(::read(ours.get(), &byte, 1) == 0);
  }

  TEST_CASE("it has the descriptors that it needs, and no others") {
    auto [one, two] = sys::socket_pair(SOCK_STREAM);
    const auto seen = [a = one.get(), b = two.get()] {
      return std::string(::fcntl(a, F_GETFD) < 0 ? "-" : "a") +
             (::fcntl(b, F_GETFD) < 0 ? "-" : "b");
    };
    CHECK(supervisor::do_in_child("work", Fds{}, seen) == "--");
    CHECK(supervisor::do_in_child("work", Fds{two.get()}, seen) == "-b");
    CHECK(supervisor::do_in_child("work", Fds{two.get(), -1, one.get()}, seen) == "ab");
    CHECK(supervisor::do_in_child("work", std::nullopt, seen) == "ab");
  }

  TEST_CASE("it is killed though no descriptor is left") {
    const pid_t pid = ::fork();
    if (pid == 0) {
      (void)::alarm(10);
      for (;;) ::pause();
    }
    REQUIRE(pid > 0);
    const supervisor::Child child(pid);
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
    const rlimit none{0, before.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
    child.kill();
    CHECK(::setrlimit(RLIMIT_NOFILE, &before) == 0);
  }
}
