#include "supervisor/node_ports.hpp"

#include "supervisor/taken_port.hpp"
#include "sys/error.hpp"

#include <algorithm>
#include <chrono>
#include <iterator>

namespace pausa::supervisor {
namespace {

constexpr std::chrono::seconds pause(5);

}  // namespace

NodePorts::NodePorts(boost::asio::io_context& io, state::Store store, Tell tell)
    : io_(io), store_(std::move(store)), tell_(std::move(tell)), again_(io) {}

void NodePorts::serve(std::vector<NodePort> wanted, const WayIn& way) {
  wanted_ = std::move(wanted);
  way_ = way;
  drop_unwanted();
  listen();
}

// One that leads elsewhere by now is listened on all the while.
void NodePorts::drop_unwanted() {
  for (auto open = open_.begin(); open != open_.end();) {
    const auto same = std::find_if(wanted_.begin(), wanted_.end(), [open](const NodePort& wanted) {
      return wanted.port.host_port == open->port.host_port && wanted.port.udp == open->port.udp;
    });
    const bool gone = same == wanted_.end();
    if (open->forwarder && (gone || !(same->port == open->port))) {
      open->forwarder->retire();
      leaving_.push_back(std::move(open->forwarder));
    }
    if (!gone) open->port = same->port;
    open = gone ? open_.erase(open) : std::next(open);
  }
  std::erase_if(leaving_, [](const auto& forwarder) { return forwarder->is_idle(); });
}

void NodePorts::listen() {
  again_.cancel();
  const auto before = std::exchange(missing_, {});
  std::string news;
  for (const auto& what : wanted_) {
    const bool told = std::find(before.begin(), before.end(), what) != before.end();
    missing_.push_back(what);
    try {
      if (open(what.port))
        missing_.pop_back();
      else if (!told)  // who has it is told once: it takes a look at every process
        refuse_taken(what.port, store_);
    } catch (const sys::Error& error) {
      if (!told)
        news += (news.empty() ? "Service " : "; Service ") + what.service + ": " + error.what();
    }
  }
  if (!news.empty()) tell_(news);
  if (missing_.empty()) return;
  again_.expires_after(pause);
  // A timer that has run out tells even when it is destroyed before its turn.
  again_.async_wait([this, alive = alive_](const boost::system::error_code& error) {
    if (*alive && !error) listen();
  });
}

bool NodePorts::open(const net::PublishedPort& port) {
  auto open = std::find_if(open_.begin(), open_.end(),
                           [&port](const Open& one) { return one.port == port; });
  if (open == open_.end()) {
    auto socket = net::listen_together(port);
    if (!socket) return false;
    open = open_.insert(open, {port, std::move(socket), nullptr});
  }
  if (open->forwarder) return true;
  auto target = target_of(way_, port);
  open->forwarder = port.udp ? net::forward_udp(io_, open->socket.get(), std::move(target))
                             : net::forward_tcp(io_, open->socket.get(), std::move(target));
  return true;
}

void NodePorts::rest() {
  drop_unwanted();
  for (auto& open : open_)
    if (open.forwarder) open.forwarder->rest();
}

}  // namespace pausa::supervisor
