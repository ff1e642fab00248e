#include "supervisor/helper_child.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace pausa;

TEST_SUITE("supervisor/helper_child") {
  TEST_CASE("what the work returns or throws comes back") {
    CHECK(supervisor::do_in_child("work", [] { return std::string("done"); }) == "done");
    CHECK(supervisor::do_in_child("work", [] {}).empty());
    CHECK_THROWS_WITH_AS(
        (void)supervisor::do_in_child("work", [] { throw sys::Error("it is too hard"); }),
        "it is too hard", sys::Error);
    CHECK_THROWS_WITH_AS((void)supervisor::do_in_child("work", [] { ::_exit(3); }),
                         "work: its helper died", sys::Error);
  }

  TEST_CASE("who never ends is ended") {
    auto [ours, theirs] = sys::socket_pair(SOCK_STREAM);
    const auto hang = [&ours = ours] {
      ours.reset();
      for (;;) ::pause();
    };
    CHECK_THROWS_WITH_AS((void)supervisor::do_in_child("work", hang, std::chrono::milliseconds(20)),
                         "work: its helper had not done it after 0 s, and was ended", sys::Error);
    // The child had the last copy of the other end, and it has been reaped.
    theirs.reset();
    char byte = 0;
    CHECK(::read(ours.get(), &byte, 1) == 0);
  }
}
