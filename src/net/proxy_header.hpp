// The PROXY protocol: what a proxy says first on a connection, so that the server knows whose it is
// (haproxy.org, proxy-protocol.txt, versions 1 and 2). Pure.
#pragma once

#include <sys/socket.h>

#include <string>

namespace pausa::net {

// client: who has connected; own: where to. Both are of one family, perhaps IPv4 written as IPv6.
std::string proxy_header(int version, const sockaddr_storage& client, const sockaddr_storage& own);

}  // namespace pausa::net
