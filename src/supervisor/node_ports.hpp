// Ports of this machine that are Services', for a pod of a user without root: the network of that
// user's pods, where their Services have their rules, is out of the host's reach. Every supervisor
// whose pod is behind the Service listens (SO_REUSEPORT), and leads who comes to its own pod; the
// kernel spreads them. So nobody has to be chosen or to hand over, whoever is killed when.
#pragma once

#include "net/forward.hpp"
#include "supervisor/ports.hpp"
#include "supervisor/services.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <list>
#include <memory>
#include <string>
#include <vector>

namespace pausa::supervisor {

class NodePorts {
 public:
  using Tell = std::function<void(const std::string& why)>;
  // tell: that somebody else has one of them; it is tried again as long as it is wanted.
  NodePorts(boost::asio::io_context& io, state::Store store, Tell tell);
  NodePorts(const NodePorts&) = delete;
  NodePorts& operator=(const NodePorts&) = delete;
  ~NodePorts() { *alive_ = false; }

  // From now on these and no others; the way is to be the same as long as this lives.
  void serve(std::vector<NodePort> wanted, const WayIn& way);
  // Nothing has happened for a while.
  void rest();

 private:
  struct Open {
    net::PublishedPort port;
    sys::UniqueFd socket;
    std::unique_ptr<net::Forwarder> forwarder;  // ends before its socket
  };
  void drop_unwanted();
  void listen();
  bool open(const net::PublishedPort& port);

  boost::asio::io_context& io_;
  state::Store store_;
  Tell tell_;
  WayIn way_;
  std::vector<NodePort> wanted_;
  std::list<Open> open_;
  std::list<std::unique_ptr<net::Forwarder>> leaving_;  // somebody is still connected by them
  std::vector<NodePort> missing_;                       // of the wanted; they are told of
  boost::asio::steady_timer again_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace pausa::supervisor
