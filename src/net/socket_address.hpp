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

// IPv4 in the clothes of IPv6 is IPv4.
inline Address address_of(const sockaddr_storage& storage) {
  Address out;
  if (storage.ss_family == AF_INET) {
    const auto& four = reinterpret_cast<const sockaddr_in&>(storage);
    std::memcpy(out.bytes.data(), &four.sin_addr, sizeof four.sin_addr);
    return out;
  }
  const auto& six = reinterpret_cast<const sockaddr_in6&>(storage).sin6_addr;
  out.v6 = !IN6_IS_ADDR_V4MAPPED(&six);
  if (out.v6)
    std::memcpy(out.bytes.data(), &six, sizeof six);
  else
    std::memcpy(out.bytes.data(), six.s6_addr + 12, 4);
  return out;
}

inline bool is_loopback(const Address& address) {
  return address.v6 ? address == *parse_address("::1") : address.bytes[0] == 127;
}

}  // namespace pausa::net
