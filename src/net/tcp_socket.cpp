#include "net/tcp_socket.hpp"

#include "net/socket_address.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <string_view>

namespace pausa::net {

bool is_v6(const sockaddr_storage& client) {
  return client.ss_family == AF_INET6 &&
         !IN6_IS_ADDR_V4MAPPED(&reinterpret_cast<const sockaddr_in6&>(client).sin6_addr);
}

bool is_host_itself(const Address& client, int socket) {
  if (is_loopback(client)) return true;
  sockaddr_storage own{};
  socklen_t size = sizeof own;
  return ::getsockname(socket, reinterpret_cast<sockaddr*>(&own), &size) == 0 &&
         client == address_of(own);
}

void never_pace(int socket) {
  constexpr std::string_view plainest = "reno";
  (void)::setsockopt(socket, IPPROTO_TCP, TCP_CONGESTION, plainest.data(), plainest.size());
}

void refuse(int socket) {
  const linger at_once{1, 0};
  (void)::setsockopt(socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

}  // namespace pausa::net
