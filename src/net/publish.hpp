// Listening for a pod on the host: the sockets of its published ports, and who has a port that is
// taken. In the network namespace of the caller.
#pragma once

#include "net/address.hpp"
#include "sys/fd.hpp"

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace pausa::net {

struct PublishedPort {
  std::optional<Address> host;  // unset: all of the host's addresses, of both families
  std::uint16_t host_port = 0;
  std::uint16_t pod_port = 0;
  bool udp = false;

  bool operator==(const PublishedPort&) const = default;
};
std::string to_text(const PublishedPort& port);  // "127.0.0.1:8080/tcp", "8080/udp"

// A socket that listens (TCP) or receives (UDP, with the addresses that packets were sent to), not
// blocking; what is accepted has TCP_NODELAY and SO_KEEPALIVE. An empty one: the port is taken, by
// others than `beside`, which are sockets of ours that may have it on other addresses. Throws
// sys::Error for all else.
sys::UniqueFd listen_on(const PublishedPort& port, const std::vector<int>& beside = {});
// Likewise, of a port that all of this user's who call this share: the kernel spreads who comes
// over those that listen.
sys::UniqueFd listen_together(const PublishedPort& port);

// The processes that have the port; those of others' can be named with privilege only.
std::vector<pid_t> holders_of(const PublishedPort& port);
// The first higher port that is free, 0 when there is none soon.
std::uint16_t next_free(PublishedPort port);

}  // namespace pausa::net
