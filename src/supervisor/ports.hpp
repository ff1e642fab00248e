// The published ports of a pod: sockets that listen on the host (infra keeps copies of them for the
// next supervisor), and what forwards from them. With the host's network there is nothing to do.
#pragma once

#include "infra/client.hpp"
#include "net/forward.hpp"
#include "net/publish.hpp"
#include "pod/own_annotations.hpp"
#include "pod/spec.hpp"
#include "state/store.hpp"
#include "sys/fd.hpp"
#include "sys/net_socket.hpp"

#include <boost/asio/io_context.hpp>

#include <array>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace pausa::supervisor {

// Those of all containers, in the manifest's order.
std::vector<net::PublishedPort> published_ports(const pod::Spec& spec);

// Into a pod that lives.
struct WayIn {
  int pidfd = -1;                       // of infra
  sys::SocketStock* sockets = nullptr;  // of its network; none: it has ours
  std::vector<net::Address> addresses;  // the pod's own
  std::string gate;                     // the file that says who may come (net/policy.hpp)
};
// To that port, at the pod's addresses.
net::ForwardTarget target_of(const WayIn& way, const net::PublishedPort& port);

class Ports {
 public:
  // Listens on those of the spec on which it does not yet; what the kernel did with these for
  // others ends. A port that is taken is an error that names who has it and which one is free;
  // nothing has changed then.
  void listen(const pod::Spec& spec, const state::Store& store);
  // Takes over from infra what an earlier supervisor listened on; what is not the spec's is closed.
  void adopt(const pod::Spec& spec, infra::Client& client);
  // Gives copies to infra.
  void keep(infra::Client& client) const;
  // From now on. Those that are forwarded already stay so. With a bridge, a port whose server
  // answers on the pod's address is the kernel's from then on, unless it is `proxied`: the kernel
  // does not say whose a connection is.
  void forward(boost::asio::io_context& io, const WayIn& way, const std::string& bridge,
               const std::vector<pod::ProxiedPort>& proxied);
  // The server of these may be another one when it starts again: the kernel forwards them no more
  // until it has answered. As the pod ends, reconcile() takes all of them at once.
  void withdraw(const pod::Container& container);
  // What the spec no longer has.
  void drop_others(const pod::Spec& spec);
  // Connections end; who connects waits until there is a sandbox again.
  void pause();
  // Nothing has happened for a while.
  void rest();
  void close() { open_.clear(); }
  std::size_t count() const { return open_.size(); }

 private:
  struct Open {
    net::PublishedPort port;
    sys::UniqueFd socket;
    std::unique_ptr<net::Forwarder> forwarder;                      // ends before its socket
    std::array<std::chrono::steady_clock::time_point, 2> mapped{};  // when last, by family
  };
  void map(const net::PublishedPort& port, const net::Address& answered);
  void unmap(const std::vector<Open*>& some);
  bool has(const net::PublishedPort& port) const;

  std::vector<Open> open_;
  std::string bridge_;
  std::vector<net::Address> addresses_;  // the pod's
  bool used_ = false;                    // there is or was one
};

}  // namespace pausa::supervisor
