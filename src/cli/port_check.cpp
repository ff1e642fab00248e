#include "cli/port_check.hpp"

#include "supervisor/user_namespace.hpp"
#include "sys/error.hpp"
#include "sys/net_socket.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>

namespace pausa::cli {
namespace {

constexpr int patience_ms = 100;  // a full backlog leaves a connection pending

bool connects(int infra, const sockaddr* address, socklen_t size) {
  const sys::UniqueFd socket = sys::socket_in(infra, address->sa_family, SOCK_STREAM);
  if (::connect(socket.get(), address, size) == 0) return true;
  if (errno != EINPROGRESS) return false;
  pollfd ready{socket.get(), POLLOUT, 0};
  int error = 0;
  socklen_t length = sizeof error;
  return ::poll(&ready, 1, patience_ms) > 0 &&
         ::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &length) == 0 && error == 0;
}

bool either_connects(int infra, std::uint16_t port) {
  sockaddr_in four{};
  four.sin_family = AF_INET;
  four.sin_port = htons(port);
  four.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connects(infra, reinterpret_cast<const sockaddr*>(&four), sizeof four)) return true;
  sockaddr_in6 six{};
  six.sin6_family = AF_INET6;
  six.sin6_port = htons(port);
  six.sin6_addr = in6addr_loopback;
  try {
    return connects(infra, reinterpret_cast<const sockaddr*>(&six), sizeof six);
  } catch (const sys::Error& error) {
    if (error.err() == EAFNOSUPPORT) return false;  // a kernel without IPv6
    throw;
  }
}

enum Answer : int { yes, no, unable };

// Without root the way leads through the pod's user namespace, from which there is none back.
Answer ask_child(int infra, std::uint16_t port) {
  const pid_t child = sys::check(::fork(), "start a process to look at a port");
  if (child == 0) {
    try {
      supervisor::enter_pod_user_namespace(infra);
      ::_exit(either_connects(infra, port) ? yes : no);
    } catch (const std::exception&) {
      ::_exit(unable);
    }
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
  return WIFEXITED(status) ? static_cast<Answer>(WEXITSTATUS(status)) : unable;
}

}  // namespace

bool port_accepts(const sys::ProcessId& infra, std::uint16_t port) {
  const auto process = sys::open_process(infra);
  if (!process) return false;
  try {
    if (::geteuid() == 0) return either_connects(process->get(), port);
    const auto answer = ask_child(process->get(), port);
    if (answer == unable && sys::alive(infra))
      throw sys::Error("the pod's network cannot be entered");
    return answer == yes;
  } catch (const sys::Error&) {
    if (!sys::alive(infra)) return false;
    throw;
  }
}

}  // namespace pausa::cli
