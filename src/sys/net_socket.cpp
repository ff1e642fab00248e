#include "sys/net_socket.hpp"

#include "sys/error.hpp"

#include <errno.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <array>

namespace pausa::sys {
namespace {

struct Order {
  int pidfd;
  int domain;
  int type;
  int socket = -1;
  int error = 0;
};

int make_socket(void* argument) {
  auto& order = *static_cast<Order*>(argument);
  if (::setns(order.pidfd, CLONE_NEWNET) == 0)
    order.socket = ::socket(order.domain, order.type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (order.socket < 0) order.error = errno;
  return 0;
}

}  // namespace

// By a child that shares our memory and our descriptors, and is gone when clone(2) returns: without
// root there is no way back for whoever has left its network namespace.
UniqueFd socket_in(int pidfd, int domain, int type) {
  Order order{pidfd, domain, type};
  alignas(16) std::array<char, std::size_t{16} * 1024> stack;
  const pid_t child = ::clone(make_socket, stack.data() + stack.size(),
                              CLONE_VM | CLONE_FILES | CLONE_VFORK | SIGCHLD, &order);
  check(child, "make a process for a socket");
  (void)::waitpid(child, nullptr, 0);
  UniqueFd socket(order.socket);
  if (!socket) throw Error(order.error, "make a socket in the pod's network");
  return socket;
}

}  // namespace pausa::sys
