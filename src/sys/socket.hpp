// AF_UNIX sockets: pairs, listeners and connections by directory handle, descriptors as passengers
// (SCM_RIGHTS, unix(7)). Everything is made close-on-exec. send_packet and receive_packet may be
// used in child zones.
#pragma once

#include "sys/fd.hpp"

#include <sys/socket.h>

#include <cstddef>
#include <string>
#include <utility>

namespace pausa::sys {

// type: SOCK_SEQPACKET, SOCK_STREAM…, with SOCK_NONBLOCK if wanted.
std::pair<UniqueFd, UniqueFd> socket_pair(int type);

// A listening socket at NAME in the directory. A path of sun_path's 108 bytes is no limit: the
// address goes through /proc/self/fd. An old socket of that name is replaced.
UniqueFd listen_at(int dirfd, const std::string& name, int type, int backlog = 64);
// A connection to NAME in the directory, or an empty fd when nobody listens there.
UniqueFd connect_at(int dirfd, const std::string& name, int type);

// One packet, at most one descriptor with it (fd < 0: none). Returns as sendmsg(2); never SIGPIPE.
long send_packet(int socket, const void* data, std::size_t size, int fd = -1) noexcept;
// One packet; a descriptor that came with it is put into fd (else -1). Returns as recvmsg(2).
long receive_packet(int socket, void* data, std::size_t size, int& fd) noexcept;

}  // namespace pausa::sys
