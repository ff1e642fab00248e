#include "supervisor/node_ports.hpp"

#include "supervisor/taken_port.hpp"
#include "sys/error.hpp"

#include <algorithm>
#include <chrono>

namespace pausa::supervisor {
namespace {

constexpr std::chrono::seconds pause(5);

}  // namespace

NodePorts::NodePorts(boost::asio::io_context& io, state::Store store, Tell tell)
    : io_(io), store_(std::move(store)), tell_(std::move(tell)), again_(io) {}

void NodePorts::serve(std::vector<NodePort> wanted, const WayIn& way) {
  wanted_ = std::move(wanted);
  way_ = way;
  std::erase_if(open_, [this](const Open& open) {
    return std::find(wanted_.begin(), wanted_.end(), open.what) == wanted_.end();
  });
  allow_many_descriptors();
  listen();
}

void NodePorts::listen() {
  again_.cancel();
  std::string why;
  for (const auto& what : wanted_) try {
      if (std::any_of(open_.begin(), open_.end(),
                      [&what](const Open& open) { return open.what == what; }))
        continue;
      if (!open(what)) refuse_taken(what.port, store_);
    } catch (const sys::Error& error) {
      why += (why.empty() ? "Service " : "; Service ") + what.service + ": " + error.what();
    }
  if (why != told_ && !why.empty()) tell_(why);
  told_ = why;
  if (why.empty()) return;
  again_.expires_after(pause);
  again_.async_wait([this](const boost::system::error_code& error) {
    if (!error) listen();
  });
}

bool NodePorts::open(const NodePort& what) {
  auto socket = net::listen_together(what.port);
  if (!socket) return false;
  auto target = target_of(way_, what.port);
  auto forwarder = what.port.udp ? net::forward_udp(io_, socket.get(), std::move(target))
                                 : net::forward_tcp(io_, socket.get(), std::move(target));
  open_.push_back({what, std::move(socket), std::move(forwarder)});
  return true;
}

void NodePorts::rest() {
  for (auto& open : open_) open.forwarder->rest();
}

}  // namespace pausa::supervisor
