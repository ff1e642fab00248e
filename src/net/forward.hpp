// The way from a socket on the host to a port of a pod, in the loop of the pod's supervisor:
// whoever connects is connected to the pod's address, else to its own loopback, so that a server
// that listens on 127.0.0.1 only is reached, too. TCP that is bulk goes by splice(2), either side
// may close its half, and a reader that is slow slows its writer down (relay.hpp). UDP has a
// session per client.
#pragma once

#include "net/address.hpp"
#include "sys/fd.hpp"

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace pausa::net {

// Makes a non-blocking socket in the pod's network; may throw sys::Error.
using MakeSocket = std::function<sys::UniqueFd(int domain, int type)>;

struct ForwardTarget {
  MakeSocket make_socket;
  std::vector<Address> addresses;  // tried one after the other, but the client's family first
  std::uint16_t port = 0;
  std::function<void(const Address&)> answered = nullptr;  // told of each connection, or session
  // TCP: for so long a connection is tried again where nobody listens; then it is told, and ends.
  std::chrono::milliseconds patience{0};
  std::function<void()> refused = nullptr;
  int proxy_protocol =
      0;  // TCP: the version in which the server hears of the client; 0: it does not
  // Whether this client may; unset: all may. The host itself is not asked for.
  std::function<bool(const Address& client)> admits = nullptr;
};

// Ends, with all its connections, when it is destroyed.
class Forwarder {
 public:
  Forwarder() = default;
  Forwarder(const Forwarder&) = delete;
  Forwarder& operator=(const Forwarder&) = delete;
  virtual ~Forwarder() = default;
  // Which address answered last: for when the server starts again.
  virtual void forget() = 0;
  // Nothing has come for a while: what it keeps for the next may go.
  virtual void rest() {}
  // Nobody new is let in, and the socket may be closed; whoever is connected stays.
  virtual void retire() = 0;
  virtual bool is_idle() const = 0;
};

// The socket is listen_on()'s; it is borrowed and outlives the forwarder.
std::unique_ptr<Forwarder> forward_tcp(boost::asio::io_context& io, int socket,
                                       ForwardTarget target);
std::unique_ptr<Forwarder> forward_udp(boost::asio::io_context& io, int socket,
                                       ForwardTarget target);

}  // namespace pausa::net
