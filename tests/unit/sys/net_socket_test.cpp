#include "sys/net_socket.hpp"

#include "sys/error.hpp"
#include "sys/process.hpp"

#include <fcntl.h>
#include <linux/sockios.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include <memory>

using namespace pausa;

namespace {

// A process in a network namespace of its own.
class Elsewhere {
 public:
  Elsewhere() : pid_(::fork()) {
    if (pid_ == 0) {
      (void)::pause();
      ::_exit(0);
    }
  }
  ~Elsewhere() {
    (void)::kill(pid_, SIGKILL);
    (void)::waitpid(pid_, nullptr, 0);
  }
  sys::UniqueFd pidfd() const { return sys::open_pidfd(pid_); }

 private:
  pid_t pid_;
};

// Of the namespace that a socket belongs to: ioctl_nsfs(2), SIOCGSKNS.
ino_t network_of(int socket) {
  const sys::UniqueFd network(::ioctl(socket, SIOCGSKNS));
  struct stat status {};
  return ::fstat(network.get(), &status) == 0 ? status.st_ino : 0;
}

ino_t our_network() {
  struct stat status {};
  return ::stat("/proc/self/ns/net", &status) == 0 ? status.st_ino : 0;
}

}  // namespace

TEST_SUITE("sys/net_socket") {
  TEST_CASE("sockets are of the other network, and we stay in ours") {
    if (::geteuid() != 0) {
      MESSAGE("skipped: needs root");
      return;
    }
    const auto ours = our_network();
    REQUIRE(::unshare(CLONE_NEWNET) == 0);
    const auto theirs = our_network();
    REQUIRE(theirs != ours);
    const Elsewhere elsewhere;
    REQUIRE(::unshare(CLONE_NEWNET) == 0);
    const auto third = our_network();
    const auto process = elsewhere.pidfd();
    CHECK(network_of(sys::socket_in(process.get(), AF_INET, SOCK_STREAM).get()) == theirs);
    sys::SocketStock stock;
    std::vector<sys::UniqueFd> taken;
    for (int i = 0; i < 40; ++i)
      taken.push_back(stock.take(process.get(), i % 3 == 0 ? AF_INET6 : AF_INET));
    for (int i = 0; i < 40; ++i) {
      const int fd = taken[static_cast<std::size_t>(i)].get();
      CHECK(network_of(fd) == theirs);
      int domain = 0;
      socklen_t size = sizeof domain;
      (void)::getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size);
      CHECK(domain == (i % 3 == 0 ? AF_INET6 : AF_INET));
      CHECK((::fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
      CHECK(::fcntl(fd, F_GETFD) == FD_CLOEXEC);
    }
    CHECK(our_network() == third);
  }

  TEST_CASE("a process that is gone has no network") {
    auto elsewhere = std::make_unique<Elsewhere>();
    const auto process = elsewhere->pidfd();
    elsewhere.reset();
    sys::SocketStock stock;
    CHECK_THROWS_AS(stock.take(process.get(), AF_INET), sys::Error);
  }
}
