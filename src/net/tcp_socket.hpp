// What a forwarder asks and tells single TCP sockets, which it lends. Private to the room.
#pragma once

#include "net/address.hpp"

#include <sys/socket.h>

namespace pausa::net {

// A client that came by IPv6, not one of IPv4 at a socket for both.
bool is_v6(const sockaddr_storage& client);

// Whether the client at the other end is this host: by its loopback, or with one address at both
// ends.
bool is_host_itself(const Address& client, int socket);

// For both ends in one machine, where nothing is lost and nobody is to be spared: the plainest
// congestion control, which every user may choose (tcp(7)). BBR paces, which halves what is bulk.
void never_pace(int socket);

// Without a word more: its closing resets the connection.
void refuse(int socket);

}  // namespace pausa::net
