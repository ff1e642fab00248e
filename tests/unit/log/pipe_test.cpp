#include "log/pipe.hpp"

#include "unit/log/support.hpp"

#include <fcntl.h>
#include <sys/epoll.h>

#include <doctest/doctest.h>

using namespace pausa;
using namespace pausa::log;
using namespace pausa::log::test;

namespace {

// An edge-triggered epoll around the gate, as an event loop has it.
class Loop {
 public:
  explicit Loop(int fd) : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    epoll_event event{};
    event.events = EPOLLIN | EPOLLET;
    REQUIRE(::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0);
  }
  bool fires() const {
    epoll_event event{};
    return ::epoll_wait(epoll_.get(), &event, 1, 0) == 1;
  }

 private:
  sys::UniqueFd epoll_;
};

}  // namespace

TEST_SUITE("log/unit") {
  TEST_CASE("a gate fires when open, is silent when shut, and tells on opening what it missed") {
    const Pipe pipe;
    Gate gate(pipe.out());
    const Loop loop(gate.fd());
    CHECK_FALSE(loop.fires());
    for (int round = 0; round < 3; ++round) {
      pipe.put("x");
      CHECK(loop.fires());
      gate.shut();
      gate.shut();
      pipe.put("yyy");
      CHECK_FALSE(loop.fires());
      gate.open();
      CHECK(loop.fires());
      gate.shut();
      char bytes[8];
      CHECK(::read(pipe.out(), bytes, sizeof bytes) == 4);
      gate.open();
      CHECK_FALSE(loop.fires());
    }
  }

  TEST_CASE("a gate fires at the end of the stream") {
    Pipe pipe;
    Gate gate(pipe.out());
    const Loop loop(gate.fd());
    pipe.close();
    CHECK(loop.fires());
  }

  TEST_CASE("a pipe grows to what was asked for and never shrinks") {
    const Pipe pipe;
    REQUIRE(::fcntl(pipe.in(), F_SETPIPE_SZ, 65536) == 65536);
    CHECK(grow_pipe(pipe.out(), 262144) == 262144);
    CHECK(grow_pipe(pipe.out(), 131072) == 262144);
    CHECK(::fcntl(pipe.in(), F_GETPIPE_SZ) == 262144);
    // More than /proc/sys/fs/pipe-max-size is refused without CAP_SYS_RESOURCE: then less.
    CHECK(grow_pipe(pipe.out(), 1U << 30) >= 262144);
  }
}
