// Sockets of another network namespace. A socket belongs for good to the one that it was made in,
// whoever uses it (network_namespaces(7)). Not for child zones.
#pragma once

#include "sys/fd.hpp"

#include <cstddef>
#include <vector>

namespace pausa::sys {

// As socket(2), close-on-exec and non-blocking, in the network namespace of the process behind the
// pidfd (or in that which the descriptor is itself). The caller stays where it is. Needs
// CAP_SYS_ADMIN over that namespace, or to own the user namespace of the process. Throws
// sys::Error.
UniqueFd socket_in(int pidfd, int domain, int type);
// Likewise in our own.
UniqueFd socket_here(int domain, int type);

// Stream sockets of one other network namespace for who needs them again and again. The process
// that makes them costs five times as much as a socket, so it makes several: the first time one,
// then twice as many each time, up to sixteen. What is not used is closed with the stock.
class SocketStock {
 public:
  // pidfd: the same at each call. Throws as socket_in() does.
  UniqueFd take(int pidfd, int domain);
  // For a time in which nobody needs one.
  void clear() { kinds_.clear(); }

 private:
  struct Kind {
    int domain;
    std::size_t next_batch;
    std::vector<UniqueFd> sockets;
  };
  std::vector<Kind> kinds_;
};

}  // namespace pausa::sys
