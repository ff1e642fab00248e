#include "sys/socket.hpp"

#include "sys/error.hpp"

#include <sys/time.h>
#include <sys/un.h>

#include <cstring>

namespace pausa::sys {
namespace {

sockaddr_un address_at(int dirfd, const std::string& name) {
  const std::string path = "/proc/self/fd/" + std::to_string(dirfd) + "/" + name;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) throw Error(ENAMETOOLONG, "socket " + name);
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

}  // namespace

std::pair<UniqueFd, UniqueFd> socket_pair(int type) {
  int fds[2];
  check(::socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, fds), "make a socket pair");
  return {UniqueFd(fds[0]), UniqueFd(fds[1])};
}

UniqueFd listen_at(int dirfd, const std::string& name, int type, int backlog) {
  UniqueFd fd(check(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0), "make socket ", name));
  const sockaddr_un address = address_at(dirfd, name);
  if (::unlinkat(dirfd, name.c_str(), 0) < 0 && errno != ENOENT) check(-1, "replace ", name);
  check(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address),
        "bind socket ", name);
  check(::listen(fd.get(), backlog), "listen on socket ", name);
  return fd;
}

UniqueFd connect_at(int dirfd, const std::string& name, int type) {
  UniqueFd fd(check(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0), "make socket ", name));
  const sockaddr_un address = address_at(dirfd, name);
  // Also bounds connect(2), which waits while the listener's queue is full (unix(7)).
  const timeval patience{10, 0};
  check(::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience),
        "bound socket ", name);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0)
    return fd;
  if (errno == ECONNREFUSED || errno == ENOENT) return UniqueFd();
  check(-1, "connect to socket ", name);
  return UniqueFd();
}

}  // namespace pausa::sys
