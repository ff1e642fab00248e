// An address as the socket calls have it. Private to the room.
#pragma once

#include "net/address.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstring>

namespace pausa::net {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;

  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

inline SocketAddress socket_address(const Address& address, std::uint16_t port) {
  SocketAddress out;
  if (address.v6) {
    auto& six = reinterpret_cast<sockaddr_in6&>(out.storage);
    six.sin6_family = AF_INET6;
    six.sin6_port = htons(port);
    std::memcpy(&six.sin6_addr, address.bytes.data(), sizeof six.sin6_addr);
    out.size = sizeof six;
  } else {
    auto& four = reinterpret_cast<sockaddr_in&>(out.storage);
    four.sin_family = AF_INET;
    four.sin_port = htons(port);
    std::memcpy(&four.sin_addr, address.bytes.data(), sizeof four.sin_addr);
    out.size = sizeof four;
  }
  return out;
}

}  // namespace pausa::net
