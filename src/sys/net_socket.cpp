#include "sys/net_socket.hpp"

#include "sys/error.hpp"

#include <errno.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>

namespace pausa::sys {
namespace {

constexpr std::size_t most_at_once = 16;

struct Order {
  int pidfd;
  int domain;
  int type;
  std::size_t wanted;
  std::array<int, most_at_once> sockets{};
  std::size_t made = 0;
  int error = 0;
};

int make_sockets(void* argument) {
  auto& order = *static_cast<Order*>(argument);
  // Without root the privilege over that network is to be had in its user namespace.
  if (::setns(order.pidfd, CLONE_NEWNET) == 0 ||
      (errno == EPERM && ::setns(order.pidfd, CLONE_NEWUSER | CLONE_NEWNET) == 0)) {
    while (order.made < order.wanted) {
      const int socket = ::socket(order.domain, order.type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
      if (socket < 0) break;
      order.sockets[order.made++] = socket;
    }
  }
  order.error = errno;
  return 0;
}

// By a child that shares our memory and our descriptors, and is gone when clone(2) returns: without
// root there is no way back for whoever has left its network namespace. At least one socket.
std::vector<UniqueFd> sockets_in(int pidfd, int domain, int type, std::size_t count) {
  Order order{pidfd, domain, type, count};
  alignas(16) std::array<char, std::size_t{16} * 1024> stack;
  const pid_t child = ::clone(make_sockets, stack.data() + stack.size(),
                              CLONE_VM | CLONE_FILES | CLONE_VFORK | SIGCHLD, &order);
  check(child, "make a process for a socket");
  (void)::waitpid(child, nullptr, 0);
  std::vector<UniqueFd> sockets;
  for (std::size_t i = 0; i < order.made; ++i) sockets.emplace_back(order.sockets[i]);
  if (sockets.empty()) throw Error(order.error, "make a socket in the pod's network");
  return sockets;
}

}  // namespace

UniqueFd socket_in(int pidfd, int domain, int type) {
  return std::move(sockets_in(pidfd, domain, type, 1).front());
}

UniqueFd socket_here(int domain, int type) {
  return UniqueFd(check(::socket(domain, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), "make a socket"));
}

UniqueFd SocketStock::take(int pidfd, int domain) {
  auto kind = std::find_if(kinds_.begin(), kinds_.end(),
                           [domain](const Kind& known) { return known.domain == domain; });
  if (kind == kinds_.end()) kind = kinds_.insert(kind, Kind{domain, 1, {}});
  if (kind->sockets.empty()) {
    kind->sockets = sockets_in(pidfd, domain, SOCK_STREAM, kind->next_batch);
    kind->next_batch = std::min(kind->next_batch * 2, most_at_once);
  }
  UniqueFd socket = std::move(kind->sockets.back());
  kind->sockets.pop_back();
  return socket;
}

}  // namespace pausa::sys
