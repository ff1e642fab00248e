#include "net/proxy_header.hpp"

#include "net/address.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <cstring>

namespace pausa::net {
namespace {

struct Place {
  Address address;
  std::uint16_t port = 0;
};

Place place_of(const sockaddr_storage& storage) {
  Place place;
  constexpr std::size_t mapped_prefix = 12;
  if (storage.ss_family == AF_INET) {
    const auto& four = reinterpret_cast<const sockaddr_in&>(storage);
    std::memcpy(place.address.bytes.data(), &four.sin_addr, sizeof four.sin_addr);
    place.port = ntohs(four.sin_port);
    return place;
  }
  const auto& six = reinterpret_cast<const sockaddr_in6&>(storage);
  place.port = ntohs(six.sin6_port);
  place.address.v6 = !IN6_IS_ADDR_V4MAPPED(&six.sin6_addr);
  if (place.address.v6)
    std::memcpy(place.address.bytes.data(), &six.sin6_addr, sizeof six.sin6_addr);
  else
    std::memcpy(place.address.bytes.data(), six.sin6_addr.s6_addr + mapped_prefix, 4);
  return place;
}

std::string version_1(const Place& client, const Place& own) {
  return std::string("PROXY ") + (client.address.v6 ? "TCP6 " : "TCP4 ") + to_text(client.address) +
         " " + to_text(own.address) + " " + std::to_string(client.port) + " " +
         std::to_string(own.port) + "\r\n";
}

std::string version_2(const Place& client, const Place& own) {
  std::string text("\r\n\r\n\0\r\nQUIT\n", 12);
  const auto number = [&text](std::size_t value) {
    text += static_cast<char>(value >> 8U & 0xffU);
    text += static_cast<char>(value & 0xffU);
  };
  const auto address = [&text](const Address& value) {
    text.append(reinterpret_cast<const char*>(value.bytes.data()), value.size());
  };
  text += '\x21';                               // version 2, on behalf of another
  text += client.address.v6 ? '\x21' : '\x11';  // a stream over IPv6, IPv4
  number(2 * client.address.size() + 4);
  address(client.address);
  address(own.address);
  number(client.port);
  number(own.port);
  return text;
}

}  // namespace

std::string proxy_header(int version, const sockaddr_storage& client, const sockaddr_storage& own) {
  const auto from = place_of(client);
  const auto to = place_of(own);
  return version == 2 ? version_2(from, to) : version_1(from, to);
}

}  // namespace pausa::net
